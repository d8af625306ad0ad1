import { describe, expect, test } from 'vitest';
import { Scrub, type ScrubOptions } from '../../../src/gc/scrub.ts';
import { inFakeTime, useFakeTimers } from '../../support/fake-timers.ts';
import { dayMs, type StoredKit, startStored } from './stored-kit.ts';

const never = new AbortController().signal;

async function start(changed: Partial<ScrubOptions> = {}) {
  useFakeTimers();
  const kit = await startStored();
  const verified: (readonly [string, number])[] = [];
  const healing: { heal: ScrubOptions['heal'] } = { heal: async () => false };
  const scrub = new Scrub({
    ...kit,
    heal: (copy) => healing.heal(copy),
    intervalMs: 7 * dayMs,
    bytesPerSecond: 1000,
    observer: { verified: (verdict, bytes) => void verified.push([verdict, bytes]) },
    ...changed,
  });
  return { ...kit, scrub, verified, healing, run: (signal = never) => inFakeTime(scrub.run(signal)) };
}

/** The bytes of another copy take the place of this one's. */
async function replace({ database, write }: StoredKit, text: string, from: string) {
  await database.blobs.replaceCopy(await write(text), from);
}

describe('the scrub', () => {
  test('reads each blob once in the interval, the longest unread first', async () => {
    const { clock, push, run, verified, findings, told } = await start();
    await push('first');
    clock.now += dayMs;
    await push('second');
    clock.now += 6 * dayMs - 1;
    expect(await run()).toEqual({ result: { verified: 0, bytes: 0, bad: 0, healed: 0 } });
    clock.now += 1;
    expect(await run()).toEqual({ result: { verified: 1, bytes: 5, bad: 0, healed: 0 } });
    clock.now += dayMs;
    expect(await run()).toEqual({ result: { verified: 1, bytes: 6, bad: 0, healed: 0 } });
    expect(verified).toEqual([
      ['sound', 5],
      ['sound', 6],
    ]);
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { verified: 2 } });
    expect([await findings(), told]).toEqual([[], []]);
  });

  test('reads for a while every hour', async () => {
    const { scrub } = await start();
    expect(scrub).toMatchObject({ name: 'storage.scrub', everyMs: 3_600_000 });
  });

  test('reads no faster than it is told to', async () => {
    const { clock, push, run } = await start();
    await push('x'.repeat(2500));
    clock.now += 7 * dayMs;
    const startedAt = performance.now();
    await run();
    expect(performance.now() - startedAt).toBe(2500);
  });

  test('says after a minute that there is more to do', async () => {
    const { clock, push, run, verified } = await start();
    for (const text of ['a', 'b', 'c', 'd']) await push(text.repeat(30_000));
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { verified: 3 }, again: true });
    expect(await run()).toMatchObject({ result: { verified: 1, bytes: 30_000 } });
    expect(verified).toHaveLength(4);
  });

  test('reads any number of blobs', async () => {
    const { clock, pushMany, run } = await start({ bytesPerSecond: 1_000_000_000 });
    await pushMany(101);
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { verified: 101 } });
  });

  test('reads nothing where it has no rate, and still sees what was healed', async () => {
    const { clock, database, push, write, run, verified, findings } = await start({
      bytesPerSecond: undefined,
    });
    const { digest, storageKey, size } = await push('hello');
    await database.storedBlobs.addFinding({ kind: 'corrupt', digest, storageKey, size, hosted: true });
    await database.blobs.replaceCopy(await write('hello'), storageKey);
    clock.now += 7 * dayMs;
    expect(await run()).toEqual({ result: { verified: 0, bytes: 0, bad: 0, healed: 0 } });
    expect(verified).toEqual([]);
    expect(await findings()).toEqual([['corrupt', 'healed', digest]]);
  });

  test('takes what has rotted out of reach, and tells of it once', async () => {
    const { clock, push, rot, run, verified, findings, quarantined, told, events } = await start();
    const { digest, storageKey } = await push('hello', 'acme/shop', 'acme/app');
    rot(storageKey);
    clock.now += 7 * dayMs;
    expect(await run()).toEqual({ result: { verified: 1, bytes: 5, bad: 1, healed: 0 } });
    expect(verified).toEqual([['corrupt', 5]]);
    expect(quarantined).toEqual([storageKey]);
    expect(await findings()).toEqual([['corrupt', 'open', digest]]);
    clock.now += 7 * dayMs;
    expect(await run()).toEqual({ result: { verified: 1, bytes: 0, bad: 1, healed: 0 } });
    const repositories = ['acme/app', 'acme/shop'];
    expect(told).toEqual([['error', { digest, key: storageKey, verdict: 'corrupt', repositories }]]);
    expect(await events()).toMatchObject([
      {
        actorName: 'scrub',
        action: 'blob.corrupt',
        targetId: digest,
        details: { size: 5, repositories, storage_key: storageKey },
      },
    ]);
  });

  test('leaves where it is what is missing, and knows what is hosted from what was fetched', async () => {
    const { clock, database, push, store, run, quarantined } = await start();
    const [hosted, fetched] = [await push('hosted'), await push('fetched')];
    const shop = await database.repositories.findByName('acme/shop');
    await database.repositoryBlobs.unlink(shop?.id ?? 0, fetched.digest);
    store.blobs.clear();
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { verified: 2, bytes: 0, bad: 2 } });
    expect(quarantined).toEqual([]);
    for (const { digest, storageKey } of [hosted, fetched])
      expect(await database.storedBlobs.findFinding(storageKey)).toMatchObject({
        kind: 'missing',
        size: digest === hosted.digest ? 6 : 7,
        hosted: digest === hosted.digest,
      });
  });

  test('lets heal what was fetched', async () => {
    const kit = await start();
    const { clock, push, rot, run, healing, findings, events } = kit;
    const { digest, storageKey } = await push('hello');
    rot(storageKey);
    healing.heal = async (copy) => {
      expect(copy).toMatchObject({ digest, storageKey, size: 5 });
      await replace(kit, 'hello', storageKey);
      return true;
    };
    clock.now += 7 * dayMs;
    expect(await run()).toEqual({ result: { verified: 1, bytes: 5, bad: 1, healed: 1 } });
    expect(await findings()).toEqual([['corrupt', 'healed', digest]]);
    expect(await events()).toHaveLength(1);
  });

  test('finds nothing wrong where another copy was recorded while it read', async () => {
    const kit = await start();
    const { clock, push, rot, run, store, findings, quarantined } = kit;
    const { storageKey } = await push('hello');
    rot(storageKey);
    const open = store.open.bind(store);
    store.open = async (key) => {
      if (key === storageKey) await replace(kit, 'hello', storageKey);
      return open(key);
    };
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { bad: 0, healed: 0 } });
    expect([await findings(), quarantined]).toEqual([[], []]);
  });

  test('finds nothing wrong where the blob was collected while it read', async () => {
    const { clock, database, push, run, store, findings } = await start();
    const { digest, storageKey } = await push('hello');
    const shop = await database.repositories.findByName('acme/shop');
    await database.repositoryBlobs.unlink(shop?.id ?? 0, digest);
    store.open = async () => {
      await database.blobs.remove(digest, storageKey);
      return undefined;
    };
    clock.now += 7 * dayMs;
    expect(await run()).toMatchObject({ result: { verified: 1, bad: 0 } });
    expect(await findings()).toEqual([]);
  });

  test('that is told to stop leaves what it was reading for the next time', async () => {
    const { clock, push, scrub, run, verified } = await start();
    await push('x'.repeat(60_000));
    clock.now += 7 * dayMs;
    const stopping = new AbortController();
    const running = scrub.run(stopping.signal);
    setTimeout(() => stopping.abort(), 10_000);
    const startedAt = performance.now();
    expect(await inFakeTime(running)).toMatchObject({ result: { verified: 0 } });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(verified).toEqual([]);
    expect(await run()).toMatchObject({ result: { verified: 1 } });
  });

  test('that is told to stop after a blob reads no other', async () => {
    const { clock, push, store, run, healing } = await start();
    for (const text of ['a', 'b']) await push(text);
    store.blobs.clear();
    clock.now += 7 * dayMs;
    const stopping = new AbortController();
    healing.heal = async () => {
      stopping.abort();
      return false;
    };
    expect(await run(stopping.signal)).toMatchObject({ result: { verified: 1 }, again: true });
  });
});

describe('what was found missing', () => {
  test('is healed where the bytes are there again, as of a share that was away', async () => {
    const { clock, push, store, run, findings } = await start();
    const [away, cut, gone] = [await push('away'), await push('cut'), await push('gone')];
    const kept = new Map(store.blobs);
    store.blobs.clear();
    clock.now += 7 * dayMs;
    await run();
    expect((await findings()).map(([, state]) => state)).toEqual(['open', 'open', 'open']);
    store.blobs.set(away.storageKey, kept.get(away.storageKey) ?? Buffer.alloc(0));
    store.blobs.set(cut.storageKey, Buffer.from('c'));
    await run();
    const states = new Map((await findings()).map(([, state, digest]) => [digest, state]));
    expect([away, cut, gone].map(({ digest }) => states.get(digest))).toEqual(['healed', 'open', 'open']);
  });

  test('is looked for however much it is', async () => {
    const { database, push, run, findings } = await start();
    const { digest, storageKey, size } = await push('hello');
    await database.transaction(async (tx) => {
      const add = (key: string) =>
        tx.storedBlobs.addFinding({ kind: 'missing', digest, storageKey: key, size: size + 1, hosted: true });
      // Of copies that are still recorded, as far as it is known.
      for (let index = 0; index < 500; index += 1) await add(`key ${index}`);
      await tx.storedBlobs.addFinding({ kind: 'missing', digest, storageKey, size, hosted: true });
    });
    database.storedBlobs.settleHealed = async () => 0;
    await run();
    expect((await findings()).at(-1)).toEqual(['missing', 'healed', digest]);
  });
});
