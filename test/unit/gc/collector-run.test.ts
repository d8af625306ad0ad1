import { describe, expect, test, vi } from 'vitest';
import type { CollectorOptions, Outcome } from '../../../src/gc/collector.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import type { Records } from '../../../src/metadata/db/records.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { collectorOf, silentGc } from '../../support/collecting.ts';
import { inFakeTime, useFakeTimers } from '../../support/fake-timers.ts';
import { createRepository, manifestOf } from '../../support/hosted-records.ts';
import { dayMs, startStored } from './stored-kit.ts';

const nothing = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };

/** Blobs and manifests of acme/shop, and a collector that keeps what it makes of them. */
async function start(changed: Partial<CollectorOptions> = {}) {
  const kit = await startStored();
  const { database } = kit;
  const { id } = await createRepository(database, 'acme/shop');
  const told: unknown[][] = [];
  const collectorOn = (records: Database) =>
    collectorOf(
      { ...kit, database: records },
      {
        log: kit.log,
        observer: {
          ...silentGc,
          reviewed: (...what) => void told.push(what),
          deleted: (...what) => void told.push(what),
        },
        ...changed,
      },
    );
  /** Unused blobs of the repository, which are due in a day. */
  const upload = async (...texts: readonly string[]) => {
    const blobs = [];
    for (const text of texts) blobs.push(await kit.push(text));
    const digests = blobs.map(({ digest }) => digest);
    await database.reviews.addLinks(id, digests, 'blob_upload');
    return digests;
  };
  const saveManifest = async (text: string, subject?: Digest) => {
    const manifest = manifestOf(text, { subject });
    await database.repositoryManifests.save(id, manifest);
    return manifest.digest;
  };
  return { ...kit, id, told, collectorOn, collector: collectorOn(database), upload, saveManifest };
}

/** The database, whose transactions begin with this. */
function beginningWith(database: Database, first: () => Promise<unknown>): Database {
  return Object.create(database, {
    transaction: {
      value: async <T>(run: (tx: Records) => Promise<T>): Promise<T> => {
        await first();
        return database.transaction(run);
      },
    },
  });
}

describe('a run of the collector', () => {
  test('tells what became of each review, and how long it took, and leaves a record of all', async () => {
    useFakeTimers();
    const { clock, collectorOn, database, id, store, told, upload, saveManifest } = await start({
      untaggedMs: 5 * dayMs,
    });
    const [digest] = await upload('hello');
    const untagged = await saveManifest('untagged');
    await database.reviews.addManifests(id, [untagged], 'tag_delete');
    clock.now += dayMs;
    store.delete = async (key) => {
      expect(await database.blobs.find(digest as Digest)).toBeUndefined();
      await new Promise((deleted) => void setTimeout(deleted, 2000));
      store.blobs.delete(key);
    };
    const outcomes: (readonly [string, string, number])[] = [];
    const onOutcome = ({ review, verdict, bytes }: Outcome) =>
      outcomes.push([review.kind, verdict.is, bytes]);
    await vi.advanceTimersByTimeAsync(1000);
    const slow = beginningWith(database, () => new Promise((begun) => void setTimeout(begun, 500)));
    const counts = await inFakeTime(collectorOn(slow).run({ onOutcome }));
    expect(counts).toEqual({ ...nothing, reviewed: 3, links: 1, blobs: 1, bytes: 5 });
    expect(outcomes).toEqual([
      ['manifest', 'kept', 0],
      ['link', 'garbage', 0],
      ['blob', 'garbage', 5],
    ]);
    expect(told).toEqual([
      ['manifest', 'kept', 0.5],
      ['link', 'removed', 0.5],
      ['blob', 'removed', 0.5],
      [5, 'deleted', 2],
    ]);
    expect([...store.blobs]).toEqual([]);
    expect(await database.gcRuns.list(10)).toEqual([{ ...counts, startedAt: clock.now, endedAt: clock.now }]);
  });

  test.each([
    ['counts what was evicted as leaving until it is off the disk', 'entry_evict', true, [5, 0]],
    ['counts what cannot be deleted for five minutes', 'entry_evict', false, [5, 5]],
    ['counts nothing else as leaving a cache', 'entry_delete', true, [0, 0]],
  ] as const)('%s', async (_, event, canDelete, expected) => {
    const { clock, collector, database, store, upload, id } = await start();
    const [digest = digestOf(Buffer.from(''))] = await upload('hello');
    await database.repositoryBlobs.unlink(id, digest);
    await database.reviews.addBlobs([digest], event);
    clock.now += dayMs;
    const leaving: number[] = [];
    store.delete = async () => {
      leaving.push(await database.cacheSizes.leavingBytes());
      if (!canDelete) throw new Error('read-only');
    };
    expect(await collector.run()).toMatchObject({ blobs: 1, failed: canDelete ? 0 : 1 });
    leaving.push(await database.cacheSizes.leavingBytes());
    expect(leaving).toEqual(expected);
    clock.now += 5 * 60 * 1000;
    expect(await database.cacheSizes.leavingBytes()).toBe(0);
  });

  test('leaves no record where nothing was due', async () => {
    const { collector, database, upload } = await start();
    await upload('hello');
    expect(await collector.run()).toEqual(nothing);
    expect(await database.gcRuns.list(10)).toEqual([]);
  });

  test('looks at what is not due yet only where it is told to', async () => {
    const { collector, upload } = await start();
    await upload('hello');
    expect(await collector.run({ isEarly: true })).toMatchObject({ links: 1, blobs: 1 });
  });

  test('removes payloads of manifests, and leaves an event of each manifest', async () => {
    const { clock, collector, database, id, saveManifest, events } = await start({ untaggedMs: 0 });
    const digest = await saveManifest('untagged');
    await database.reviews.addUntagged(id);
    clock.now += 1;
    expect(await collector.run()).toEqual({ ...nothing, reviewed: 1, manifests: 1 });
    expect((await database.repositories.find(id))?.updatedAt).toBe(clock.now);
    expect(await events()).toMatchObject([
      {
        actorName: 'collector',
        action: 'manifest.collect',
        targetId: `acme/shop@${digest}`,
        projectPath: 'acme/shop',
        details: { repository: 'acme/shop', reason: expect.stringContaining('gc.untagged') },
      },
    ]);
    clock.now += dayMs;
    const outcomes: Outcome[] = [];
    expect(await collector.run({ onOutcome: (outcome) => void outcomes.push(outcome) })).toEqual({
      ...nothing,
      reviewed: 1,
      payloads: 1,
    });
    expect(outcomes).toMatchObject([{ verdict: { is: 'garbage' }, bytes: 'untagged'.length }]);
    expect(await database.manifests.findSize(digest)).toBeUndefined();
  });

  test('looks again at what is kept for a while when that is over, and not at what is held or kept for ever', async () => {
    const { clock, collector, collectorOn, database, id, saveManifest } = await start({
      untaggedMs: 5 * dayMs,
    });
    const digest = await saveManifest('untagged');
    await database.reviews.addUntagged(id);
    await collector.run();
    expect(await database.reviewQueue.find('manifest', digest, id)).toMatchObject({
      reviewAfter: clock.now + 5 * dayMs,
    });
    await database.tags.put(id, 'v1' as never, digest);
    clock.now += 5 * dayMs;
    expect(await collectorOn(database).run()).toEqual({ ...nothing, reviewed: 1 });
    expect(await database.reviewQueue.find('manifest', digest, id)).toBeUndefined();
  });

  test('goes on where things are gone already', async () => {
    const { clock, collector, database, id, upload, told } = await start();
    const [digest] = await upload('hello');
    await database.reviews.addBlobs([digest as Digest], 'blob_delete');
    await database.repositoryBlobs.unlink(id, digest as Digest);
    await database.blobs.remove(
      digest as Digest,
      (await database.blobs.find(digest as Digest))?.storageKey ?? '',
    );
    clock.now += dayMs;
    expect(await collector.run()).toEqual({ ...nothing, reviewed: 1 });
    expect(told.map(([kind, result]) => [kind, result])).toEqual([['blob', 'kept']]);
    expect(await database.reviewQueue.describe('blob')).toMatchObject({ length: 0 });
  });

  test('leaves alone what an event asked for again meanwhile', async () => {
    const { clock, collectorOn, database, id, upload, told } = await start();
    const digests = await upload('hello');
    clock.now += dayMs;
    const asked = beginningWith(database, () => database.reviews.addLinks(id, digests, 'blob_mount'));
    const outcomes: Outcome[] = [];
    expect(await collectorOn(asked).run({ onOutcome: (outcome) => void outcomes.push(outcome) })).toEqual(
      nothing,
    );
    expect(outcomes).toEqual([]);
    expect(told).toEqual([['link', 'postponed', expect.any(Number)]]);
    expect(await database.repositoryBlobs.find(id, digests[0] as Digest)).toBeDefined();
  });

  test('makes all of a queue, however long', async () => {
    const { clock, collector, database, id, pushMany, store } = await start();
    const blobs = await pushMany(45);
    await database.reviews.addLinks(
      id,
      blobs.map(({ digest }) => digest),
      'blob_upload',
    );
    clock.now += dayMs;
    expect(await collector.run()).toMatchObject({ links: 45, blobs: 45 });
    expect(store.blobs.size).toBe(0);
  });
});

describe('a run about one repository', () => {
  test('looks at what that has, and at what becomes of use to nobody by that', async () => {
    const { clock, collector, database, id, store, upload, saveManifest, push } = await start({
      untaggedMs: 0,
    });
    await upload('ours');
    await saveManifest('untagged');
    await database.reviews.addUntagged(id);
    const { id: otherId } = await createRepository(database, 'acme/other');
    const theirs = await push('theirs', 'acme/other');
    const loose = await push('loose', 'acme/other');
    await database.reviews.addLinks(otherId, [theirs.digest], 'blob_upload');
    await database.repositoryBlobs.unlink(otherId, loose.digest);
    await database.reviews.addBlobs([loose.digest], 'link_collect');
    clock.now += dayMs;
    const counts = await collector.run({ repositoryId: id, isEarly: true });
    expect(counts).toEqual({
      ...nothing,
      reviewed: 4,
      manifests: 1,
      links: 1,
      blobs: 1,
      bytes: 4,
      payloads: 1,
    });
    expect([...store.blobs.keys()].sort()).toEqual([theirs.storageKey, loose.storageKey].sort());
    expect(await collector.run()).toMatchObject({ links: 1, blobs: 2 });
  });

  test('waits for what is not due, unless it is told not to', async () => {
    const { clock, collector, id, upload } = await start();
    await upload('ours');
    expect(await collector.run({ repositoryId: id })).toEqual(nothing);
    clock.now += dayMs;
    expect(await collector.run({ repositoryId: id })).toMatchObject({ links: 1, blobs: 1 });
  });

  test('frees any number of blobs', async () => {
    const { collector, database, id, pushMany, store } = await start();
    const blobs = await pushMany(45);
    await database.reviews.addLinks(
      id,
      blobs.map(({ digest }) => digest),
      'blob_upload',
    );
    expect(await collector.run({ repositoryId: id, isEarly: true })).toMatchObject({
      links: 45,
      blobs: 45,
    });
    expect(store.blobs.size).toBe(0);
  });
});

describe('a run that is told to stop', () => {
  test('does nothing more, and leaves what it claimed to others', async () => {
    const { clock, collector, database, store, upload } = await start();
    await upload('a', 'b', 'c');
    clock.now += dayMs;
    expect(await collector.run({ signal: AbortSignal.abort() })).toEqual(nothing);
    const stopping = new AbortController();
    const counts = await collector.run({ signal: stopping.signal, onOutcome: () => stopping.abort() });
    expect(counts).toEqual({ ...nothing, reviewed: 1, links: 1 });
    expect(store.blobs.size).toBe(3);
    const due = { isEarly: false, limit: 10 };
    expect(await database.reviewQueue.list('link', due)).toHaveLength(2);
    expect(await database.reviewQueue.list('blob', due)).toHaveLength(1);
    expect(await collector.run()).toMatchObject({ links: 2, blobs: 3 });
  });

  test('waits no longer for the pace', async () => {
    useFakeTimers();
    const { clock, collector, upload } = await start({ reviewsPerSecond: 0.001 });
    await upload('a', 'b', 'c');
    clock.now += dayMs;
    const stopping = new AbortController();
    const running = collector.run({ signal: stopping.signal });
    setTimeout(() => stopping.abort(), 5000);
    await inFakeTime(running);
    expect(performance.now()).toBe(5000);
  });
});

test('what a process had claimed that died is made by others five minutes later', async () => {
  const { clock, collector, collectorOn, database, upload } = await start();
  await upload('hello');
  clock.now += dayMs;
  const dying = Promise.withResolvers<void>();
  void collectorOn(
    beginningWith(database, () => {
      dying.resolve();
      return new Promise(() => undefined);
    }),
  ).run();
  await dying.promise;
  clock.now += 299_999;
  expect(await collector.run()).toEqual(nothing);
  clock.now += 1;
  expect(await collector.run()).toMatchObject({ links: 1, blobs: 1 });
});

describe('the pace', () => {
  test('is that which was asked for, whatever some reviews take', async () => {
    useFakeTimers();
    const { clock, collector, store, upload } = await start({ reviewsPerSecond: 2 });
    await upload('a', 'b', 'c');
    clock.now += dayMs;
    const at: number[] = [];
    store.delete = async () => {
      await new Promise((deleted) => void setTimeout(deleted, 3000));
    };
    await inFakeTime(collector.run({ onOutcome: () => void at.push(performance.now()) }));
    // The links, and then the blobs, each of which takes longer than the pace.
    expect(at).toEqual([0, 500, 1000, 1500, 4500, 7500]);
  });

  test('is none where none was asked for', async () => {
    useFakeTimers();
    const { clock, collector, upload } = await start();
    await upload('a', 'b', 'c');
    clock.now += dayMs;
    expect(await inFakeTime(collector.run())).toMatchObject({ reviewed: 6 });
    expect(performance.now()).toBe(0);
  });

  test('is not made up for after a long review', async () => {
    useFakeTimers();
    const { clock, collector, database, id, upload, saveManifest, store } = await start({
      reviewsPerSecond: 2,
      untaggedMs: 0,
    });
    await upload('a');
    store.delete = async () => {
      await new Promise((deleted) => void setTimeout(deleted, 3000));
    };
    const digests = [await saveManifest('x'), await saveManifest('y')];
    for (const digest of digests) await database.repositoryManifests.remove(id, digest);
    clock.now += dayMs;
    const at: number[] = [];
    await inFakeTime(collector.run({ onOutcome: () => void at.push(performance.now()) }));
    expect(at).toEqual([0, 500, 3500, 4000]);
  });
});

describe('a review that fails', () => {
  test('is told of, and tried again after pauses of up to a day', async () => {
    const { clock, collectorOn, database, id, upload, told } = await start();
    const [digest] = await upload('hello');
    const failing = beginningWith(database, () => Promise.reject(new Error('x'.repeat(600))));
    const outcomes: Outcome[] = [];
    const pauses: number[] = [];
    for (let tries = 0; tries < 16; tries += 1) {
      clock.now = (await database.reviewQueue.find('link', digest as Digest, id))?.reviewAfter ?? 0;
      const counts = await collectorOn(failing).run({ onOutcome: (outcome) => void outcomes.push(outcome) });
      expect(counts).toEqual({ ...nothing, failed: 1 });
      const review = await database.reviewQueue.find('link', digest as Digest, id);
      expect(review).toMatchObject({ failures: tries + 1, lastError: 'x'.repeat(500) });
      pauses.push((review?.reviewAfter ?? 0) - clock.now);
    }
    expect(pauses.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(pauses.slice(-3)).toEqual([81_920_000, dayMs, dayMs]);
    expect(outcomes[0]).toMatchObject({ verdict: { is: 'failed', error: 'x'.repeat(500) }, bytes: 0 });
    expect(told[0]).toEqual(['link', 'failed', expect.any(Number)]);
    expect(await database.gcRuns.list(100)).toHaveLength(16);
  });

  test('may fail with anything', async () => {
    const { clock, collectorOn, database, id, upload } = await start();
    const [digest] = await upload('hello');
    clock.now += dayMs;
    await collectorOn(beginningWith(database, () => Promise.reject('no connection'))).run();
    expect(await database.reviewQueue.find('link', digest as Digest, id)).toMatchObject({
      lastError: 'no connection',
    });
  });

  test('keeps no other waiting', async () => {
    const { clock, collectorOn, database, upload } = await start();
    await upload('a', 'b');
    clock.now += dayMs;
    let isFirst = true;
    const failing = beginningWith(database, async () => {
      const fails = isFirst;
      isFirst = false;
      if (fails) throw new Error('no connection');
    });
    expect(await collectorOn(failing).run()).toEqual({
      ...nothing,
      reviewed: 2,
      links: 1,
      blobs: 1,
      bytes: 1,
      failed: 1,
    });
  });
});

test('bytes that cannot be deleted are counted as failed, their time too', async () => {
  useFakeTimers();
  const { collector, database, id, store, told, push } = await start();
  const { digest } = await push('hello');
  await database.repositoryBlobs.unlink(id, digest);
  await database.reviews.addBlobs([digest], 'link_collect');
  await vi.advanceTimersByTimeAsync(1000);
  store.delete = async () => {
    await new Promise((tried) => void setTimeout(tried, 3000));
    throw new Error('no answer');
  };
  const counts = await inFakeTime(collector.run());
  expect(counts).toEqual({ ...nothing, reviewed: 1, blobs: 1, bytes: 5, failed: 1 });
  expect(await database.gcRuns.list(10)).toHaveLength(1);
  expect(told.at(-1)).toEqual([5, 'failed', 3]);
});
