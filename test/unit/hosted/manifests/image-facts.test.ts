import { expect, test } from 'vitest';
import { type ImageFactsOptions, ImageFactsReader } from '../../../../src/hosted/manifests/image-facts.ts';
import { maxImageConfigBytes } from '../../../../src/oci/image-config.ts';
import { ociIndex, ociManifest } from '../../../../src/oci/media-types.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { bytesBlob, descriptorOf, fakeImage, fakeIndex, seededBlob } from '../../../support/fake-content.ts';
import { manifestOf as recordOf } from '../../../support/hosted-records.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { type HostedKit, manifestOf, pushBlob, pushImage, putManifest, startHosted } from '../hosted-kit.ts';
import { watching } from '../shop.ts';

const configType = 'application/vnd.oci.image.config.v1+json';
const config = {
  created: '2026-02-02T08:00:00.123456789Z',
  author: 'Ada',
  architecture: 'arm64',
  os: 'linux',
  variant: 'v8',
  config: { Labels: { 'org.opencontainers.image.version': '1.4.0' } },
  history: [
    { created: '2026-02-01T08:00:00Z', created_by: 'ADD rootfs.tar /' },
    { created_by: 'ENV A=1', comment: 'buildkit', empty_layer: true },
  ],
};

const readerOf = ({ database, store }: HostedKit, log = silentLog) =>
  new ImageFactsReader({ database, store, log });

async function repositoryId({ database }: HostedKit, name = 'acme/shop'): Promise<number> {
  return (await database.repositories.findByName(name))?.id ?? expect.fail('no repository');
}

describeEachDatabase('the facts of an image', (_open, each) => {
  test('are what its manifest and its config say, and are recorded with the push', async () => {
    const kit = await startHosted(each);
    const layers = [seededBlob(1000, 1), seededBlob(2000, 2)];
    const image = fakeImage({
      config: bytesBlob(JSON.stringify(config)),
      layers,
      annotations: { 'org.opencontainers.image.source': 'https://git.example/shop' },
    });
    await pushImage(await kit.repository(), image, 'v1');
    // Not through the reader, which finds out what is not there.
    const facts = await kit.database.imageFacts.find(await repositoryId(kit), image.digest);
    const size = image.config?.size ?? 0;
    expect(facts).toEqual({
      kind: 'image',
      artifactType: configType,
      annotations: { 'org.opencontainers.image.source': 'https://git.example/shop' },
      config: { digest: image.config?.digest, mediaType: configType, size },
      configState: 'read',
      image: {
        createdAt: Date.UTC(2026, 1, 2, 8, 0, 0, 123),
        author: 'Ada',
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8', osVersion: undefined },
        labels: { 'org.opencontainers.image.version': '1.4.0' },
        history: [
          {
            createdAt: Date.UTC(2026, 1, 1, 8),
            createdBy: 'ADD rootfs.tar /',
            isEmptyLayer: false,
          },
          { createdBy: 'ENV A=1', comment: 'buildkit', isEmptyLayer: true },
        ],
      },
      layers: layers.map((layer) => ({
        digest: layer.digest,
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        size: layer.size,
        annotations: {},
      })),
      children: [],
      totalBytes: size + 3000,
    });
  });

  test('of an index are its children, whose sizes are counted once', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const common = seededBlob(1000, 1);
    const children = [
      fakeImage({ layers: [common], architecture: 'amd64' }),
      fakeImage({ layers: [common, seededBlob(500, 2)], architecture: 'arm64' }),
    ];
    for (const child of children) await pushImage(repository, child);
    const index = fakeIndex({ manifests: children });
    await pushImage(repository, index, 'v1');
    const id = await repositoryId(kit);
    expect(await readerOf(kit).find(id, index.digest)).toMatchObject({
      kind: 'index',
      configState: 'none',
      layers: [],
      totalBytes: undefined,
      children: children.map((child, at) => ({
        ...descriptorOf(child),
        platform: { os: 'linux', architecture: at === 0 ? 'amd64' : 'arm64' },
      })),
    });
    const digests = [index, ...children].map(({ digest }) => digest);
    const configs = children.map((child) => child.config?.size ?? 0);
    const summaries = await readerOf(kit).summarize(id, digests);
    expect(digests.map((digest) => summaries.get(digest)?.totalBytes)).toEqual([
      1500 + (configs[0] ?? 0) + (configs[1] ?? 0),
      1000 + (configs[0] ?? 0),
      1500 + (configs[1] ?? 0),
    ]);
    expect(digests.map((digest) => summaries.get(digest)?.platform.architecture)).toEqual([
      undefined,
      'amd64',
      'arm64',
    ]);
  });

  test.each([
    ['no JSON', 'not json'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a list', '[1]'],
    ['nothing', ''],
    ['nested without end', `${'['.repeat(400_000)}`],
    ['larger than what is read', JSON.stringify({ os: 'linux', pad: 'x'.repeat(maxImageConfigBytes) })],
  ])('say nothing of a config that is %s, and the push succeeds', async (_what, bytes) => {
    const kit = await startHosted(each);
    const image = fakeImage({ config: bytesBlob(bytes) });
    await pushImage(await kit.repository(), image, 'v1');
    const facts = await readerOf(kit).find(await repositoryId(kit), image.digest);
    expect(facts).toMatchObject({ configState: 'unreadable', totalBytes: image.config?.size });
    expect(facts?.image).toBeUndefined();
  });

  test('are told of a config that is as large as one may be', async () => {
    const kit = await startHosted(each);
    const config = JSON.stringify({ os: 'linux' }).padEnd(maxImageConfigBytes);
    const image = fakeImage({ config: bytesBlob(config) });
    await pushImage(await kit.repository(), image, 'v1');
    const facts = await readerOf(kit).find(await repositoryId(kit), image.digest);
    expect(facts).toMatchObject({ configState: 'read', image: { platform: { os: 'linux' } } });
  });

  test('leave out of a config what is malformed, and keep the rest', async () => {
    const kit = await startHosted(each);
    const malformed = {
      created: '0001-01-01T00:00:00Z',
      author: 7,
      os: 'lin\0ux',
      architecture: 'amd64',
      variant: 'v'.repeat(65),
      'os.version': '10.0.17763',
      config: { Labels: { good: 'yes', 'nul\0': 'a\0b', lone: '\ud800', number: 1, __proto__: null } },
      history: ['text', null, { created: 'yesterday', created_by: `x${'y'.repeat(3000)}`, comment: {} }],
    };
    const image = fakeImage({ config: bytesBlob(JSON.stringify(malformed)) });
    await pushImage(await kit.repository(), image, 'v1');
    const facts = await readerOf(kit).find(await repositoryId(kit), image.digest);
    expect(facts?.image).toEqual({
      createdAt: undefined,
      author: undefined,
      platform: { os: undefined, architecture: 'amd64', variant: undefined, osVersion: '10.0.17763' },
      labels: { good: 'yes', 'nul\0': 'a\0b', lone: '\ud800' },
      history: [{ createdBy: `x${'y'.repeat(1999)}`, isEmptyLayer: false }],
    });
  });

  test('are bounded, whatever is pushed', async () => {
    const kit = await startHosted(each, { maxManifestReferences: 10_000 });
    const repository = await kit.repository();
    const texts = Object.fromEntries(
      Array.from({ length: 2000 }, (_, at) => [`label-${at}`, 'x'.repeat(100)]),
    );
    const history = Array.from({ length: 5000 }, () => ({ created_by: 'RUN' }));
    const blob = bytesBlob(JSON.stringify({ config: { Labels: texts }, history }));
    await pushBlob(repository, Buffer.concat([...blob.read(0, blob.size)]));
    await pushBlob(repository, 'layer');
    const layer = { mediaType: 'a/b', digest: bytesBlob('layer').digest, size: Number.MAX_SAFE_INTEGER };
    const manifest = manifestOf({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: { mediaType: configType, digest: blob.digest, size: blob.size },
      layers: Array.from({ length: 5000 }, () => layer),
      annotations: texts,
    });
    const { digest } = await putManifest(repository, manifest, 'v1');
    const id = await repositoryId(kit);
    const facts = await readerOf(kit).find(id, digest);
    expect(facts?.layers).toHaveLength(1000);
    expect(facts?.image?.history).toHaveLength(500);
    expect(Object.keys(facts?.image?.labels ?? {})).toHaveLength(500);
    expect(Object.keys(facts?.annotations ?? {})).toHaveLength(500);
    expect(facts?.totalBytes).toBe(Number.MAX_SAFE_INTEGER);
    expect((await readerOf(kit).summarize(id, [digest])).get(digest)?.totalBytes).toBe(
      Number.MAX_SAFE_INTEGER,
    );
  });

  test('are found out at the first question, where the manifest came before there were any', async () => {
    const kit = await startHosted(each);
    await kit.repository();
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    const { payload, digest } = recordOf(image.payload.toString());
    await pushBlob(await kit.repository(), JSON.stringify(config));
    const id = await repositoryId(kit);
    await kit.database.repositoryManifests.save(id, recordOf(payload.toString()));
    expect(await kit.database.imageFacts.find(id, digest)).toBeUndefined();
    const summary = (await readerOf(kit).summarize(id, [digest])).get(digest);
    expect(summary).toMatchObject({
      config: { digest: image.config?.digest },
      createdAt: Date.UTC(2026, 1, 2, 8, 0, 0, 123),
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    });
    expect(await readerOf(kit).find(id, digest)).toMatchObject({ image: { author: 'Ada' } });
  });

  test('of a config that was pushed later are told from then on', async () => {
    const kit = await startHosted(each, { sparseManifests: 'all' });
    const repository = await kit.repository();
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    await putManifest(repository, image, 'v1');
    const id = await repositoryId(kit);
    expect(await readerOf(kit).find(id, image.digest)).toMatchObject({ configState: 'missing' });
    await pushBlob(repository, JSON.stringify(config));
    expect(await readerOf(kit).find(id, image.digest)).toMatchObject({ image: { author: 'Ada' } });
  });

  test('do not tell what a config says to whom it was never given', async () => {
    const kit = await startHosted(each, { sparseManifests: 'all' });
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    await pushImage(await kit.repository(), image, 'v1');
    await putManifest(await kit.repository('acme/shop/guess'), image, 'v1');
    const id = await repositoryId(kit, 'acme/shop/guess');
    const facts = await readerOf(kit).find(id, image.digest);
    expect(facts).toMatchObject({ configState: 'missing' });
    expect(facts?.image).toBeUndefined();
    const summary = (await readerOf(kit).summarize(id, [image.digest])).get(image.digest);
    expect(summary).toMatchObject({ createdAt: undefined, platform: {} });
  });

  test('are none of a manifest that another repository has', async () => {
    const kit = await startHosted(each);
    const image = fakeImage();
    await pushImage(await kit.repository(), image, 'v1');
    await pushBlob(await kit.repository('acme/shop/other'), 'something');
    const id = await repositoryId(kit, 'acme/shop/other');
    expect(await readerOf(kit).find(id, image.digest)).toBeUndefined();
    expect((await readerOf(kit).summarize(id, [image.digest])).size).toBe(0);
  });

  test('go with the manifest, and an index of blobs has none but its list', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const cached = await pushBlob(repository, 'cache layer');
    const index = manifestOf({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: cached, size: 11 }],
    });
    const { digest } = await putManifest(repository, index, 'cache');
    const id = await repositoryId(kit);
    expect(await readerOf(kit).find(id, digest)).toMatchObject({ kind: 'index', children: [{ size: 11 }] });
    await repository.deleteManifest(digest);
    expect(await readerOf(kit).find(id, digest)).toBeUndefined();
  });

  test.each([
    ['a byte at a time', (size: number) => size, 1, { configState: 'read', image: { author: 'Ada' } }],
    ['to an end that comes early', (size: number) => size - 1, 1000, { configState: 'unreadable' }],
    [
      'where there are more than a config has',
      () => maxImageConfigBytes + 1,
      1000,
      { configState: 'missing' },
    ],
  ])('are read %s, and the bytes let go of then', async (_how, sizeIn, most, found) => {
    const kit = await startHosted(each, { sparseManifests: 'all' });
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    await putManifest(await kit.repository(), image, 'v1');
    await pushBlob(await kit.repository(), JSON.stringify(config));
    const all = Buffer.from(JSON.stringify(config));
    const size = sizeIn(all.length);
    let isOpen = false;
    const store: ImageFactsOptions['store'] = {
      createSpool: () => kit.store.createSpool(),
      delete: (key) => kit.store.delete(key),
      async open() {
        isOpen = true;
        return {
          size: size < all.length ? all.length : size,
          readAt: async (buffer, position) =>
            all.subarray(0, size).copy(buffer, 0, position, Math.min(size, position + most)),
          close: async () => {
            isOpen = false;
          },
        };
      },
    };
    const reader = new ImageFactsReader({ database: kit.database, store, log: silentLog });
    expect(await reader.find(await repositoryId(kit), image.digest)).toMatchObject(found);
    expect(isOpen).toBe(false);
  });

  test('stay unknown where the manifest goes while its config is read', async () => {
    const kit = await startHosted(each, { sparseManifests: 'all' });
    const repository = await kit.repository();
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    await putManifest(repository, image, 'v1');
    await pushBlob(repository, JSON.stringify(config));
    const id = await repositoryId(kit);
    const database = watching(kit.database, {
      before: () => kit.database.repositoryManifests.remove(id, image.digest),
    });
    const reader = new ImageFactsReader({ database, store: kit.store, log: silentLog });
    expect(await reader.find(id, image.digest)).toMatchObject({ configState: 'missing' });
    expect(await readerOf(kit).find(id, image.digest)).toBeUndefined();
  });

  test('are nothing to fail a push for, where the bytes of the config cannot be read', async () => {
    const kit = await startHosted(each);
    const image = fakeImage({ config: bytesBlob(JSON.stringify(config)) });
    const repository = await kit.repository();
    await pushBlob(repository, JSON.stringify(config));
    const record = await kit.database.blobs.find(image.config?.digest ?? expect.fail());
    await kit.store.delete(record?.storageKey ?? expect.fail());
    await putManifest(repository, image, 'v1');
    expect(await readerOf(kit).find(await repositoryId(kit), image.digest)).toMatchObject({
      configState: 'missing',
    });
  });
});
