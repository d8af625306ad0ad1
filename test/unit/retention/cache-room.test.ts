import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CacheRoom } from '../../../src/retention/cache-room.ts';
import { WaterMarks } from '../../../src/retention/water-marks.ts';
import { inFakeTime, useFakeTimers } from '../../support/fake-timers.ts';
import { listeningLog } from '../../support/listening-log.ts';
import { type Cache, cacheBlob, createCache, startCached } from './cached-kit.ts';

const waitMs = 10_000;

/** Room is made above 800 bytes of 1000. */
async function start({ maxBytes }: { maxBytes: number | undefined } = { maxBytes: 1000 }) {
  useFakeTimers();
  const { clock, database } = await startCached();
  const cache = await createCache(database);
  const groups = new Set([cache.groupId]);
  const seen = { wakings: [] as number[], notKept: [] as number[], hasRun: false };
  const { log, told } = listeningLog();
  /** What the eviction does when it is woken. */
  const eviction: { run: () => void } = { run: () => undefined };
  const room = new CacheRoom({
    database,
    marks: new WaterMarks({ maxBytes, highPercent: 80, lowPercent: 50 }),
    wake: () => {
      seen.wakings.push(performance.now());
      eviction.run();
    },
    hasRunSince: async (at) => seen.hasRun && at === clock.now,
    observer: { evicted: () => undefined, notKept: (bytes) => void seen.notKept.push(bytes) },
    log,
    now: () => clock.now,
  });
  onTestFinished(() => room.close());
  const admit = (size: number, of: ReadonlySet<number> = groups) => inFakeTime(room.admit(of, size));
  return {
    clock,
    database,
    cache,
    groups,
    seen,
    told,
    eviction,
    room,
    admit,
    fill: (size: number, text = 'cached', of: Cache = cache) =>
      cacheBlob(database, of, 'team/app', text, size),
    /** In which groups there was no room, and after how long. */
    ask: async (size: number, of: ReadonlySet<number> = groups) => {
      const startedAt = performance.now();
      const { refused } = await admit(size, of);
      return { refused: [...refused], afterMs: performance.now() - startedAt };
    },
    /** Linked and reserved, as the eviction sees it. */
    demand: () => database.cacheSizes.demandOn('all'),
    isWoken: async () => {
      await vi.advanceTimersByTimeAsync(1000);
      return seen.wakings.length > 0;
    },
  };
}

describe('what lasts', () => {
  test('of what is linked one after the other is what the low water mark of the lowest limit leaves', async () => {
    const { room, cache, database } = await start();
    expect(await room.lastingBytes(cache.groupId)).toBe(500);
    await database.groupCaches.setMaxBytes(cache.groupId, 400);
    expect(await room.lastingBytes(cache.groupId)).toBe(200);
    await database.groupCaches.setMaxBytes(cache.groupId, 4000);
    expect(await room.lastingBytes(cache.groupId)).toBe(500);
  });

  test('is all of it where there is no limit', async () => {
    const { room, cache } = await start({ maxBytes: undefined });
    expect(await room.lastingBytes(cache.groupId)).toBeUndefined();
  });
});

describe('room for a blob', () => {
  test('is there without end where there is no limit', async () => {
    const { fill, ask, room, cache, isWoken } = await start({ maxBytes: undefined });
    await fill(1_000_000);
    expect((await ask(1_000_000)).refused).toEqual([]);
    await room.grew(cache.groupId);
    expect(await isWoken()).toBe(false);
  });

  test('is there up to the high water mark, and nobody is told', async () => {
    const { fill, ask, seen, told, demand, isWoken } = await start();
    await fill(500);
    expect(await ask(300)).toEqual({ refused: [], afterMs: 0 });
    expect(await demand()).toBe(500);
    expect(await isWoken()).toBe(false);
    expect([seen.notKept, told]).toEqual([[], []]);
  });

  test.each([
    ['when what is there is at the high mark, up to the limit', 800, 200],
    ['as big as all of it when there is nothing', 0, 1000],
  ])('is there %s, and the eviction sees that it is taken', async (_, cached, size) => {
    const { fill, ask, demand } = await start();
    await fill(cached);
    expect(await ask(size)).toEqual({ refused: [], afterMs: 0 });
    expect(await demand()).toBe(cached + size);
  });

  test('that was given is not given again before it is linked', async () => {
    const { fill, admit, room, groups, ask, demand, isWoken } = await start();
    const [one, two] = [await admit(400), await admit(400)];
    const third = await admit(100);
    expect(await demand()).toBe(100);
    const waiting = room.admit(groups, 101);
    expect(await isWoken()).toBe(true);
    await one.release();
    expect((await inFakeTime(waiting)).refused.size).toBe(0);
    await two.release();
    await third.release();
    await fill(100);
    expect((await ask(500)).refused).toEqual([]);
    // What was asked for and given meanwhile is reserved still.
    expect(await demand()).toBe(201);
  });

  test.each([
    ['the cache is above the high mark', 801, 100],
    ['it would pass the limit', 700, 301],
    ['it alone is more than there is between the two', 900, 300],
  ])('is waited for where %s, until the eviction has made it', async (_, cached, size) => {
    const { database, fill, ask, eviction, seen, demand } = await start();
    const { id } = await fill(cached);
    eviction.run = () => void database.cacheEntries.remove(id);
    const { refused, afterMs } = await ask(size);
    expect(refused).toEqual([]);
    expect(afterMs).toBeGreaterThan(0);
    expect(afterMs).toBeLessThan(1000);
    expect(seen.wakings).toHaveLength(1);
    expect(await demand()).toBe(size);
  });

  test('is given up for after ten seconds, in which the eviction is woken five times a second, and told of', async () => {
    const { fill, ask, seen, told, demand, groups } = await start();
    await fill(900);
    const { refused, afterMs } = await ask(50);
    expect(refused).toEqual([...groups]);
    expect(afterMs).toBeGreaterThan(waitMs);
    expect(afterMs).toBeLessThan(waitMs + 500);
    const pauses = seen.wakings.slice(1).map((at, index) => at - (seen.wakings[index] ?? 0));
    expect(seen.wakings[0]).toBeLessThan(200);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...pauses)).toBeLessThan(300);
    expect(seen.notKept).toEqual([50]);
    expect(told).toEqual([['warn', { size: 50, groups: [...groups] }]]);
    expect(await demand()).toBe(900);
  });

  test('is given up for at once where all that could be evicted was', async () => {
    const { fill, ask, seen, groups, demand } = await start();
    await fill(900);
    seen.hasRun = true;
    const { refused, afterMs } = await ask(50);
    expect(refused).toEqual([...groups]);
    expect(afterMs).toBeLessThan(1000);
    expect(await demand()).toBe(900);
  });

  test('is not there at all for what is bigger than the limit, and nothing is evicted for it', async () => {
    const { ask, isWoken, seen, groups, demand } = await start();
    expect(await ask(1001)).toEqual({ refused: [...groups], afterMs: 0 });
    expect(seen.notKept).toEqual([1001]);
    expect(await demand()).toBe(0);
    expect(await isWoken()).toBe(false);
  });

  test('is not there before the bytes of what was evicted are gone, which is waited for', async () => {
    const { database, fill, ask, eviction, seen } = await start();
    const { id, digest } = await fill(900);
    const copy = await database.blobs.find(digest);
    await database.cacheEntries.remove(id, 'entry_evict');
    seen.hasRun = true;
    eviction.run = () => {
      if (seen.wakings.length === 10) void database.blobs.remove(digest, copy?.storageKey ?? '');
    };
    const { refused, afterMs } = await ask(200);
    expect(refused).toEqual([]);
    expect(afterMs).toBeGreaterThanOrEqual(1800);
    expect(afterMs).toBeLessThan(3000);
  });

  test('counts what was evicted just before', async () => {
    const { database, cache, fill, admit, ask, seen } = await start();
    const { id } = await fill(700);
    await admit(50);
    await database.cacheEntries.remove(id, 'entry_evict');
    expect(await database.cacheSizes.bytesOf(cache.groupId)).toBe(0);
    expect((await ask(251)).afterMs).toBeGreaterThan(waitMs);
    expect(seen.notKept).toEqual([251]);
  });

  test('sums up what leaves once for all who ask meanwhile', async () => {
    const { database, room, groups } = await start();
    const sums = vi.spyOn(database.cacheSizes, 'leavingBytes');
    await inFakeTime(Promise.all(Array.from({ length: 20 }, () => room.admit(groups, 1))));
    expect(sums.mock.calls.length).toBeLessThan(5);
  });

  test('counts what was evicted until it is off the disk, whichever process takes it away', async () => {
    const { database, clock, ask, demand } = await start();
    const leaving = await database.cacheSizes.addLeaving(790, clock.now + 60_000);
    expect(await demand()).toBe(0);
    setTimeout(() => void database.cacheSizes.release([leaving]), 2000);
    const { refused, afterMs } = await ask(20);
    expect(refused).toEqual([]);
    expect(afterMs).toBeGreaterThanOrEqual(2000);
    expect(afterMs).toBeLessThan(3000);
  });

  test('that was asked for is given back where the records cannot be read', async () => {
    const { database, admit, demand, groups, room } = await start();
    vi.spyOn(database.cacheSizes, 'demandOn').mockRejectedValueOnce(new Error('away'));
    await expect(room.admit(groups, 700)).rejects.toThrow('away');
    expect((await admit(800)).refused.size).toBe(0);
    expect(await demand()).toBe(0);
  });

  test('is given once where two ask at the same time', async () => {
    const { room, groups, demand } = await start();
    const [one, two] = await inFakeTime(Promise.all([room.admit(groups, 500), room.admit(groups, 500)]));
    expect([one.refused.size, two.refused.size]).toEqual([0, 0]);
    // The second between the high mark and the limit, where it waited for its turn.
    expect(await demand()).toBe(500);
  });

  test('goes to those who came first', async () => {
    const { database, fill, room, groups } = await start();
    const { id } = await fill(100, 'some');
    const { id: more } = await fill(750, 'more');
    const order: string[] = [];
    const wait = (name: string) => room.admit(groups, 100).then(() => order.push(name));
    const first = wait('first');
    await vi.advanceTimersByTimeAsync(500);
    const second = wait('second');
    await vi.advanceTimersByTimeAsync(500);
    expect(order).toEqual([]);
    await database.cacheEntries.remove(id);
    await inFakeTime(first);
    await vi.advanceTimersByTimeAsync(1000);
    expect(order).toEqual(['first']);
    await database.cacheEntries.remove(more);
    await inFakeTime(second);
    expect(order).toEqual(['first', 'second']);
  });

  test('is waited for by as many as fit between the high mark and the limit; others go without at once', async () => {
    const { fill, room, groups, ask, seen } = await start();
    await fill(850);
    const waiting = [room.admit(groups, 100)];
    await vi.advanceTimersByTimeAsync(500);
    const wakings = seen.wakings.length;
    expect((await ask(101)).refused).toEqual([...groups]);
    expect((await ask(101)).afterMs).toBeLessThan(500);
    waiting.push(room.admit(groups, 100));
    await vi.advanceTimersByTimeAsync(500);
    expect(seen.wakings.length).toBeGreaterThan(wakings);
    expect((await ask(1)).afterMs).toBeLessThan(500);
    await inFakeTime(Promise.all(waiting));
    // They wait no longer, and keep nobody from it.
    const one = room.admit(groups, 150);
    await vi.advanceTimersByTimeAsync(500);
    expect((await ask(150)).afterMs).toBeLessThan(500);
    await inFakeTime(one);
    expect((await ask(150)).afterMs).toBeGreaterThan(waitMs);
  });

  test('is refused in the groups whose own limit is reached, and in them alone', async () => {
    const { database, cache, fill, ask, seen, told } = await start({ maxBytes: undefined });
    const [full, free] = [await createCache(database, 'full'), await createCache(database, 'free')];
    await database.groupCaches.setMaxBytes(full.groupId, 100);
    await database.groupCaches.setMaxBytes(free.groupId, 1000);
    await fill(90, 'theirs', full);
    await fill(90, 'ours');
    seen.hasRun = true;
    const all = new Set([cache.groupId, full.groupId, free.groupId]);
    expect((await ask(20, all)).refused).toEqual([full.groupId]);
    expect([seen.notKept, told]).toEqual([[], []]);
    expect((await ask(20, new Set([full.groupId]))).refused).toEqual([full.groupId]);
    expect(seen.notKept).toEqual([20]);
  });

  test('in a group counts what is linked there, not what leaves', async () => {
    const { database, cache, fill, ask } = await start({ maxBytes: undefined });
    await database.groupCaches.setMaxBytes(cache.groupId, 1000);
    const { id } = await fill(900, 'evicted');
    await database.cacheEntries.remove(id, 'entry_evict');
    expect(await ask(800)).toEqual({ refused: [], afterMs: 0 });
    expect(await ask(200)).toEqual({ refused: [], afterMs: 0 });
    expect(await database.cacheSizes.demandOn(cache.groupId)).toBe(200);
  });

  test('is refused in all groups where all of the cache is full', async () => {
    const { database, cache, fill, ask, seen } = await start();
    const other = await createCache(database, 'other');
    await fill(900);
    seen.hasRun = true;
    const { refused } = await ask(50, new Set([cache.groupId, other.groupId]));
    expect(refused).toEqual([cache.groupId, other.groupId]);
  });

  test('is not waited for any more when the server stops, which wakes nobody', async () => {
    const { fill, room, groups, seen, isWoken } = await start();
    await fill(900);
    const waiting = room.admit(groups, 50);
    await vi.advanceTimersByTimeAsync(500);
    room.close();
    seen.wakings.length = 0;
    const startedAt = performance.now();
    expect((await inFakeTime(waiting)).refused).toEqual(groups);
    expect(performance.now()).toBe(startedAt);
    await room.admit(groups, 50);
    expect(await isWoken()).toBe(false);
  });
});

describe('the eviction is woken', () => {
  test.each([
    ['when a linked blob passes the high mark of the group', 801, true],
    ['not at the mark itself', 800, false],
  ])('%s', async (_, size, isExpected) => {
    const { database, cache, fill, room, isWoken } = await start({ maxBytes: undefined });
    await database.groupCaches.setMaxBytes(cache.groupId, 1000);
    await fill(size);
    await room.grew(cache.groupId);
    expect(await isWoken()).toBe(isExpected);
  });

  test('not once the server stops', async () => {
    const { database, cache, fill, room, isWoken } = await start();
    await database.groupCaches.setMaxBytes(cache.groupId, 100);
    await fill(900);
    room.close();
    await room.grew(cache.groupId);
    expect(await isWoken()).toBe(false);
  });

  test.each([
    ['within the high mark', 400],
    ['above it', 500],
  ])('when more was linked than there was when room %s was asked for', async (_, size) => {
    const { fill, admit, isWoken, demand } = await start();
    await fill(400);
    const { release } = await admit(size);
    expect(await isWoken()).toBe(false);
    await fill(401, 'linked');
    await release();
    expect(await demand()).toBe(801);
    expect(await isWoken()).toBe(true);
  });

  test('once for all who ask within a moment', async () => {
    const { database, cache, fill, room, seen } = await start();
    await database.groupCaches.setMaxBytes(cache.groupId, 100);
    await fill(900);
    for (let index = 0; index < 5; index += 1) await room.grew(cache.groupId);
    await vi.advanceTimersByTimeAsync(0);
    expect(seen.wakings).toHaveLength(1);
    for (let index = 0; index < 5; index += 1) await room.grew(cache.groupId);
    await vi.advanceTimersByTimeAsync(199);
    expect(seen.wakings).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.wakings).toHaveLength(2);
  });
});
