import { expect, test } from 'vitest';
import { octetStream } from '../../../../src/oci/media-types.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import type { Writer } from '../../../../src/oci/repository.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { fakeImage, seededBlob } from '../../../support/fake-content.ts';
import { alice, pushBlob, pushImage, putManifest, startHosted } from '../hosted-kit.ts';
import { listen } from '../shop.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const { digest, mediaType, payload } = image;
const layer = image.layers[0]?.digest ?? digest;
const named = { repository: 'acme/shop' };

const origin: NonNullable<Writer['origin']> = {
  requestId: 'request-1',
  address: '192.0.2.1',
  externalUrl: 'https://registry.example.com',
  method: 'PUT',
  userAgent: 'docker',
  actorType: 'personal_access_token',
};

describeSqlite('who wants to know is told', (_open, each) => {
  test('of each tag that is pushed, and of a manifest without any', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    const told = await listen(kit.database);
    await putManifest(repository, image, 'v1', ['v2']);
    const pushed = { ...named, digest, mediaType, size: payload.length };
    await putManifest(repository, image, digest);
    expect(await told()).toMatchObject([
      { action: 'push', target: { ...pushed, tag: 'v1' }, actor: { name: 'alice' } },
      { action: 'push', target: { ...pushed, tag: 'v2' }, actor: { name: 'alice' } },
      { action: 'push', target: pushed },
    ]);
    expect((await told()).at(-1)).not.toHaveProperty('target.tag');
    expect((await told())[0]).not.toHaveProperty('target.references');
  });

  test('what a manifest refers to, where they shall hear of that', async () => {
    const kit = await startHosted(each, { tellsReferences: true });
    const repository = await kit.repository();
    await pushImage(repository, image);
    const told = await listen(kit.database);
    await putManifest(repository, image, 'v1');
    expect(await told()).toMatchObject([
      {
        target: {
          references: [
            {
              digest: image.config?.digest,
              mediaType: 'application/vnd.oci.image.config.v1+json',
              size: image.config?.size,
            },
            { digest: layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: 1000 },
          ],
        },
      },
    ]);
  });

  test('of blobs that are pushed, and mounted from where', async () => {
    const kit = await startHosted(each);
    const [repository, target] = [await kit.repository(), await kit.repository('acme/shop/web')];
    const told = await listen(kit.database);
    const blob = await pushBlob(repository, 'hello');
    await target.mount(blob, repository, kit.name);
    const of = { mediaType: octetStream, digest: blob, size: 5 };
    expect(await told()).toMatchObject([
      { action: 'push', target: { ...of, repository: 'acme/shop' } },
      { action: 'mount', target: { ...of, repository: 'acme/shop/web', fromRepository: 'acme/shop' } },
    ]);
  });

  test('of tags, manifests and blobs that are deleted, by which request', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository('acme/shop', { ...alice, origin });
    await pushImage(repository, image, 'v1');
    const told = await listen(kit.database);
    await repository.deleteManifest(parseTag('v1'));
    await repository.deleteManifest(digest);
    await repository.deleteBlob(layer);
    const by = {
      action: 'delete',
      request: { id: 'request-1', addr: '192.0.2.1', method: 'PUT', useragent: 'docker' },
      actor: { name: 'alice', user_type: 'personal_access_token' },
    };
    expect(await told()).toMatchObject([
      { ...by, target: { ...named, tag: 'v1', digest } },
      { ...by, target: { ...named, digest } },
      { ...by, target: { ...named, digest: layer, mediaType: octetStream } },
    ]);
  });

  test('the operator, what kind of credentials pushed where there is no user', async () => {
    const kit = await startHosted(each);
    const bot: Writer = { ...alice, key: 'deploy_token:3', userId: undefined, name: 'bot' };
    await pushImage(await kit.repository('acme/shop', bot), image, 'v1');
    await pushImage(await kit.repository(), image, 'v1');
    const { records } = await kit.database.auditEvents.list({}, { page: 1, perPage: 2 });
    const [byUser, byBot] = records;
    expect(byBot).toMatchObject({ actorName: 'bot', details: { writer: 'deploy_token:3' } });
    expect(byBot?.actorId).toBeUndefined();
    expect(byUser?.details).not.toHaveProperty('writer');
  });
});
