/** What every ReadableRepository promises, whoever has what it reads. */
import { describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { parseTag, type Tag } from '../../src/oci/reference.ts';
import type { BlobAnswer, ReadableRepository } from '../../src/oci/repository.ts';
import { descriptorOf, type FakeManifest, fakeArtifact, fakeImage, seededBlob } from './fake-content.ts';

/** Several chunks of whoever reads it, and no multiple of their size. */
const layer = seededBlob(300_001, 1);
const image = fakeImage({ layers: [layer] });
const other = fakeImage({ architecture: 'arm64' });
const signature = fakeArtifact(image, 'application/x.signature', { by: 'alice' });
const report = fakeArtifact(image, 'application/x.report', { of: 'today' });
const absent = digestOf(Buffer.from('absent'));
/** In byte order. */
const tags = ['10', '9', 'B', '_', 'a', 'a.b', 'b'].map(parseTag);

/** What a repository under test has: these images with their blobs, under these tags. */
export const repositoryContent: readonly (readonly [image: FakeManifest, tags: readonly Tag[]])[] = [
  [image, tags.slice(1).toReversed()],
  [other, tags.slice(0, 1)],
  [signature, []],
  [report, []],
];

export interface ReadableUnderTest {
  readonly repository: ReadableRepository;
  /** How often others were asked so far; undefined where nobody is. */
  readonly countAsked?: (() => number) | undefined;
}

/** @param create gives a repository with {@link repositoryContent}, or with nothing. Only inside a test */
export function describeReadableRepository(
  name: string,
  create: (content: typeof repositoryContent) => Promise<ReadableUnderTest>,
): void {
  const open = async () => (await create(repositoryContent)).repository;

  describe(`${name} as a readable repository`, () => {
    test('has manifests byte for byte, by tag and by digest, for pulls and for whoever only looks', async () => {
      const repository = await open();
      const { digest, mediaType, payload } = image;
      for (const reference of [parseTag('a'), digest])
        for (const isPull of [true, false])
          expect(await repository.manifest(reference, isPull)).toMatchObject({ digest, mediaType, payload });
      expect((await repository.manifest(parseTag('10'), true)).digest).toBe(other.digest);
    });

    test('says of a manifest that it does not have that it is unknown', async () => {
      const repository = await open();
      for (const reference of [parseTag('absent'), absent, layer.digest])
        for (const isPull of [true, false])
          await expect(repository.manifest(reference, isPull)).rejects.toMatchObject({
            name: 'OciError',
            code: 'MANIFEST_UNKNOWN',
          });
    });

    test('has blobs as a whole and from any byte to any other, however often', async () => {
      const repository = await open();
      const bytes = Buffer.concat([...layer.read(0, layer.size)]);
      for (const [start, end] of [
        [0, undefined],
        [0, layer.size],
        [70_000, undefined],
        [65_535, 65_537],
        [1, 300_000],
        [300_000, undefined],
        [10, 10],
      ] as const) {
        const blob = await repository.blob(layer.digest);
        expect(blob.digest).toBe(layer.digest);
        expect([layer.size, undefined]).toContain(blob.size);
        expect(
          (await bytesOf(blob, start, end)).equals(bytes.subarray(start, end)),
          `${start} to ${end}`,
        ).toBe(true);
      }
    });

    test('tells the size of a blob that is here', async () => {
      const repository = await open();
      await bytesOf(await repository.blob(layer.digest), 0, undefined);
      const { digest, size } = layer;
      expect(await repository.statBlob(digest)).toMatchObject({ digest, size });
    });

    test('says of a blob that it does not have that it is unknown', async () => {
      const repository = await open();
      for (const digest of [absent, image.digest]) {
        await expect(repository.blob(digest)).rejects.toMatchObject({
          name: 'OciError',
          code: 'BLOB_UNKNOWN',
        });
        await expect(repository.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
      }
    });

    test('lets go of a blob that is not read to its end, or not at all', async () => {
      const repository = await open();
      const unread = await repository.blob(layer.digest);
      await unread.close();
      await unread.close();
      const begun = await repository.blob(layer.digest);
      for await (const _chunk of begun.read(0, undefined, new AbortController().signal)) break;
      await begun.close();
      const whole = await bytesOf(await repository.blob(layer.digest), 0, undefined);
      expect(digestOf(whole)).toBe(layer.digest);
    });

    test('lists its tags in byte order, from after any text on, and says whether there are more', async () => {
      const repository = await open();
      const page = (after: string, limit: number) => repository.tags({ after, limit });
      expect(await page('', 100)).toMatchObject({ tags, hasMore: false });
      expect(await page('', tags.length)).toMatchObject({ tags, hasMore: false });
      expect(await page('', 3)).toMatchObject({ tags: ['10', '9', 'B'], hasMore: true });
      expect(await page('B', 3)).toMatchObject({ tags: ['_', 'a', 'a.b'], hasMore: true });
      expect(await page('A', 2)).toMatchObject({ tags: ['B', '_'], hasMore: true });
      expect(await page('a.b', 3)).toMatchObject({ tags: ['b'], hasMore: false });
      expect(await page('b', 3)).toMatchObject({ tags: [], hasMore: false });
      expect(await page('', 0)).toMatchObject({ tags: [] });
    });

    test('with nothing in it has no tags, but is unknown', async () => {
      const { repository } = await create([]);
      await expect(repository.tags({ after: '', limit: 1 })).rejects.toMatchObject({
        name: 'OciError',
        code: 'NAME_UNKNOWN',
      });
      expect((await repository.referrers(absent)).descriptors).toEqual([]);
    });

    test('lists the referrers of a manifest with all that is known of them, and none of what has none', async () => {
      const repository = await open();
      const { descriptors } = await repository.referrers(image.digest);
      expect(byDigest(descriptors)).toEqual(byDigest([signature, report].map(referrerOf)));
      for (const subject of [absent, other.digest])
        expect((await repository.referrers(subject)).descriptors).toEqual([]);
    });

    test('asks nobody for who has left', async ({ skip }) => {
      const { repository, countAsked } = await create(repositoryContent);
      if (!countAsked) return skip('nobody is asked here');
      const before = countAsked();
      const left = AbortSignal.abort(new Error('they left'));
      const answers = await Promise.allSettled([
        repository.manifest(parseTag('a'), true, left),
        repository.statBlob(layer.digest, left),
        repository.tags({ after: '', limit: 1 }, left),
        repository.referrers(image.digest, left),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 'rejected'));
      expect(countAsked()).toBe(before);
    });
  });
}

function referrerOf(artifact: FakeManifest) {
  const { artifactType, annotations } = artifact;
  return { ...descriptorOf(artifact), artifactType, annotations };
}

function byDigest<T extends { readonly digest: Digest }>(descriptors: readonly T[]): readonly T[] {
  return descriptors.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

async function bytesOf(blob: BlobAnswer, start: number, end: number | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(start, end, new AbortController().signal))
    chunks.push(Buffer.from(chunk));
  await blob.close();
  return Buffer.concat(chunks);
}
