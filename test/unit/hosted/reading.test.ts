import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { ociIndex } from '../../../src/oci/media-types.ts';
import { isTag, parseRepositoryName, parseTag, type Tag } from '../../../src/oci/reference.ts';
import { fallbackTag } from '../../../src/oci/referrers.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { descriptorOf, fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../../support/fake-content.ts';
import { createProject } from '../../support/hosted-records.ts';
import {
  bytesOf,
  type HostedKit,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  startHosted,
} from './hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(100, 1)] });
const signature = fakeArtifact(image, 'application/x.signature', { by: 'alice' });

describeEachDatabase('a hosted repository', (_open, each) => {
  test('is there once something was pushed to it', async () => {
    const kit = await startHosted(each);
    expect(await kit.repositories.find(kit.name)).toBeUndefined();
    const repository = await kit.repository();
    await repository.uploads.start();
    expect(await kit.repositories.find(kit.name)).toBeUndefined();
    await expect(repository.tags({ after: '', limit: 1 })).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
      detail: 'nothing was pushed to acme/shop',
    });
    expect((await repository.referrers(image.digest)).descriptors).toEqual([]);
    const digest = await pushBlob(repository, 'hello');
    const found = await kit.repositories.find(kit.name);
    expect(await found?.statBlob(digest)).toEqual({ digest, size: 5, outcome: 'hosted' });
    expect(await found?.tags({ after: '', limit: 1 })).toEqual({
      tags: [],
      hasMore: false,
      outcome: 'hosted',
    });
  });

  test('has its manifests found by name in one look, which counts as a pull where it is one', async () => {
    const kit = await startHosted(each);
    expect(await kit.repositories.findManifest(kit.name, parseTag('v1'), true)).toBeUndefined();
    await pushImage(await kit.repository(), image, 'v1');
    expect(await kit.repositories.findManifest(kit.name, parseTag('v1'), false)).toMatchObject({
      digest: image.digest,
      outcome: 'hosted',
    });
    expect(await kit.repositories.findManifest(kit.name, image.digest, true)).toMatchObject({
      payload: image.payload,
    });
    await kit.pulls.flush();
    const id = (await kit.database.repositories.findByName(kit.name))?.id ?? 0;
    expect((await kit.database.repositories.find(id))?.pulledAt).toBe(kit.clock.now);
  });

  test('lists its tags in byte order, in pages', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    const tags = ['B', '_', 'a', 'a.b', 'b', '10', '9'].filter(isTag);
    await putManifest(repository, image, image.digest, tags);
    const sorted = ['10', '9', 'B', '_', 'a', 'a.b', 'b'];
    expect((await repository.tags({ after: '', limit: 100 })).tags).toEqual(sorted);
    expect(await repository.tags({ after: 'A', limit: 3 })).toMatchObject({
      tags: ['B', '_', 'a'],
      hasMore: true,
    });
    expect(await repository.tags({ after: 'a.b', limit: 1 })).toMatchObject({ tags: ['b'], hasMore: false });
    expect(await repository.tags({ after: '', limit: 0 })).toMatchObject({ tags: [] });
  });

  test('has no blobs that are manifests, nor manifests that are blobs', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushImage(repository, image);
    await expect(repository.blob(image.digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    const layer = image.layers[0]?.digest ?? image.digest;
    await expect(repository.manifest(layer, true)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      detail: `acme/shop has no manifest ${layer}`,
    });
  });

  test('reads a blob from where it is by then, if it was moved or collected meanwhile', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const digest = await pushBlob(repository, 'hello');
    const record = (await kit.database.blobs.find(digest)) ?? expect.fail('no record');
    const opened: string[] = [];
    let meanwhile: (() => Promise<unknown>) | undefined = () =>
      kit.database.blobs.replaceCopy({ ...record, storageKey: 'another' }, record.storageKey);
    const { store } = kit;
    const open = store.open.bind(store);
    store.open = async (key) => {
      opened.push(key);
      if (!meanwhile) return open(record.storageKey);
      await meanwhile();
      meanwhile = undefined;
      return undefined;
    };
    const moved = await repository.blob(digest);
    // Not all of it, which would be remembered.
    for await (const part of moved.read(0, 4, new AbortController().signal))
      expect(String(part)).toBe('hell');
    await moved.close();
    expect(opened).toEqual([record.storageKey, 'another']);
    meanwhile = () => repository.deleteBlob(digest);
    await expect(repository.blob(digest)).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      detail: `acme/shop has no blob ${digest}`,
    });
    expect(kit.errors).toEqual([]);
  });

  test('tells of blobs and manifests by the records alone, and asks the store once for a blob that is read', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const digest = await pushBlob(repository, 'a'.repeat(100_000));
    await pushImage(repository, image, 'v1');
    const opened = vi.spyOn(kit.store, 'open');
    expect(await repository.statBlob(digest)).toEqual({ digest, size: 100_000, outcome: 'hosted' });
    await repository.manifest(parseTag('v1'), true);
    await repository.manifest(image.digest, false);
    expect(opened).not.toHaveBeenCalled();
    expect(await bytesOf(await repository.blob(digest))).toHaveLength(100_000);
    expect(opened).toHaveBeenCalledTimes(1);
  });

  test('opens the bytes of a small blob once, however often it is read, and of a bigger one each time', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    let opened = 0;
    const open = kit.store.open.bind(kit.store);
    kit.store.open = (key) => {
      opened += 1;
      return open(key);
    };
    for (const [bytes, times] of [
      ['a'.repeat(64 * 1024), 1],
      ['a'.repeat(64 * 1024 + 1), 3],
    ] as const) {
      const digest = await pushBlob(repository, bytes);
      opened = 0;
      for (const _ of [1, 2, 3])
        expect((await bytesOf(await repository.blob(digest))).toString()).toBe(bytes);
      expect(opened).toBe(times);
    }
  });

  test('gives bytes that are remembered only where it has them', async () => {
    const kit = await startHosted(each);
    await createProject(kit.database, 'acme/other');
    const [shop, other] = [await kit.repository(), await kit.repository('acme/other')];
    await pushBlob(other, 'else');
    const digest = await pushBlob(shop, 'hello');
    await bytesOf(await shop.blob(digest));
    const names = ['acme/shop', 'acme/other', 'acme/absent'].map((name) => parseRepositoryName(name));
    const seen = () => Promise.all(names.map((name) => kit.repositories.findBlob(name, digest)));
    const answer = { digest, mediaType: 'application/octet-stream', payload: Buffer.from('hello') };
    expect(await seen()).toEqual([{ ...answer, outcome: 'hosted' }, undefined, undefined]);
    await expect(other.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await shop.deleteBlob(digest);
    expect(await seen()).toEqual([undefined, undefined, undefined]);
    await expect(shop.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('looks once for bytes that are gone, and says so to the operator', async () => {
    const kit = await startHosted(each);
    const digest = await pushBlob(await kit.repository(), 'hello');
    let opened = 0;
    kit.store.open = async () => {
      opened += 1;
      return undefined;
    };
    await expect((await kit.repository()).blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(opened).toBe(1);
    expect(kit.errors).toHaveLength(1);
  });

  test('is seen by a group where it belongs to the group, or to everybody', async () => {
    const kit = await startHosted(each);
    await createProject(kit.database, 'acme/team/tools');
    for (const visibility of ['private', 'internal', 'public'] as const)
      await createProject(kit.database, `other/${visibility}`, visibility);
    await createProject(kit.database, 'acme-labs/shop');
    const names = [
      'acme/shop',
      'acme/team/tools',
      'other/private',
      'other/internal',
      'other/public',
      'acme-labs/shop',
    ];
    const seen: string[] = [];
    for (const name of names) {
      await pushBlob(await kit.repository(name), 'hello');
      if (await kit.repositories.findVisibleFrom('acme', parseRepositoryName(name))) seen.push(name);
    }
    expect(seen).toEqual(['acme/shop', 'acme/team/tools', 'other/public']);
    expect(
      await kit.repositories.findVisibleFrom('acme', parseRepositoryName('acme/shop/empty')),
    ).toBeUndefined();
  });
});

describeEachDatabase('a group', (_open, each) => {
  test.each([
    ['acme/shop', 'private', 'enabled', true],
    ['acme/shop', 'public', 'private', true],
    ['acme/shop', 'public', 'disabled', false],
    ['other/shop', 'public', 'enabled', true],
    ['other/shop', 'public', 'private', false],
    ['other/shop', 'public', 'disabled', false],
  ] as const)(
    'sees of %s, which is %s, with a registry that is %s: %s',
    async (path, visibility, level, isSeen) => {
      const kit = await startHosted(each);
      const { id } = await findOrCreate(kit, path);
      const digest = await pushBlob(await kit.repository(path), 'hello');
      await kit.database.projects.update(id, { visibility, containerRegistryAccessLevel: level });
      const seen = await kit.repositories.findVisibleFrom('acme', parseRepositoryName(path));
      expect(seen !== undefined).toBe(isSeen);
      if (isSeen) expect(await seen?.statBlob(digest)).toMatchObject({ size: 5 });
    },
  );
});

describeEachDatabase('a name that is given away by a rename', (_open, each) => {
  async function start(state: 'announced' | 'over', forMs: number) {
    const kit = await startHosted(each);
    const { id: projectId } = await findOrCreate(kit, 'acme/shop');
    const expiresAt = kit.clock.now + forMs;
    await kit.database.renameLeases.put({
      path: 'acme/shop/web',
      projectId,
      holder: 'user:9',
      state,
      expiresAt,
    });
    return kit;
  }

  test('is kept from pushes while it is announced, and says for how long', async () => {
    const kit = await start('announced', 1001);
    for (const name of ['acme/shop/web', 'acme/shop/web/debug'])
      await expect(kit.repository(name)).rejects.toMatchObject({
        code: 'RENAME_IN_PROGRESS',
        status: 409,
        detail: expect.stringMatching(/^acme\/shop\/web is being renamed/),
        headers: { 'Retry-After': '2' },
      });
    await kit.repository('acme/shop/website');
    kit.clock.now += 1001;
    await kit.repository('acme/shop/web');
  });

  test('is gone for a while once that is over', async () => {
    const kit = await start('over', 1000);
    await expect(kit.repository('acme/shop/web')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    kit.clock.now += 1000;
    await kit.repository('acme/shop/web');
  });
});

async function findOrCreate({ database }: HostedKit, path: string) {
  return (await database.projects.findByPath(path)) ?? createProject(database, path);
}

describeEachDatabase('the referrers of a subject', (_open, each) => {
  const referrer = {
    ...descriptorOf(signature),
    artifactType: signature.artifactType,
    annotations: signature.annotations,
  };

  test('are the manifests that name it, until they are deleted', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushImage(repository, signature);
    expect((await repository.referrers(image.digest)).descriptors).toEqual([referrer]);
    expect((await repository.referrers(signature.digest)).descriptors).toEqual([]);
    await repository.deleteManifest(signature.digest);
    expect(await repository.referrers(image.digest)).toEqual({ descriptors: [], outcome: 'hosted' });
  });

  test('are those of this repository', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository('acme/shop/web'), signature);
    const repository = await kit.repository();
    await pushImage(repository, image);
    expect((await repository.referrers(image.digest)).descriptors).toEqual([]);
  });

  describe('with a fallback tag', () => {
    async function withFallback(content: object) {
      const repository = await (await startHosted(each, { sparseManifests: 'all' })).repository();
      await pushImage(repository, signature);
      await pushImage(repository, image);
      await putManifest(repository, manifestOf(content), fallbackTag(image.digest));
      return (await repository.referrers(image.digest)).descriptors;
    }

    test('are what either lists, each once, but not what is gone', async () => {
      const listed = { ...descriptorOf(image), artifactType: 'application/x.old', annotations: { a: 'b' } };
      const gone = descriptorOf(fakeIndex({ manifests: [image] }));
      const manifests = [{ ...descriptorOf(signature), artifactType: 'another' }, listed, gone];
      const descriptors = await withFallback({ schemaVersion: 2, mediaType: ociIndex, manifests });
      expect(descriptors).toEqual([referrer, listed]);
    });

    test('are those with a subject where it is an image', async () => {
      const config = { mediaType: 'application/x', digest: digestOf(Buffer.from('config')), size: 6 };
      expect(await withFallback({ schemaVersion: 2, config, layers: [] })).toEqual([referrer]);
    });
  });

  test('of a sha512 digest have a tag of as much of it as tags can hold', () => {
    const tag: Tag = fallbackTag(digestOf(image.payload, 'sha512'));
    expect(tag).toMatch(/^sha512-[0-9a-f]{64}$/);
  });
});
