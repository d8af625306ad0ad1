import { describe, expect, test } from 'vitest';
import type { Database } from '../../../src/metadata/db/database.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import type { OciError } from '../../../src/oci/errors.ts';
import { ociIndex, ociManifest } from '../../../src/oci/media-types.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { bytesBlob, descriptorOf, fakeImage, fakeIndex, seededBlob } from '../../support/fake-content.ts';
import { readManifestReviews } from '../../support/review-rows.ts';
import {
  bob,
  emptyConfig,
  type HostedKit,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  startHosted,
} from './hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1), seededBlob(2000, 2)] });
const other = fakeImage({ layers: [seededBlob(1000, 3)] });
const v1 = parseTag('v1');

/** What the last refusal says, one sentence for each entry. */
async function refusalOf(pushed: Promise<unknown>): Promise<OciError> {
  return pushed.then(
    () => expect.fail('it was accepted'),
    (error: OciError) => error,
  );
}

async function lastEvents(kit: HostedKit, perPage: number) {
  return (await kit.database.auditEvents.list({}, { page: 1, perPage })).records;
}

describeEachDatabase('a manifest that is pushed', (_open, each) => {
  test('by tag is there by tag and digest, byte for byte', async () => {
    const repository = await (await startHosted(each)).repository();
    const stored = await pushImage(repository, image, 'v1');
    expect(stored).toBe(image.digest);
    const expected = { ...pick(image), outcome: 'hosted' };
    expect(await repository.manifest(v1, true)).toEqual(expected);
    expect(await repository.manifest(image.digest, true)).toEqual(expected);
    expect((await repository.tags({ after: '', limit: 10 })).tags).toEqual(['v1']);
  });

  test('by digest has no tag but those that are given besides', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    expect((await repository.tags({ after: '', limit: 10 })).tags).toEqual([]);
    await expect(repository.manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    await putManifest(repository, image, image.digest, ['v1', 'v2', 'v1']);
    expect((await repository.tags({ after: '', limit: 10 })).tags).toEqual(['v1', 'v2']);
  });

  test('under a sha512 digest has that one, by its tags too', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushImage(repository, image);
    const long = digestOf(image.payload, 'sha512');
    expect((await putManifest(repository, image, long, ['v1'])).digest).toBe(long);
    expect((await repository.manifest(v1, true)).digest).toBe(long);
    expect((await repository.manifest(image.digest, true)).digest).toBe(image.digest);
  });

  test('under the digest of something else is refused, and not kept', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushImage(repository, image);
    const refused = putManifest(repository, image, other.digest, ['v1']);
    await expect(refused).rejects.toMatchObject({
      code: 'DIGEST_INVALID',
      status: 400,
      detail: `the manifest has the digest ${image.digest}, not ${other.digest}`,
    });
    await expect(repository.manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  test('without a word about its type is what it says itself', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushBlob(repository, '{}');
    const { digest } = await putManifest(
      repository,
      manifestOf({ schemaVersion: 2, config: emptyConfig }),
      'v1',
    );
    expect(await repository.manifest(v1, true)).toMatchObject({ digest, mediaType: ociManifest });
    await putManifest(repository, manifestOf({ schemaVersion: 2, manifests: [] }), 'index');
    expect(await repository.manifest(parseTag('index'), true)).toMatchObject({ mediaType: ociIndex });
  });

  test('again under another type is that from then on', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushBlob(repository, '{}');
    const { payload } = manifestOf({ schemaVersion: 2, config: emptyConfig, layers: [] });
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    for (const mediaType of [ociManifest, docker]) {
      await putManifest(repository, { payload, mediaType }, 'v1');
      expect((await repository.manifest(v1, true)).mediaType).toBe(mediaType);
    }
  });

  test('says its subject, whether or not that is there', async () => {
    const repository = await (await startHosted(each)).repository();
    const referrer = fakeImage({ subject: descriptorOf(image) });
    await pushImage(repository, referrer);
    expect(await putManifest(repository, referrer, referrer.digest)).toEqual({
      digest: referrer.digest,
      subject: image.digest,
    });
  });

  test('to a name whose project is gone is told so', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const project = await kit.database.projects.findByPath('acme/shop');
    await kit.database.projects.remove(project?.id ?? 0);
    const index = manifestOf({ schemaVersion: 2, manifests: [] });
    await expect(putManifest(repository, index, 'v1')).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
      status: 404,
      detail: expect.stringContaining('there is no acme/shop any more'),
    });
    await expect(kit.repository()).rejects.toMatchObject({ code: 'NAME_UNKNOWN', status: 404 });
  });

  test('to a repository that goes just now is told so', async () => {
    const between = (database: Database): Database => {
      const transaction = (run: Parameters<Database['transaction']>[0]) =>
        database.transaction((tx) => {
          const { repositories } = tx;
          const ensure = repositories.ensure.bind(repositories);
          return run(Object.create(tx, { repositories: { value: { ensure, hold: async () => false } } }));
        });
      return Object.create(database, { transaction: { value: transaction } });
    };
    const repository = await (await startHosted(each, { between })).repository();
    const index = manifestOf({ schemaVersion: 2, manifests: [] });
    await expect(putManifest(repository, index, 'v1')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  });

  describe('with something missing', () => {
    test('is refused with an entry for each, and neither it nor its repository comes to be', async () => {
      const kit = await startHosted(each);
      const repository = await kit.repository();
      const refusal = await refusalOf(putManifest(repository, image, 'v1'));
      expect(refusal).toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN', status: 400 });
      expect(refusal.details).toEqual([
        expect.stringContaining(`config ${image.config?.digest} is not in acme/shop`),
        ...image.layers.map(({ digest }) => expect.stringContaining(`layer ${digest} is not in acme/shop`)),
      ]);
      expect(await kit.repositories.find(kit.name)).toBeUndefined();
    });

    test('is refused where another repository has it: a digest is no right', async () => {
      const kit = await startHosted(each);
      await pushImage(await kit.repository('acme/shop/web'), image);
      const refusal = await refusalOf(putManifest(await kit.repository(), image, 'v1'));
      expect(refusal.details).toHaveLength(3);
    });

    test('is refused as an index whose manifests are not all there', async () => {
      const repository = await (await startHosted(each)).repository();
      await pushImage(repository, image);
      const refusal = await refusalOf(
        putManifest(repository, fakeIndex({ manifests: [image, other] }), 'v1'),
      );
      expect(refusal.details).toEqual([
        expect.stringContaining(`manifest ${other.digest} is not in acme/shop`),
      ]);
    });

    test('is accepted as an index of blobs that are there', async () => {
      const repository = await (await startHosted(each)).repository();
      const cache = await pushBlob(repository, 'what a builder keeps');
      const descriptor = { mediaType: 'application/vnd.buildkit.cacheconfig.v0', digest: cache, size: 20 };
      await putManifest(repository, manifestOf({ schemaVersion: 2, manifests: [descriptor] }), 'cache');
    });

    test('is accepted where only foreign layers are', async () => {
      const repository = await (await startHosted(each)).repository();
      await pushBlob(repository, '{}');
      const layer = {
        mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        digest: bytesBlob('elsewhere').digest,
        size: 9,
        urls: ['https://example.com/layer'],
      };
      await putManifest(
        repository,
        manifestOf({ schemaVersion: 2, config: emptyConfig, layers: [layer] }),
        'v1',
      );
    });

    test('is accepted where sparse manifests are allowed', async () => {
      const indexes = await startHosted(each, { sparseManifests: 'indexes' });
      await putManifest(await indexes.repository(), fakeIndex({ manifests: [image] }), 'v1');
      await refusalOf(putManifest(await indexes.repository(), image, 'v1'));
      const all = indexes.another({ sparseManifests: 'all' });
      await putManifest(await all.repository(), image, 'v1');
    });
  });

  describe('over a limit', () => {
    test('of tags is denied, but tags that exist may still be switched', async () => {
      const kit = await startHosted(each, { maxTags: 2 });
      const repository = await kit.repository();
      await pushImage(repository, image, 'v1');
      await pushImage(repository, image, 'v2');
      await pushImage(repository, other);
      const refused = putManifest(repository, other, 'v3');
      await expect(refused).rejects.toMatchObject({ code: 'DENIED', status: 403 });
      await putManifest(repository, other, 'v2');
      // Also where there are too many already.
      await putManifest(await kit.another({ maxTags: 1 }).repository(), image, 'v2');
      expect((await repository.tags({ after: '', limit: 10 })).tags).toEqual(['v1', 'v2']);
    });

    test('of bytes or references is refused', async () => {
      const kit = await startHosted(each, { maxManifestReferences: 2 });
      const repository = await kit.repository();
      const refused = putManifest(repository, image, 'v1');
      await expect(refused).rejects.toMatchObject({ code: 'MANIFEST_INVALID', status: 400 });
      const small = await kit.another({ maxManifestBytes: 100 }).repository();
      await expect(putManifest(small, image, 'v1')).rejects.toMatchObject({
        code: 'MANIFEST_INVALID',
        status: 413,
      });
    });
  });

  test('by many at once under one tag leaves the tag at one of them, whole', async () => {
    const kit = await startHosted(each);
    const images = [1, 2, 3, 4, 5, 6].map((seed) => fakeImage({ layers: [seededBlob(10, seed)] }));
    const repositories = [await kit.repository(), await kit.another().repository('acme/shop', bob)];
    for (const pushed of images) await pushImage(await kit.repository(), pushed);
    await Promise.all(
      images.map((pushed, index) => {
        const repository = repositories[index % 2];
        return repository && putManifest(repository, pushed, 'latest');
      }),
    );
    const { digest, payload } = await (await kit.repository()).manifest(parseTag('latest'), true);
    expect(images.map((pushed) => pushed.digest)).toContain(digest);
    expect(digestOf(payload)).toBe(digest);
    const events = await lastEvents(kit, 1);
    // Nobody was later than the one who won.
    expect(events).toMatchObject([{ action: 'manifest.push', targetId: `acme/shop@${digest}` }]);
  });

  test('and is of no tag, or lost its tag to another, comes up for review', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    expect(await readManifestReviews(kit.place)).toEqual([]);
    await pushImage(repository, other, 'v1');
    expect(await readManifestReviews(kit.place)).toMatchObject([
      { digest: image.digest, event: 'tag_switch' },
    ]);
    await putManifest(repository, other, 'v1');
    const untagged = fakeIndex({ manifests: [image, other] });
    await putManifest(repository, untagged, untagged.digest);
    expect(await readManifestReviews(kit.place)).toHaveLength(2);
    expect(await readManifestReviews(kit.place)).toContainEqual(
      expect.objectContaining({ digest: untagged.digest, event: 'manifest_upload' }),
    );
  });

  test('is told to the operator: who, what, where', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository(), image);
    await putManifest(await kit.repository('acme/shop', bob), image, image.digest, ['v1', 'v2']);
    const project = await kit.database.projects.findByPath('acme/shop');
    expect(await lastEvents(kit, 1)).toMatchObject([
      {
        actorId: 2,
        actorName: 'bob',
        address: '192.0.2.2',
        action: 'manifest.push',
        targetType: 'manifest',
        targetId: `acme/shop@${image.digest}`,
        details: {
          project_id: project?.id,
          repository: 'acme/shop',
          media_type: ociManifest,
          size: image.payload.length,
          tags: ['v1', 'v2'],
        },
      },
    ]);
  });

  test('is not told where it was refused', async () => {
    const kit = await startHosted(each);
    await refusalOf(putManifest(await kit.repository(), image, 'v1'));
    expect(await lastEvents(kit, 10)).toEqual([]);
  });
});

function pick({ digest, mediaType, payload }: typeof image) {
  return { digest, mediaType, payload };
}
