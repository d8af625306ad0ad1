import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { EntrySource } from '../../src/metadata/cached/cache-entry.ts';
import type { BlobRecord } from '../../src/metadata/content/blobs.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { ManifestReference } from '../../src/oci/manifest.ts';
import { ociIndex, ociManifest } from '../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { withTables } from '../support/raw-tables.ts';
import { readPayloadReviews } from '../support/review-rows.ts';

const all = { page: 1, perPage: 100 };
const redis = parseRepositoryName('library/redis');
const alpine = parseRepositoryName('library/alpine');
/** Neither text nor short of any byte. */
const payload = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256));
const digest = digestOf(payload);
const layer = digestOf(Buffer.from('layer'));

describeEachDatabase('records of the cache', (open, { clock, createPlace }) => {
  test('a manifest is stored byte for byte, with its entry', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const link = { ...place, kind: 'manifest', reference: '7.4', digest, mediaType: ociManifest } as const;
    const entry = await database.cacheEntries.saveManifest(
      { ...link, etag: '"abc"', checkedAt: 1234 },
      payload,
      [],
    );
    expect(entry).toEqual({
      ...link,
      id: entry.id,
      size: 1000,
      etag: '"abc"',
      checkedAt: 1234,
      createdAt: clock.now,
      updatedAt: clock.now,
      downloadsCount: 0,
      downloadedAt: undefined,
    });
    expect(await database.cacheEntries.listAt([place], 'manifest', '7.4')).toEqual([entry]);
    const stored = await database.manifests.findPayload(digest);
    expect(Buffer.isBuffer(stored)).toBe(true);
    expect(stored).toEqual(payload);
    expect(await database.manifests.findPayload(layer)).toBeUndefined();
  });

  test('a tag that moves switches digest, type, size and etag together, and keeps its id and its downloads', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const first = await saveManifest(database, place, '7.4', payload);
    await database.cacheEntries.recordDownloads([{ id: first.id, count: 3, lastAt: 77 }]);
    clock.now += 1000;
    const moved = Buffer.from('{"moved":true}');
    const second = await database.cacheEntries.saveManifest(
      {
        ...place,
        kind: 'manifest',
        reference: '7.4',
        digest: digestOf(moved),
        mediaType: ociIndex,
        etag: undefined,
        checkedAt: 9,
      },
      moved,
      [],
    );
    expect(second).toEqual({
      ...first,
      digest: digestOf(moved),
      mediaType: ociIndex,
      size: moved.length,
      etag: undefined,
      checkedAt: 9,
      updatedAt: clock.now,
      downloadsCount: 3,
      downloadedAt: 77,
    });
    expect(await database.cacheEntries.listAt([place], 'manifest', '7.4')).toEqual([second]);
    expect(await database.manifests.findPayload(digest)).toEqual(payload);
  });

  test('entries come in the order of the places, without those that have none', async () => {
    const database = await open();
    const places = await createPlaces(database, 3);
    const [first, second, third] = places;
    const last = await saveManifest(database, third, '7.4', payload);
    const best = await saveManifest(database, first, '7.4', payload);
    await saveManifest(database, { ...second, repository: alpine }, '7.4', payload);
    await saveManifest(database, second, '7.5', payload);
    const { cacheEntries } = database;
    expect(await cacheEntries.listAt(places, 'manifest', '7.4')).toEqual([best, last]);
    expect(await cacheEntries.listAt(places.toReversed(), 'manifest', '7.4')).toEqual([last, best]);
    expect(await cacheEntries.listAt(places, 'blob', '7.4')).toEqual([]);
    expect(await cacheEntries.listAt(places, 'manifest', '7')).toEqual([]);
    expect(await cacheEntries.listAt([], 'manifest', '7.4')).toEqual([]);
  });

  test('entries of a digest are found whatever their reference', async () => {
    const database = await open();
    const places = await createPlaces(database, 2);
    const [first, second] = places;
    const entries = [
      await saveManifest(database, first, '7.4', payload),
      await saveManifest(database, first, digest, payload),
      await saveManifest(database, second, 'latest', payload),
    ];
    await saveManifest(database, second, 'other', Buffer.from('{}'));
    expect(await database.cacheEntries.listByDigest(places, 'manifest', digest)).toEqual(entries);
    expect(await database.cacheEntries.listByDigest([second], 'manifest', digest)).toEqual([entries[2]]);
    expect(await database.cacheEntries.listByDigest(places, 'blob', digest)).toEqual([]);
  });

  test('the owners of a blob or a child are the places whose manifests refer to it', async () => {
    const database = await open();
    const places = await createPlaces(database, 4);
    const [first, second, third, fourth] = places;
    const config = digestOf(Buffer.from('config'));
    const child = digestOf(Buffer.from('child'));
    const subject = digestOf(Buffer.from('subject'));
    const references: ManifestReference[] = [
      { kind: 'config', digest: config, mediaType: 'c', size: 10 },
      { kind: 'layer', digest: layer, mediaType: 'l', size: 5_000_000_000 },
      { kind: 'layer', digest: layer, mediaType: 'l', size: 5_000_000_000 },
      { kind: 'manifest', digest: child, mediaType: 'm', size: 30 },
      { kind: 'subject', digest: subject, mediaType: 's', size: 40 },
    ];
    await saveManifest(database, third, 'v1', payload, references);
    await saveManifest(database, first, 'v1', payload, references);
    await saveManifest(database, first, 'v2', payload, references);
    await saveManifest(database, { ...second, repository: alpine }, 'v1', payload, references);
    await saveManifest(database, fourth, 'v1', Buffer.from('{}'), []);
    const owners = (wanted: Digest) => database.cacheEntries.listOwners(places, wanted);
    expect(await owners(layer)).toEqual([
      { source: first, size: 5_000_000_000 },
      { source: third, size: 5_000_000_000 },
    ]);
    expect(await owners(config)).toMatchObject([{ size: 10 }, { size: 10 }]);
    expect(await owners(child)).toMatchObject([{ size: 30 }, { size: 30 }]);
    expect(await owners(subject)).toEqual([]);
    expect(await owners(digest)).toEqual([]);
    expect(await database.cacheEntries.listOwners([], layer)).toEqual([]);
  });

  test('a list of referrers is an entry that owns nothing', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const references: ManifestReference[] = [{ kind: 'manifest', digest: layer, mediaType: 'm', size: 1 }];
    const link = {
      ...place,
      kind: 'referrers',
      reference: digest,
      digest: digestOf(payload),
      mediaType: ociIndex,
    } as const;
    const entry = await database.cacheEntries.saveManifest(
      { ...link, etag: undefined, checkedAt: 1 },
      payload,
      references,
    );
    expect(await database.cacheEntries.listAt([place], 'referrers', digest)).toEqual([entry]);
    expect(await database.cacheEntries.listAt([place], 'manifest', digest)).toEqual([]);
    expect(await database.cacheEntries.listOwners([place], layer)).toEqual([]);
    expect(await database.cacheEntries.listTags([place])).toEqual([]);
  });

  test('a manifest with ten thousand references is stored', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const references = Array.from({ length: 10_000 }, (_, index) => ({
      kind: 'manifest' as const,
      digest: digestOf(Buffer.from(`child ${index}`)),
      mediaType: ociManifest,
      size: index,
    }));
    await saveManifest(database, place, 'large', payload, references);
    const last = references.at(-1)?.digest ?? digest;
    expect(await database.cacheEntries.listOwners([place], last)).toEqual([{ source: place, size: 9999 }]);
  });

  test('tags are listed once each in byte order, without digests', async () => {
    const database = await open();
    const places = await createPlaces(database, 2);
    const [first, second] = places;
    for (const tag of ['v1', 'B', 'a', '_x', digest]) await saveManifest(database, first, tag, payload);
    for (const tag of ['v1', 'A-1']) await saveManifest(database, second, tag, payload);
    await saveManifest(database, { ...first, repository: alpine }, 'elsewhere', payload);
    expect(await database.cacheEntries.listTags(places)).toEqual(['A-1', 'B', '_x', 'a', 'v1']);
    expect(await database.cacheEntries.listTags([])).toEqual([]);
  });

  test('a stored manifest is linked under another reference, an absent one is not', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const link = {
      ...place,
      kind: 'manifest',
      digest,
      mediaType: ociManifest,
      etag: undefined,
      checkedAt: 5,
      size: 1000,
    } as const;
    await expect(database.cacheEntries.linkManifest({ ...link, reference: 'v1' })).rejects.toThrow(
      MissingOwner,
    );
    expect(await database.cacheEntries.listAt([place], 'manifest', 'v1')).toEqual([]);
    await saveManifest(database, place, 'v1', payload);
    const entry = await database.cacheEntries.linkManifest({ ...link, reference: 'v2' });
    expect(await database.cacheEntries.listAt([place], 'manifest', 'v2')).toEqual([entry]);
  });

  test('a blob is recorded once, and linked in each place', async () => {
    const database = await open();
    const [first, second] = await createPlaces(database, 2);
    const link = { digest: layer, mediaType: 'application/octet-stream', size: 3_000_000_000, checkedAt: 5 };
    await expect(database.cacheEntries.linkBlob({ ...first, ...link })).rejects.toThrow(MissingOwner);
    const blob = blobRecord('first copy');
    const entry = await database.cacheEntries.linkBlob({ ...first, ...link }, blob);
    expect(entry).toMatchObject({
      kind: 'blob',
      reference: layer,
      digest: layer,
      size: 3_000_000_000,
      etag: undefined,
    });
    await database.cacheEntries.linkBlob({ ...second, ...link }, blobRecord('second copy'));
    expect(await database.blobs.find(layer)).toEqual(blob);
    expect(await database.cacheEntries.linkBlob({ ...first, ...link })).toEqual(entry);
    expect(await database.cacheEntries.listAt([second, first], 'blob', layer)).toMatchObject([second, first]);
    expect((await database.cacheEntries.listOrigins(layer)).toSorted()).toEqual([
      'https://upstream-1.example',
      'https://upstream-2.example',
    ]);
    expect(await database.cacheEntries.listOrigins(digest)).toEqual([]);
  });

  test('a copy of a blob is replaced or forgotten only while it is the one recorded', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    await database.cacheEntries.linkBlob(
      { ...place, digest: layer, mediaType: 'x', size: 1, checkedAt: 5 },
      blobRecord('a'),
    );
    expect(await database.blobs.replaceCopy(blobRecord('c'), 'b')).toBe(false);
    expect(await database.blobs.replaceCopy(blobRecord('b'), 'a')).toBe(true);
    await database.blobs.remove(layer, 'a');
    expect((await database.blobs.find(layer))?.storageKey).toBe('b');
    await database.blobs.remove(layer, 'b');
    expect(await database.blobs.find(layer)).toBeUndefined();
    expect(await database.cacheEntries.listAt([place], 'blob', layer)).toHaveLength(1);
  });

  test('an entry of an upstream that was removed meanwhile is refused, and leaves nothing', async () => {
    const database = await open();
    const [first, second] = await createPlaces(database, 2);
    await database.upstreams.remove(first.upstreamId);
    await expect(saveManifest(database, first, 'v1', payload)).rejects.toThrow(MissingOwner);
    expect(await database.manifests.findPayload(digest)).toBeUndefined();
    const link = { digest: layer, mediaType: 'x', size: 1, checkedAt: 5 };
    await expect(database.cacheEntries.linkBlob({ ...first, ...link }, blobRecord('a'))).rejects.toThrow(
      MissingOwner,
    );
    expect(await database.blobs.find(layer)).toBeUndefined();
    await database.groups.remove(second.groupId);
    await expect(saveManifest(database, second, 'v1', payload)).rejects.toThrow(MissingOwner);
  });

  test('removing an entry, an upstream or a group keeps the payloads and blobs that others may use', async () => {
    const database = await open();
    const [first, second, third] = await createPlaces(database, 3);
    const entry = await saveManifest(database, first, 'v1', payload);
    await saveManifest(database, second, 'v1', payload);
    const kept = await saveManifest(database, third, 'v1', payload);
    await database.cacheEntries.remove(entry.id);
    await database.cacheEntries.remove(entry.id);
    await database.upstreams.remove(second.upstreamId);
    expect(await database.cacheEntries.listAt([first, second, third], 'manifest', 'v1')).toEqual([kept]);
    await database.groups.remove(third.groupId);
    expect(await database.cacheContents.find(kept.id)).toBeUndefined();
    expect(await database.manifests.findPayload(digest)).toEqual(payload);
  });

  test('an upstream goes with all its entries, however many, and what they linked is put up for review', async () => {
    const place = await createPlace();
    const database = await open(place);
    const [gone, kept] = await createPlaces(database, 2);
    await saveManifest(database, gone, 'v1', payload);
    const other = await saveManifest(database, kept, 'v1', payload);
    await withTables(place, async (db) => {
      await sql`insert into cache_entries (group_id, upstream_id, kind, repository, reference, digest, media_type, size, checked_at, created_at, updated_at)
        with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 450)
        select group_id, upstream_id, kind, repository, 'n' || n, digest, media_type, size, 0, 0, 0
        from cache_entries, numbers where upstream_id = ${gone.upstreamId}`.execute(db);
    });
    expect(await database.upstreams.remove(gone.upstreamId)).toBe(true);
    expect(await database.cacheContents.count(gone.groupId)).toBe(1);
    expect(await database.cacheEntries.listAt([kept], 'manifest', 'v1')).toEqual([other]);
    expect(await readPayloadReviews(place)).toMatchObject([{ digest, event: 'upstream_delete' }]);
    expect(await database.upstreams.remove(gone.upstreamId)).toBe(false);
  });

  test('a revalidated entry says when', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const entry = await saveManifest(database, place, 'v1', payload);
    await database.cacheEntries.touch(entry.id, clock.now + 60_000);
    expect(await database.cacheEntries.listAt([place], 'manifest', 'v1')).toEqual([
      { ...entry, checkedAt: clock.now + 60_000, updatedAt: clock.now + 60_000 },
    ]);
  });

  test('downloads add up, the latest time stays, and those of removed entries are dropped', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const entries = [
      await saveManifest(database, place, 'v1', payload),
      await saveManifest(database, place, 'v2', payload),
    ];
    const [first, second] = entries.map((entry) => entry.id);
    const record = (downloads: [id: number | undefined, count: number, lastAt: number][]) =>
      database.cacheEntries.recordDownloads(
        downloads.map(([id = 0, count, lastAt]) => ({ id, count, lastAt })),
      );
    await record([]);
    await record([
      [first, 2, 100],
      [second, 1, 50],
      [99_999, 7, 1],
    ]);
    await record([[first, 3, 90]]);
    const many = Array.from({ length: 1200 }, (_, index): [number, number, number] => [
      1_000_000 + index,
      1,
      1,
    ]);
    await record([...many, [second, 4, 60]]);
    const counts = async (id: number | undefined) => {
      const entry = await database.cacheContents.find(id ?? 0);
      return [entry?.downloadsCount, entry?.downloadedAt];
    };
    expect(await counts(first)).toEqual([5, 100]);
    expect(await counts(second)).toEqual([5, 60]);
  });

  test('two processes that save the same manifest at once both succeed', async () => {
    const site = await createPlace();
    const databases = [await open(site), await open(site)];
    const [database = await open(site)] = databases;
    const places = await createPlaces(database, 3);
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const place = places[index % 3];
        return place && saveManifest(databases[index % 2] ?? database, place, `v${index % 5}`, payload);
      }),
    );
    expect(await database.cacheEntries.listTags(places)).toEqual(['v0', 'v1', 'v2', 'v3', 'v4']);
  });

  test('an operator sees entries newest first, with their path and the SHA-1 of their content', async () => {
    const database = await open();
    const [place, other] = await createPlaces(database, 2);
    await saveManifest(database, place, '7.4', payload);
    await database.cacheEntries.linkBlob(
      { ...place, digest: layer, mediaType: 'x', size: 1, checkedAt: 5 },
      blobRecord('a'),
    );
    await database.blobs.setSha1(layer, 'sha1 of the layer');
    await saveManifest(database, { ...place, repository: alpine }, 'latest', Buffer.from('{}'));
    await saveManifest(database, other, '7.4', payload);
    const { records, total } = await database.cacheContents.list(place.upstreamId, undefined, all);
    expect(total).toBe(3);
    expect(records.map((entry) => entry.relativePath)).toEqual([
      '/library/alpine/manifests/latest',
      `/library/redis/blobs/${layer}`,
      '/library/redis/manifests/7.4',
    ]);
    const sha1 = (bytes: Buffer | string) => createHash('sha1').update(bytes).digest('hex');
    expect(records.map((entry) => entry.sha1)).toEqual([sha1('{}'), 'sha1 of the layer', sha1(payload)]);
    expect(await database.cacheContents.find(records[0]?.id ?? 0)).toMatchObject({ repository: alpine });
    expect(
      await database.cacheContents.list(place.upstreamId, undefined, { page: 2, perPage: 2 }),
    ).toMatchObject({
      total: 3,
      records: [{ reference: '7.4' }],
    });
  });

  test('an entry of a blob has no SHA-1 before somebody has made it, and keeps it with another copy', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    const blob = blobRecord('a');
    await database.cacheEntries.linkBlob(
      { ...place, digest: layer, mediaType: 'x', size: 1, checkedAt: 5 },
      blob,
    );
    const sha1s = async () => {
      const { records } = await database.cacheContents.list(place.upstreamId, undefined, all);
      return records.map((entry) => entry.sha1);
    };
    expect(await sha1s()).toEqual([undefined]);
    await database.blobs.setSha1(layer, 'known');
    expect(await database.blobs.replaceCopy({ ...blob, storageKey: 'b' }, 'a')).toBe(true);
    expect(await sha1s()).toEqual(['known']);
  });

  test('an operator finds entries by any part of their path, taken literally', async () => {
    const database = await open();
    const [place] = await createPlaces(database, 1);
    for (const tag of ['7_4', '7x4', 'Latest']) await saveManifest(database, place, tag, payload);
    const search = async (text: string) =>
      (await database.cacheContents.list(place.upstreamId, text, all)).records.map(
        (entry) => entry.reference,
      );
    expect(await search('redis/manifests/7')).toEqual(['7x4', '7_4']);
    expect(await search('7_4')).toEqual(['7_4']);
    expect(await search('/library/redis/manifests/latest')).toEqual(['Latest']);
    expect(await search('%')).toEqual([]);
    expect(await search('/blobs/')).toEqual([]);
  });

  test('clearing the cache of a registry spares the upstreams that it shares', async () => {
    const database = await open();
    const [alone, shared, foreign] = await createPlaces(database, 3);
    const registries = [];
    for (const name of ['first', 'second']) {
      registries.push((await database.virtualRegistries.create({ groupId: alone.groupId, name })).id);
    }
    const [first = 0, second = 0] = registries;
    await database.registryUpstreams.append(first, alone.upstreamId);
    await database.registryUpstreams.append(first, shared.upstreamId);
    await database.registryUpstreams.append(second, shared.upstreamId);
    await database.registryUpstreams.append(second, foreign.upstreamId);
    for (const place of [alone, shared, foreign]) {
      for (const tag of ['v1', 'v2']) await saveManifest(database, place, tag, payload);
    }
    expect(await database.cacheContents.removeByRegistry(first)).toBe(2);
    expect(await database.cacheEntries.listAt([alone, shared, foreign], 'manifest', 'v1')).toMatchObject([
      shared,
      foreign,
    ]);
    expect(await database.cacheContents.removeByUpstream(shared.upstreamId)).toBe(2);
    expect(await database.cacheContents.removeByUpstream(shared.upstreamId)).toBe(0);
    expect(await database.cacheEntries.listAt([alone, shared, foreign], 'manifest', 'v1')).toMatchObject([
      foreign,
    ]);
  });
});

type TestSource = EntrySource & { readonly groupId: number };

/** As many as asked for; the type says four so that tests can take them apart. */
async function createPlaces(
  database: Database,
  count: number,
): Promise<[TestSource, TestSource, TestSource, TestSource]> {
  const group = await database.groups.create({
    name: 'base',
    path: 'base',
    fullPath: 'base',
    visibility: 'private',
  });
  const places: TestSource[] = [];
  for (let number = 1; number <= count; number += 1) {
    const { id } = await database.upstreams.create({
      groupId: group.id,
      url: `https://upstream-${number}.example`,
      name: `upstream ${number}`,
      cacheValidityHours: 24,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
    });
    places.push({ groupId: group.id, upstreamId: id, repository: redis });
  }
  return places as [TestSource, TestSource, TestSource, TestSource];
}

function saveManifest(
  { cacheEntries }: Database,
  place: TestSource,
  reference: string,
  bytes: Buffer,
  references: readonly ManifestReference[] = [],
) {
  const link = {
    ...place,
    kind: 'manifest',
    reference,
    digest: digestOf(bytes),
    mediaType: ociManifest,
  } as const;
  return cacheEntries.saveManifest({ ...link, etag: 'e', checkedAt: 1 }, bytes, references);
}

function blobRecord(storageKey: string): BlobRecord {
  return { digest: layer, size: 3_000_000_000, storageKey, createdAt: 42 };
}
