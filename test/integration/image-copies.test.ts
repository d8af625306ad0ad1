/** Images that are copied or tagged anew on the server, on the whole server. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { bytesBlob, fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUserWithRoles, Pusher, type TestUser } from '../support/pushing.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const amd64 = fakeImage({ layers: [seededBlob(1000, 1), seededBlob(2000, 2)] });
const arm64 = fakeImage({ layers: [seededBlob(1000, 1), seededBlob(3000, 3)], architecture: 'arm64' });
const index = fakeIndex({ manifests: [amd64, arm64] });
const signature = fakeArtifact(index, 'application/vnd.dev.cosign.artifact.sig.v1+json');
const childSbom = fakeArtifact(amd64, 'application/spdx+json');
const signedSbom = fakeArtifact(childSbom, 'application/vnd.dev.cosign.artifact.sig.v1+json');
const cosignTag = `${index.digest.replace(':', '-')}.sig`;
const cosigned = fakeImage({ layers: [bytesBlob('signed by cosign')] });

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
type Json = any;

interface Copy {
  readonly destination_repository?: string;
  readonly destination_tag?: string;
  readonly referrers?: boolean;
}

/** An index with two children, and what is attached to it, in acme/dev/web:1.0; the project acme/prod is empty. */
async function push(app: TestApp) {
  await createProject(app, 'acme/dev');
  const prod = await createProject(app, 'acme/prod');
  const pusher = new Pusher(app, 'acme/dev/web');
  for (const child of [amd64, arm64]) await pusher.image(child);
  await pusher.image(index, '1.0');
  await pusher.blob('{}');
  for (const artifact of [signature, childSbom, signedSbom])
    expect((await pusher.manifest(artifact, artifact.digest)).status).toBe(201);
  await pusher.image(cosigned, cosignTag);
  const [repository] = await jsonOf<{ id: number }[]>(
    await app.api('GET', '/projects/acme%2Fdev/registry/repositories'),
  );
  return {
    prod,
    pusher,
    copy: (to: Copy, { tag = '1.0', user }: { tag?: string; user?: TestUser } = {}) =>
      app.api(
        'POST',
        `/projects/acme%2Fdev/registry/repositories/${repository?.id}/tags/${tag}/copy`,
        to,
        user && { 'private-token': user.token },
      ),
  };
}

const toProd = { destination_repository: 'acme/prod/web' };

describeApp('copying an image on the server', (start) => {
  test('brings all that an index lists, so that it can be pulled, and no byte is stored twice', async () => {
    await using app = await start();
    const { copy } = await push(app);
    const before = (await app.filesUnder('')).length;
    const answer = await copy({ ...toProd, destination_tag: 'stable' });
    expect(answer.status).toBe(201);
    expect(await jsonOf<Json>(answer)).toMatchObject({
      name: 'stable',
      path: 'acme/prod/web:stable',
      digest: index.digest,
      project_path: 'acme/prod',
      copied_manifests: 3,
      copied_blobs: 5,
    });
    const prod = new Pusher(app, 'acme/prod/web');
    const pulled = await prod.ask('GET', 'manifests/stable');
    expect(Buffer.from(await pulled.arrayBuffer())).toEqual(index.payload);
    for (const { digest, layers } of [amd64, arm64]) {
      expect((await prod.ask('GET', `manifests/${digest}`)).status).toBe(200);
      for (const layer of layers) expect((await prod.ask('GET', `blobs/${layer.digest}`)).status).toBe(200);
    }
    expect((await prod.ask('GET', `manifests/${signature.digest}`)).status).toBe(404);
    expect(await app.filesUnder('')).toHaveLength(before);
  });

  test('brings what is attached to it, to what it lists, and to what is attached, where that is asked for', async () => {
    await using app = await start();
    const { copy } = await push(app);
    const answer = await copy({ ...toProd, referrers: true });
    expect(await jsonOf<Json>(answer)).toMatchObject({ copied_manifests: 7 });
    const prod = new Pusher(app, 'acme/prod/web');
    const referrersOf = async (digest: string) =>
      (await jsonOf<Json>(await prod.ask('GET', `referrers/${digest}`))).manifests.map(
        (each: Json) => each.digest,
      );
    expect(await referrersOf(index.digest)).toEqual([signature.digest]);
    expect(await referrersOf(amd64.digest)).toEqual([childSbom.digest]);
    expect(await referrersOf(childSbom.digest)).toEqual([signedSbom.digest]);
    expect((await prod.ask('GET', `manifests/${cosignTag}`)).status).toBe(200);
  });

  test('keeps the list of signatures that the destination has', async () => {
    await using app = await start();
    const { copy } = await push(app);
    const own = fakeImage({ layers: [bytesBlob('signed for production')] });
    const prod = new Pusher(app, 'acme/prod/web');
    await prod.image(own, cosignTag);
    expect((await copy({ ...toProd, referrers: true })).status).toBe(201);
    expect((await prod.ask('HEAD', `manifests/${cosignTag}`)).headers.get('docker-content-digest')).toBe(
      own.digest,
    );
  });

  test('gives an image another tag in its own repository, and moves one that there is', async () => {
    await using app = await start();
    const { copy, pusher } = await push(app);
    const other = fakeImage({ layers: [seededBlob(10, 9)] });
    await pusher.image(other, 'stable');
    const answer = await copy({ destination_tag: 'stable' });
    expect(await jsonOf<Json>(answer)).toMatchObject({ copied_manifests: 0, copied_blobs: 0 });
    const digestOf = async (tag: string) =>
      (await pusher.ask('HEAD', `manifests/${tag}`)).headers.get('docker-content-digest');
    expect([await digestOf('stable'), await digestOf('1.0')]).toEqual([index.digest, index.digest]);
  });

  test('is told of and on record as a push', async () => {
    await using receiver = await WebhookReceiver.start();
    const environment = {
      ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
      ENTREPOT_WEBHOOKS__ENDPOINTS: JSON.stringify([{ name: 'ci', url: receiver.url }]),
    };
    await using app = await start({ environment });
    const { copy } = await push(app);
    expect((await copy(toProd)).status).toBe(201);
    const toldOf = () => receiver.events.filter(({ target }) => target.repository === 'acme/prod/web');
    await eventually(() => expect(toldOf()).toHaveLength(8));
    const mounts = toldOf().slice(0, 5);
    expect(
      mounts.every(({ action, target }) => action === 'mount' && target.fromRepository === 'acme/dev/web'),
    ).toBe(true);
    expect(
      toldOf()
        .slice(5)
        .map(({ action, target }) => [action, target.digest, target.tag]),
    ).toEqual([
      ['push', amd64.digest, undefined],
      ['push', arm64.digest, undefined],
      ['push', index.digest, '1.0'],
    ]);
    const events = await jsonOf<Json[]>(await app.api('GET', '/projects/acme%2Fprod/audit_events'));
    const pushes = events.filter(({ event_name }) => event_name === 'manifest.push');
    expect(pushes).toHaveLength(3);
    expect(pushes[0].details).toMatchObject({
      target_details: `acme/prod/web@${index.digest}`,
      attributes: { tags: ['1.0'], from: 'acme/dev/web' },
    });
  });

  test('takes the right to pull from the one and to push to the other', async () => {
    await using app = await start();
    const { copy } = await push(app);
    const outsider = await createUserWithRoles(app, 'outsider', {});
    const reader = await createUserWithRoles(app, 'reader', { 'acme/dev': 20, 'acme/prod': 20 });
    const stranger = await createUserWithRoles(app, 'stranger', { 'acme/dev': 30 });
    const writer = await createUserWithRoles(app, 'writer', { 'acme/dev': 20, 'acme/prod': 30 });
    const blind = await createUserWithRoles(app, 'blind', { 'acme/prod': 30 });
    const asked = async (user: TestUser, to: Copy = toProd) => {
      const answer = await copy(to, { user });
      return [answer.status, (await jsonOf<Json>(answer)).message];
    };
    expect(await asked(outsider)).toEqual([404, '404 Project Not Found']);
    expect(await asked(blind)).toEqual([404, '404 Project Not Found']);
    expect(await asked(reader)).toEqual([403, '403 Forbidden']);
    expect(await asked(stranger)).toEqual([404, '404 Project Not Found']);
    expect(await asked(stranger, { destination_repository: 'acme/none/web' })).toEqual([
      404,
      '404 Project Not Found',
    ]);
    expect(await asked(writer)).toEqual([201, undefined]);
    expect(await asked(writer, { destination_tag: 'mine' })).toEqual([403, '403 Forbidden']);
  });

  test('is refused as a push is: by tags that are protected or immutable, by quotas and in read-only mode, and leaves nothing behind', async () => {
    await using app = await start();
    const { copy, prod } = await push(app);
    const rules = `/projects/${prod}/registry/protection/tag`;
    await app.api('POST', `${rules}/immutable_rules`, { tag_name_pattern: '^release-' });
    await app.api('POST', `${rules}/rules`, {
      tag_name_pattern: '^protected-',
      minimum_access_level_for_push: 'maintainer',
      minimum_access_level_for_delete: 'maintainer',
    });
    const developer = await createUserWithRoles(app, 'developer', { 'acme/dev': 30, 'acme/prod': 30 });
    const refusalOf = async (to: Copy, options: Parameters<typeof copy>[1] = {}) => {
      const answer = await copy({ ...toProd, ...to }, options);
      return [answer.status, (await jsonOf<Json>(answer)).message];
    };
    expect(await refusalOf({ destination_tag: 'protected-1' }, { user: developer })).toEqual([
      403,
      '403 Forbidden - cannot create protected tag(s)',
    ]);
    await app.api('POST', `/projects/${prod}/registry/protection/repository/rules`, {
      repository_path_pattern: 'acme/prod/vault*',
      minimum_access_level_for_push: 'maintainer',
    });
    const toVault = { destination_repository: 'acme/prod/vault' };
    expect(await refusalOf(toVault, { user: developer })).toEqual([
      403,
      '403 Forbidden - Pushing to protected repository path forbidden',
    ]);
    await new Pusher(app, 'acme/prod/web').image(amd64, 'release-1');
    expect(await refusalOf({ destination_tag: 'release-1' })).toEqual([
      409,
      '409 Conflict - tag release-1 of acme/prod/web cannot be pushed',
    ]);
    await app.api('PUT', `/projects/${prod}`, { container_registry_quota_bytes: 4000 });
    expect(await refusalOf({})).toEqual([
      409,
      expect.stringMatching(/^project acme\/prod uses \d+ of 4000 bytes/),
    ]);
    expect(
      (await new Pusher(app, 'acme/prod/web').ask('HEAD', `blobs/${arm64.layers[1]?.digest}`)).status,
    ).toBe(404);
    await app.api('PUT', `/projects/${prod}`, { container_registry_quota_bytes: null });
    await app.api('PUT', '/application/settings', { maintenance_mode: true });
    expect((await refusalOf({}))[0]).toBe(503);
  });

  test('says what is wrong with what was asked for', async () => {
    await using app = await start();
    const { copy } = await push(app);
    const answerTo = async (to: Copy, tag = '1.0') => {
      const answer = await copy(to, { tag });
      return [answer.status, (await jsonOf<Json>(answer)).message];
    };
    expect(await answerTo(toProd, 'none')).toEqual([404, '404 Tag Not Found']);
    expect(await answerTo(toProd, '-no')).toEqual([404, '404 Tag Not Found']);
    expect(await answerTo({})).toEqual([
      400,
      '400 Bad request - say which other repository or tag it is to have',
    ]);
    expect(await answerTo({ destination_repository: 'acme/prod/Web' })).toEqual([
      400,
      "400 Bad request - 'acme/prod/Web' is no name of a repository",
    ]);
    expect(await answerTo({ ...toProd, destination_tag: 'a b' })).toEqual([
      400,
      "400 Bad request - 'a b' is no tag",
    ]);
    for (const destination_repository of [
      '5',
      'acme',
      'virtual_registries/container/1/web',
      'acme/prod/a/b/c',
    ])
      expect(await answerTo({ destination_repository })).toEqual([404, '404 Project Not Found']);
  });
});
