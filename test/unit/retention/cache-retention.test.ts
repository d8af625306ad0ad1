import { expect, test } from 'vitest';
import type { CacheEvictions } from '../../../src/metadata/cached/cache-evictions.ts';
import type { CacheRetentionSettings } from '../../../src/metadata/cached/cache-retention-policies.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import { CacheRetention } from '../../../src/retention/cache-retention.ts';
import { createGroup } from '../../support/hosted-records.ts';
import { listeningLog } from '../../support/listening-log.ts';
import { cacheBlob, cacheImage, createCache, dayMs, entriesOf, startCached } from './cached-kit.ts';

const settings = {
  enabled: true,
  cadenceDays: 7,
  keepDays: 30,
  notifyOnSuccess: false,
  notifyOnFailure: true,
};

async function setUp(groups: readonly string[], changed: Partial<CacheRetentionSettings> = {}) {
  const { clock, database } = await startCached();
  for (const path of groups) {
    const { id } = await createGroup(database, path);
    await database.cacheRetention.create(id, { ...settings, ...changed }, clock.now + dayMs);
  }
  const { log, told } = listeningLog();
  const seen = { flushes: 0, wakings: 0, evicted: [] as unknown[][] };
  const retentionOn = (records: Database) =>
    new CacheRetention({
      database: records,
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
  const run = async () => (await retentionOn(database).run(never)).result;
  const events = async () => (await database.auditEvents.list({}, { page: 1, perPage: 10 })).records;
  return { clock, database, retentionOn, run, events, seen, told };
}

/** The records, but for entries, which cannot be read. */
function broken(database: Database, fault: unknown): Database {
  const cacheEvictions: Pick<CacheEvictions, 'listOldest'> = {
    listOldest: () => Promise.reject(fault),
  };
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'cacheEvictions') return cacheEvictions;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const never = new AbortController().signal;

test('a run that fails says why in at most 255 characters, tells the Owners, and is tried again a cadence later', async () => {
  const { clock, database, retentionOn } = await setUp(['acme']);
  clock.now += dayMs;
  const failing = retentionOn(broken(database, new Error('x'.repeat(300))));
  expect((await failing.run(never)).result).toEqual({ policies: 1, failed: 1 });
  expect(await database.cacheRetention.find(1)).toMatchObject({
    status: 'failed',
    failureMessage: 'x'.repeat(255),
    nextRunAt: clock.now + 7 * dayMs,
    lastRunAt: clock.now,
  });
  const { records } = await database.auditEvents.list({}, { page: 1, perPage: 10 });
  expect(records).toMatchObject([
    { action: 'cache_cleanup_policy.failed', groupPath: 'acme', actorName: 'system' },
  ]);
  clock.now += 7 * dayMs;
  expect((await retentionOn(database).run(never)).result).toEqual({ policies: 1, failed: 0 });
  expect(await database.cacheRetention.find(1)).toMatchObject({
    status: 'scheduled',
    failureMessage: undefined,
  });
  // Nobody asked to be told of what went well.
  expect((await database.auditEvents.list({}, { page: 1, perPage: 10 })).total).toBe(1);
});

test('a few policies run at once, the others right after them, and none before it is due', async () => {
  const { clock, database, retentionOn } = await setUp(['a', 'b', 'c']);
  const retention = retentionOn(database);
  expect(await retention.run(never)).toEqual({ result: { policies: 0, failed: 0 }, again: false });
  clock.now += dayMs;
  expect(await retention.run(never)).toEqual({ result: { policies: 2, failed: 0 }, again: true });
  expect(await retention.run(never)).toEqual({ result: { policies: 1, failed: 0 }, again: false });
});

test('whether a policy is due is looked at every hour', async () => {
  const { database, retentionOn } = await setUp([]);
  expect(retentionOn(database)).toMatchObject({ name: 'cache.retention', everyMs: 3_600_000 });
});

test('a run that is told to stop stays as it is, and comes first the next time', async () => {
  const { clock, database, retentionOn } = await setUp(['a', 'b', 'c']);
  clock.now += dayMs;
  await database.cacheRetention.begin(3);
  await database.cacheRetention.addDeleted(3, 5, 500);
  const stopped = AbortSignal.abort();
  await retentionOn(database).run(stopped);
  expect(await database.cacheRetention.find(3)).toMatchObject({ status: 'running', lastRunAt: undefined });
  await retentionOn(database).run(never);
  expect(await database.cacheRetention.find(3)).toMatchObject({
    status: 'scheduled',
    lastDeletedEntries: 5,
    lastDeletedBytes: 500,
  });
});

test('a policy forgets what was not used for so long before it began, whole, in its group alone', async () => {
  const { clock, database, run, seen, told, events } = await setUp(['acme'], { notifyOnSuccess: true });
  const [cache, other] = [await createCache(database), await createCache(database, 'other')];
  for (const each of [cache, other]) await cacheImage(database, each, 'team/old', { layers: { old: 100 } });
  clock.now += 1;
  await cacheImage(database, cache, 'team/used', { layers: { used: 10 } });
  clock.now += 30 * dayMs;
  expect(await run()).toEqual({ policies: 1, failed: 0 });
  expect(await entriesOf(database, cache, 'old', 'used')).toEqual(['team/used used', 'team/used v1']);
  expect(await entriesOf(database, other, 'old')).toEqual(['team/old old', 'team/old v1']);
  const policy = await database.cacheRetention.find(cache.groupId);
  const { lastDeletedEntries: entries = 0, lastDeletedBytes: bytes = 0 } = policy ?? {};
  expect(entries).toBe(3);
  expect(bytes).toBeGreaterThan(100);
  expect(policy).toMatchObject({
    status: 'scheduled',
    nextRunAt: clock.now + 7 * dayMs,
    lastRunAt: clock.now,
  });
  expect(seen).toEqual({ flushes: 1, wakings: 1, evicted: [['age', entries, bytes]] });
  const details = { deleted_entries_count: entries, deleted_size: bytes };
  expect(told).toEqual([['info', { group: cache.groupId, ...details }]]);
  expect(await events()).toMatchObject([
    {
      action: 'cache_cleanup_policy.succeeded',
      actorName: 'system',
      targetId: String(cache.groupId),
      groupPath: 'acme',
      details,
    },
  ]);
});

test('nobody is told of a failure who does not want to be, and what failed may be anything', async () => {
  const { clock, database, retentionOn, events, told } = await setUp(['acme'], { notifyOnFailure: false });
  clock.now += dayMs;
  await retentionOn(broken(database, 'no connection')).run(never);
  expect(await database.cacheRetention.find(1)).toMatchObject({ failureMessage: 'no connection' });
  expect(await events()).toEqual([]);
  expect(told).toMatchObject([['error', { group: 1, err: 'no connection' }]]);
});

test('an event of a failure says why, one of success has no such thing', async () => {
  const { clock, database, retentionOn, run, events } = await setUp(['acme'], { notifyOnSuccess: true });
  clock.now += dayMs;
  await retentionOn(broken(database, new Error('no connection'))).run(never);
  clock.now += 7 * dayMs;
  await run();
  const [success, failure] = await events();
  const nothing = { deleted_entries_count: 0, deleted_size: 0 };
  expect(failure?.details).toEqual({ ...nothing, failure_message: 'no connection' });
  expect(success?.details).toEqual(nothing);
});

test('a run that was broken off goes by when it began', async () => {
  const { clock, database, run } = await setUp(['acme']);
  const cache = await createCache(database);
  clock.now += dayMs;
  await database.cacheRetention.begin(cache.groupId);
  clock.now -= 30 * dayMs;
  await cacheImage(database, cache, 'team/app');
  clock.now += 31 * dayMs;
  await run();
  expect(await entriesOf(database, cache)).toEqual(['team/app v1']);
});

test('a policy that is turned off or removed before its run does nothing', async () => {
  const { clock, database, retentionOn, seen, told } = await setUp(['acme', 'shop']);
  const cache = await createCache(database);
  await cacheImage(database, cache, 'team/app');
  clock.now += 40 * dayMs;
  const { listDue } = database.cacheRetention;
  database.cacheRetention.listDue = async (limit) => {
    const due = await listDue.call(database.cacheRetention, limit);
    await database.cacheRetention.update(1, { ...settings, enabled: false }, undefined);
    await database.cacheRetention.remove(2);
    return due;
  };
  expect((await retentionOn(database).run(never)).result).toEqual({ policies: 2, failed: 0 });
  expect(await entriesOf(database, cache)).toEqual(['team/app v1']);
  expect(seen.evicted).toEqual([]);
  expect(told).toEqual([]);
});

test.each([
  [
    'turned off',
    (database: Database) => database.cacheRetention.update(1, { ...settings, enabled: false }, undefined),
  ],
  ['removed', (database: Database) => database.cacheRetention.remove(1)],
])('a policy that is %s while it runs ends after what it was at', async (_, end) => {
  const { clock, database, run, seen } = await setUp(['acme']);
  const cache = await createCache(database);
  for (let index = 0; index < 15; index += 1) await cacheBlob(database, cache, 'team/app', `${index}`, 5);
  clock.now += 40 * dayMs;
  const { transaction } = database;
  database.transaction = async (work) => {
    await end(database);
    return transaction.call(database, work) as never;
  };
  expect(await run()).toEqual({ policies: 1, failed: 0 });
  expect(seen.evicted).toEqual([['age', 10, 50]]);
});

test('what is pinned is kept, and counts as nothing that was forgotten', async () => {
  const { clock, database, run, seen } = await setUp(['acme']);
  const cache = await createCache(database);
  await cacheImage(database, cache, 'team/app', { layers: { layer: 5 } });
  const { registryId } = cache;
  await database.cachePins.create({ registryId, image: 'team/app', tag: undefined, digest: undefined });
  clock.now += 40 * dayMs;
  expect(await run()).toEqual({ policies: 1, failed: 0 });
  expect(await entriesOf(database, cache, 'layer')).toEqual(['team/app layer', 'team/app v1']);
  expect(await database.cacheRetention.find(cache.groupId)).toMatchObject({
    lastDeletedEntries: 0,
    lastDeletedBytes: 0,
  });
  expect([seen.evicted, seen.wakings]).toEqual([[], 0]);
});

test('what is only counted in memory is recorded where a policy is due, and not else', async () => {
  const { clock, run, seen } = await setUp(['acme']);
  await run();
  expect(seen.flushes).toBe(0);
  clock.now += dayMs;
  await run();
  expect(seen.flushes).toBe(1);
});
