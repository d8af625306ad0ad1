import { expect, test } from 'vitest';
import { ImageFactsReader } from '../../../../src/hosted/manifests/image-facts.ts';
import { HostedInventory } from '../../../../src/hosted/manifests/inventory.ts';
import { ociIndex, ociManifest } from '../../../../src/oci/media-types.ts';
import { parseRepositoryName, parseTag } from '../../../../src/oci/reference.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../../../support/fake-content.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { pushBlob, pushImage, putManifest, startHosted } from '../hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const arm = fakeImage({ layers: [seededBlob(1000, 1), seededBlob(500, 2)], architecture: 'arm64' });
const index = fakeIndex({ manifests: [image, arm] });
const sizeOf = ({ config }: typeof image) => config?.size ?? 0;
const byName = { by: 'name', direction: 'ascending' } as const;
const firstPage = { order: byName, marker: undefined, containing: undefined, limit: 2 };
const nameUnknown = { code: 'NAME_UNKNOWN', detail: expect.stringContaining('nothing was pushed to') };

describeSqlite('the inventory of hosted repositories', (_open, each) => {
  async function start() {
    const kit = await startHosted(each);
    const { database, store } = kit;
    const facts = new ImageFactsReader({ database, store, log: silentLog });
    const inventory = new HostedInventory({ database, facts });
    return { ...kit, inventory, web: parseRepositoryName('acme/shop/web') };
  }

  test('knows of a repository when it was published last, and its size where that is asked for', async () => {
    const { inventory, repository, clock, web } = await start();
    await pushImage(await repository(web), image);
    expect(await inventory.repository(web, undefined)).toEqual({
      detail: expect.objectContaining({ name: 'acme/shop/web' }),
      lastPublishedAt: undefined,
      size: undefined,
    });
    clock.now += 1000;
    await putManifest(await repository(web), image, 'v1');
    expect(await inventory.repository(web, 'self')).toMatchObject({
      lastPublishedAt: clock.now,
      size: { bytes: 1000 + sizeOf(image), precision: 'default' },
    });
  });

  test('knows of a path only what is below it, where all of that is asked for', async () => {
    const { inventory, repository, web, name } = await start();
    await pushImage(await repository(web), image, 'v1');
    expect(await inventory.repository(name, 'self_with_descendants')).toEqual({
      detail: undefined,
      lastPublishedAt: undefined,
      size: { bytes: 1000 + sizeOf(image), precision: 'default' },
    });
    for (const scope of ['self', undefined] as const)
      await expect(inventory.repository(name, scope)).rejects.toMatchObject(nameUnknown);
    const none = parseRepositoryName('acme/shop/none');
    await expect(inventory.repository(none, 'self_with_descendants')).rejects.toMatchObject(nameUnknown);
  });

  test('knows of a tag what it names: an image, and its platform', async () => {
    const { inventory, repository, clock, web } = await start();
    await pushImage(await repository(web), image, 'v1');
    const createdAt = clock.now;
    clock.now += 1000;
    await putManifest(await repository(web), image, 'v1');
    expect(await inventory.tag(web, parseTag('v1'))).toEqual({
      name: 'v1',
      createdAt,
      publishedAt: createdAt + 1000,
      image: {
        digest: image.digest,
        mediaType: ociManifest,
        config: {
          digest: image.config?.digest,
          mediaType: 'application/vnd.oci.image.config.v1+json',
        },
        platform: { os: 'linux', architecture: 'amd64' },
        sizeBytes: 1000 + sizeOf(image),
      },
      references: undefined,
    });
  });

  test('knows of an index the images that it lists, as far as they are there', async () => {
    const { inventory, repository, web } = await start();
    for (const each of [image, arm]) await pushImage(await repository(web), each);
    await putManifest(await repository(web), index, 'v1');
    await (await repository(web)).deleteManifest(image.digest);
    expect(await inventory.tag(web, parseTag('v1'))).toMatchObject({
      image: {
        digest: index.digest,
        mediaType: ociIndex,
        config: undefined,
        sizeBytes: 1500 + sizeOf(arm),
      },
      references: [
        {
          digest: arm.digest,
          platform: { os: 'linux', architecture: 'arm64' },
          sizeBytes: 1500 + sizeOf(arm),
        },
      ],
    });
  });

  test('has no tag that is not there, nor any of a name that was never pushed to', async () => {
    const { inventory, repository, web, name } = await start();
    await pushBlob(await repository(web), 'hello');
    const v1 = parseTag('v1');
    await expect(inventory.tag(web, v1)).rejects.toMatchObject({
      code: 'TAG_UNKNOWN',
      detail: 'acme/shop/web has no tag v1',
    });
    await expect(inventory.tag(name, v1)).rejects.toMatchObject(nameUnknown);
    const request = { tags: firstPage, referrerTypes: undefined };
    await expect(inventory.tags(name, request)).rejects.toMatchObject(nameUnknown);
    expect(await inventory.tags(web, request)).toEqual({ tags: [], hasPrevious: false, hasNext: false });
  });

  test('lists tags with their sizes, in pages, or one alone', async () => {
    const { inventory, repository, web } = await start();
    await pushImage(await repository(web), image, 'a');
    await pushImage(await repository(web), arm, 'b');
    await putManifest(await repository(web), image, 'c');
    const page = await inventory.tags(web, { tags: firstPage, referrerTypes: undefined });
    expect(page).toMatchObject({
      tags: [
        { name: 'a', digest: image.digest, sizeBytes: 1000 + sizeOf(image), referrers: undefined },
        { name: 'b', digest: arm.digest, sizeBytes: 1500 + sizeOf(arm), referrers: undefined },
      ],
      hasPrevious: false,
      hasNext: true,
    });
    const of = (tag: string) => inventory.tags(web, { tags: parseTag(tag), referrerTypes: undefined });
    expect(await of('c')).toMatchObject({ tags: [{ name: 'c' }], hasPrevious: false, hasNext: false });
    expect(await of('none')).toEqual({ tags: [], hasPrevious: false, hasNext: false });
  });

  test('lists with tags what refers to their manifests, all of it or of some types', async () => {
    const { inventory, repository, web } = await start();
    await pushImage(await repository(web), image, 'a');
    await pushImage(await repository(web), arm, 'b');
    const [signature, sbom] = [
      fakeArtifact(image, 'application/x.signature'),
      fakeArtifact(image, 'application/x.sbom'),
    ];
    for (const each of [signature, sbom]) await pushImage(await repository(web), each);
    const digestsOf = async (...referrerTypes: string[]) => {
      const { tags } = await inventory.tags(web, { tags: firstPage, referrerTypes });
      return tags.map(({ referrers }) => referrers?.map(({ digest }) => digest).toSorted());
    };
    expect(await digestsOf()).toEqual([[signature.digest, sbom.digest].toSorted(), []]);
    expect(await digestsOf('application/x.sbom')).toEqual([[sbom.digest], []]);
  });

  test('lists the repositories of a path that have tags', async () => {
    const { inventory, repository, web, name } = await start();
    await pushImage(await repository(web), image, 'v1');
    await pushBlob(await repository('acme/shop/untagged'), 'hello');
    expect(await inventory.repositories(name, { after: '', limit: 10 })).toMatchObject({
      repositories: [{ name: 'acme/shop/web' }],
      hasMore: false,
    });
  });
});
