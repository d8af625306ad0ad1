import { expect, test } from 'vitest';
import { CacheBound } from '../../../src/retention/cache-bound.ts';
import { WaterMarks } from '../../../src/retention/water-marks.ts';
import { listeningLog } from '../../support/listening-log.ts';
import { cacheBlob, cacheImage, createCache, entriesOf, hourMs, startCached } from './cached-kit.ts';

const never = new AbortController().signal;

test('water marks are shares of a limit, rounded down', () => {
  const marks = new WaterMarks({ maxBytes: 999, highPercent: 80, lowPercent: 50 });
  expect([marks.maxBytes, marks.highOf(999), marks.lowOf(999)]).toEqual([999, 799, 499]);
});

/** A cache of acme with a limit: room is made above 800 bytes of 1000, until 500 are left. */
async function start({ maxBytes }: { maxBytes: number | undefined } = { maxBytes: 1000 }) {
  const { clock, database } = await startCached();
  const cache = await createCache(database);
  const { log, told } = listeningLog();
  const seen = { flushes: 0, evicted: [] as unknown[][], wakings: 0 };
  const bound = new CacheBound({
    database,
    marks: new WaterMarks({ maxBytes, highPercent: 80, lowPercent: 50 }),
    flushUsage: async () => {
      seen.flushes += 1;
    },
    onEvicted: () => {
      seen.wakings += 1;
    },
    observer: { evicted: (...what) => void seen.evicted.push(what), notKept: () => undefined },
    log,
    now: () => clock.now,
  });
  /** An hour after the one before. */
  const pull = async (name: string, layers: Record<string, number>, reference = 'v1') => {
    clock.now += hourMs;
    return cacheImage(database, cache, `team/${name}`, { layers, reference });
  };
  const run = async (signal = never) => {
    clock.now += hourMs;
    return (await bound.run(signal)).result;
  };
  const left = (...texts: string[]) => entriesOf(database, cache, ...texts);
  return { clock, database, cache, seen, told, bound, pull, run, left };
}

test('whether there is room is looked at every minute', async () => {
  const { bound } = await start();
  expect(bound).toMatchObject({ name: 'cache.evict', everyMs: 60_000 });
});

test('a cache is left alone up to its high water mark', async () => {
  const { pull, run, left, seen, told } = await start();
  await pull('a', { a: 400 });
  await pull('b', { b: 400 });
  expect(await run()).toEqual({ entries: 0, bytes: 0 });
  expect(await left('a', 'b')).toEqual(['team/a a', 'team/a v1', 'team/b b', 'team/b v1']);
  expect([seen, told]).toEqual([{ flushes: 0, evicted: [], wakings: 0 }, []]);
});

test('above it the images that were used least recently go, whole, until the low one is reached', async () => {
  const { cache, database, pull, run, left, seen, told, clock } = await start();
  for (const name of ['a', 'b', 'c']) await pull(name, { [name]: 300 });
  const startedAt = clock.now + hourMs;
  const { entries, bytes } = await run();
  expect(await left('a', 'b', 'c')).toEqual(['team/c c', 'team/c v1']);
  expect(entries).toBe(6);
  expect(bytes).toBeGreaterThan(600);
  expect(seen).toEqual({ flushes: 1, evicted: [['size', 6, bytes]], wakings: 1 });
  expect(told).toEqual([['info', { group: undefined, entries: 6, bytes, maxBytes: 1000, left: 300 }]]);
  expect(await database.groupCaches.find(cache.groupId)).toEqual({
    maxBytes: undefined,
    evictedAt: startedAt,
    evictedEntries: 6,
    evictedBytes: bytes,
  });
});

test('an image goes as a whole also where that is more than had to go', async () => {
  const { pull, run, left } = await start();
  await pull('a', { one: 100, two: 100, three: 300 });
  await pull('b', { b: 310 });
  await run();
  expect(await left('one', 'two', 'three', 'b')).toEqual(['team/b b', 'team/b v1']);
});

test('bytes that room is reserved for count', async () => {
  const { clock, database, pull, run, left } = await start();
  await pull('a', { a: 301 });
  await pull('b', { b: 300 });
  await database.cacheSizes.reserve('all', 200, clock.now + 24 * hourMs);
  await run();
  expect(await left('a', 'b')).toEqual(['team/b b', 'team/b v1']);
});

test('what several images need stays until the last of them goes', async () => {
  const { pull, run, left } = await start();
  await pull('app', { base: 300, a: 200 }, 'a');
  await pull('app', { base: 300, b: 50 }, 'b');
  await pull('app', { c: 300 }, 'c');
  await run();
  expect(await left('base', 'a', 'b', 'c')).toEqual(['team/app c', 'team/app c']);
});

test('what an index lists stays as long as the index is used', async () => {
  const { cache, clock, database, pull, run, left } = await start();
  const child = await pull('app', { child: 200 }, 'child');
  clock.now += hourMs;
  await pull('other', { other: 400 });
  clock.now += hourMs;
  await cacheImage(database, cache, 'team/app', { children: [child] });
  await pull('new', { new: 250 });
  await run();
  expect(await left('child', 'other', 'new')).toEqual([
    'team/app child',
    'team/app child',
    'team/app v1',
    'team/new new',
    'team/new v1',
  ]);
});

test('a manifest stays under all its references while one of them is used', async () => {
  const { cache, clock, database, pull, run, left } = await start();
  const digest = await pull('app', { app: 200 });
  await pull('other', { other: 400 });
  clock.now += hourMs;
  const source = { upstreamId: cache.upstreamId, repository: 'team/app' as never };
  const [byDigest] = await database.cacheEntries.listAt([source], 'manifest', digest);
  await database.cacheEntries.touch(byDigest?.id ?? 0, clock.now);
  await pull('new', { new: 250 });
  await run();
  expect(await left('app', 'other', 'new')).toEqual([
    'team/app app',
    'team/app v1',
    'team/new new',
    'team/new v1',
  ]);
});

test('a manifest goes under all its references when the last used of them has its turn', async () => {
  const { cache, clock, database, pull, run, left } = await start();
  const digest = await pull('app', { app: 900 });
  clock.now += hourMs;
  const source = { upstreamId: cache.upstreamId, repository: 'team/app' as never };
  const [byDigest] = await database.cacheEntries.listAt([source], 'manifest', digest);
  await database.cacheEntries.touch(byDigest?.id ?? 0, clock.now);
  expect(await run()).toMatchObject({ entries: 3 });
  expect(await left('app')).toEqual([]);
});

test('an image of any number of layers goes, though all of it was used at one moment', async () => {
  const { pull, run } = await start();
  await pull('app', Object.fromEntries(Array.from({ length: 260 }, (_, index) => [`${index}`, 4])));
  expect(await run()).toMatchObject({ entries: 262 });
});

test('pinned images stay with all that they need, whatever else goes, and that it is not enough is told', async () => {
  const { cache, database, pull, run, left, told } = await start();
  await database.cachePins.create({
    registryId: cache.registryId,
    image: 'team/pinned',
    tag: 'v1',
    digest: undefined,
  });
  await pull('pinned', { pinned: 600 });
  await pull('a', { a: 300 });
  await run();
  expect(await left('pinned', 'a')).toEqual(['team/pinned pinned', 'team/pinned v1']);
  expect(told).toEqual([['warn', expect.objectContaining({ maxBytes: 1000, left: 600, entries: 3 })]]);
});

test('that there is nothing left to give up is told only where the cache itself is above the low mark', async () => {
  const { cache, clock, database, pull, run, told } = await start();
  const { registryId } = cache;
  await database.cachePins.create({ registryId, image: 'team/a', tag: undefined, digest: undefined });
  await database.cacheSizes.reserve('all', 900, clock.now + 24 * hourMs);
  await pull('a', { a: 500 });
  expect(await run()).toEqual({ entries: 0, bytes: 0 });
  expect(told).toEqual([]);
  expect((await database.groupCaches.find(cache.groupId)).evictedAt).toBeUndefined();
});

test('each group keeps to a limit of its own, and leaves the others alone', async () => {
  const { clock, cache, database, pull, run, left, seen, told } = await start({ maxBytes: undefined });
  const other = await createCache(database, 'other');
  await database.groupCaches.setMaxBytes(cache.groupId, 500);
  await cacheImage(database, other, 'team/a', { layers: { theirs: 900 } });
  await pull('a', { a: 300 });
  await pull('b', { b: 200 });
  const { entries, bytes } = await run();
  expect(await left('a', 'b')).toEqual(['team/b b', 'team/b v1']);
  expect(await entriesOf(database, other, 'theirs')).toEqual(['team/a theirs', 'team/a v1']);
  expect(seen.evicted).toEqual([['size', entries, bytes]]);
  expect(told).toMatchObject([['info', { group: cache.groupId, maxBytes: 500, left: 200 }]]);
  expect((await database.groupCaches.find(other.groupId)).evictedAt).toBeUndefined();
  expect((await database.groupCaches.find(cache.groupId)).evictedAt).toBe(clock.now);
});

test('limits of groups come before that of all, what each gave up is told, and usage is recorded once', async () => {
  const { cache, database, pull, run, seen, left } = await start();
  const other = await createCache(database, 'other');
  await database.groupCaches.setMaxBytes(cache.groupId, 500);
  await pull('a', { a: 300 });
  await pull('b', { b: 200 });
  await cacheImage(database, other, 'team/a', { layers: { theirs: 700 } });
  const { entries, bytes } = await run();
  expect(await left('a', 'b')).toEqual([]);
  expect(await entriesOf(database, other, 'theirs')).toEqual([]);
  expect(entries).toBe(9);
  expect(seen.flushes).toBe(1);
  expect(seen.evicted).toHaveLength(2);
  const sum = async (name: 'evictedEntries' | 'evictedBytes') =>
    (await database.groupCaches.find(cache.groupId))[name] +
    (await database.groupCaches.find(other.groupId))[name];
  expect([await sum('evictedEntries'), await sum('evictedBytes')]).toEqual([9, bytes]);
});

test('a run that is told to stop gives nothing up', async () => {
  const { pull, run, left, seen } = await start();
  await pull('a', { a: 900 });
  expect(await run(AbortSignal.abort())).toEqual({ entries: 0, bytes: 0 });
  expect(seen).toEqual({ flushes: 0, evicted: [], wakings: 0 });
  expect(await left('a')).toEqual(['team/a a', 'team/a v1']);
});

test('a run that is told to stop meanwhile ends after what it was at', async () => {
  const { bound, cache, clock, database, seen, told } = await start();
  for (let index = 0; index < 40; index += 1) await cacheBlob(database, cache, 'team/a', `${index}`, 25);
  clock.now += hourMs;
  const stopping = new AbortController();
  const { transaction } = database;
  database.transaction = (run) => {
    stopping.abort();
    return transaction.call(database, run) as never;
  };
  const { result } = await bound.run(stopping.signal);
  expect(result.entries).toBe(10);
  expect(seen.wakings).toBe(1);
  expect(told.map(([level]) => level)).toEqual(['info']);
});

test('what is used while room is made stays', async () => {
  const { bound, cache, clock, database, left, pull } = await start();
  await pull('a', { a: 500 });
  await pull('b', { b: 400 });
  clock.now += hourMs;
  await cacheImage(database, cache, 'team/a', { layers: { a: 500 } });
  await bound.run(never);
  expect(await left('a', 'b')).toEqual(['team/a a', 'team/a v1']);
});

test('any number of entries go in one run', async () => {
  const { cache, clock, database, run } = await start();
  for (let index = 0; index < 300; index += 1) await cacheBlob(database, cache, 'team/a', `${index}`, 5);
  clock.now += hourMs;
  expect(await run()).toEqual({ entries: 200, bytes: 1000 });
});
