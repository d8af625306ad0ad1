import { expect, onTestFinished, test } from 'vitest';
import type { CacheEvictions } from '../../../src/metadata/cached/cache-evictions.ts';
import { type Database, openDatabase } from '../../../src/metadata/db/database.ts';
import { CacheRetention } from '../../../src/retention/cache-retention.ts';
import { silentLog } from '../../support/silent-log.ts';

const dayMs = 24 * 60 * 60 * 1000;
const settings = {
  enabled: true,
  cadenceDays: 7,
  keepDays: 30,
  notifyOnSuccess: false,
  notifyOnFailure: true,
};

async function setUp(groups: readonly string[]) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const now = () => clock.now;
  const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now });
  onTestFinished(() => database.close());
  for (const path of groups) {
    const { id } = await database.groups.create({ name: path, path, fullPath: path, visibility: 'private' });
    await database.cacheRetention.create(id, settings, clock.now + dayMs);
  }
  const retentionOn = (records: Database) =>
    new CacheRetention({
      database: records,
      flushUsage: async () => undefined,
      onEvicted: () => undefined,
      observer: { evicted: () => undefined, notKept: () => undefined },
      log: silentLog,
      now,
    });
  return { clock, database, retentionOn };
}

/** The records, but for entries, which cannot be read. */
function broken(database: Database, message: string): Database {
  const cacheEvictions: Pick<CacheEvictions, 'listOldest'> = {
    listOldest: () => Promise.reject(new Error(message)),
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
  const failing = retentionOn(broken(database, 'x'.repeat(300)));
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
