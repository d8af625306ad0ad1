import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';

interface Upstream {
  readonly groupId: number;
  readonly upstreamId: number;
  readonly registryId: number;
}

describeEachDatabase('bytes that are cached', (open, { clock, createPlace }) => {
  test('count once in a group and once in all, however many entries link them', async () => {
    const database = await open();
    const first = await createUpstream(database, 'acme');
    const second = await createUpstream(database, 'acme', first.groupId);
    const other = await createUpstream(database, 'shop');
    const sizes = async () => [
      await database.cacheSizes.bytesOf(first.groupId),
      await database.cacheSizes.bytesOf(other.groupId),
      await database.cacheSizes.bytesOf('all'),
    ];
    expect(await sizes()).toEqual([0, 0, 0]);
    const entry = await linkBlob(database, first, 'layer', 3_000_000_000);
    await linkBlob(database, first, 'layer', 3_000_000_000);
    const twin = await linkBlob(database, second, 'layer', 3_000_000_000);
    await linkBlob(database, other, 'layer', 3_000_000_000);
    await linkBlob(database, other, 'config', 40);
    expect(await sizes()).toEqual([3_000_000_000, 3_000_000_040, 3_000_000_040]);
    await database.cacheSizes.fold();
    await database.cacheEntries.remove(entry.id);
    expect(await sizes()).toEqual([3_000_000_000, 3_000_000_040, 3_000_000_040]);
    await database.cacheEntries.remove(twin.id);
    await database.cacheSizes.fold();
    expect(await sizes()).toEqual([0, 3_000_000_040, 3_000_000_040]);
    await database.upstreams.remove(other.upstreamId);
    expect(await sizes()).toEqual([0, 0, 0]);
    await database.cacheSizes.fold();
    expect(await sizes()).toEqual([0, 0, 0]);
  });

  test('leave while nothing but the disk has them, be it with their record or without it, and for no longer than was said', async () => {
    const database = await open();
    const upstream = await createUpstream(database, 'acme');
    const leaving = () => database.cacheSizes.leavingBytes();
    const evicted = await linkBlob(database, upstream, 'layer', 3_000_000_000);
    await linkBlob(database, upstream, 'kept', 40);
    expect(await leaving()).toBe(0);
    await database.cacheEntries.remove(evicted.id, 'entry_evict');
    expect(await leaving()).toBe(3_000_000_000);
    const first = await database.cacheSizes.addLeaving(3_000_000_000, clock.now + 10);
    await database.cacheSizes.addLeaving(7, clock.now + 10);
    expect(await leaving()).toBe(6_000_000_007);
    expect(await database.cacheSizes.demandOn('all')).toBe(40);
    await database.cacheSizes.release([first]);
    expect(await leaving()).toBe(3_000_000_007);
    clock.now += 10;
    expect(await leaving()).toBe(3_000_000_000);
  });

  test('are none of a group that was removed', async () => {
    const database = await open();
    const gone = await createUpstream(database, 'acme');
    await linkBlob(database, gone, 'layer', 100);
    await database.groups.remove(gone.groupId);
    expect(await database.cacheSizes.bytesOf('all')).toBe(0);
    expect(await database.cacheSizes.bytesOf(gone.groupId)).toBe(0);
  });

  test('are right after many were linked and removed at the same time', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const upstream = await createUpstream(one, 'acme');
    const names = Array.from({ length: 40 }, (_, index) => `layer ${index % 8}`);
    const linked = await Promise.all(
      names.map((name, index) => linkBlob(index % 2 ? one : two, upstream, name, 10)),
    );
    await Promise.all([
      ...linked.slice(0, 4).map(({ id }) => one.cacheEntries.remove(id)),
      two.cacheSizes.fold(),
      one.cacheSizes.fold(),
    ]);
    expect(await two.cacheSizes.bytesOf('all')).toBe(40);
  });
});

async function createUpstream(database: Database, path: string, inGroup?: number): Promise<Upstream> {
  const groupId =
    inGroup ?? (await database.groups.create({ name: path, path, fullPath: path, visibility: 'private' })).id;
  const { length } = await database.virtualRegistries.list(groupId);
  const registry = await database.virtualRegistries.create({ groupId, name: `registry ${length}` });
  const upstream = await database.upstreams.create({
    groupId,
    url: `https://${path}${length}.example.com`,
    name: path,
    cacheValidityHours: 24,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
  });
  await database.registryUpstreams.append(registry.id, upstream.id);
  return { groupId, upstreamId: upstream.id, registryId: registry.id };
}

function linkBlob(database: Database, { groupId, upstreamId }: Upstream, name: string, size: number) {
  const digest = digestOf(Buffer.from(name));
  const repository = parseRepositoryName('library/redis');
  const link = { groupId, upstreamId, repository, digest, mediaType: 'application/octet-stream', size };
  return database.cacheEntries.linkBlob(
    { ...link, checkedAt: 1 },
    { digest, size, storageKey: `key ${name}`, createdAt: 1 },
  );
}
