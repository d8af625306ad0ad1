import { describe, expect, test } from 'vitest';
import { Orphans, type OrphansOptions } from '../../../src/gc/orphans.ts';
import { StoreAbsent } from '../../../src/storage/store-identity.ts';
import { dayMs, startStored } from './stored-kit.ts';

const never = new AbortController().signal;

async function start(changed: Partial<OrphansOptions> = {}) {
  const kit = await startStored();
  const orphans = new Orphans({ ...kit, heal: async () => false, ...changed });
  return { ...kit, orphans, run: async (signal = never) => (await orphans.run(signal)).result };
}

test('orphans are looked for once a day', async () => {
  const { orphans } = await start();
  expect(orphans).toMatchObject({ name: 'storage.orphans', everyMs: 86_400_000 });
});

describe('bytes that no record names', () => {
  test('are found when they are a day old, and removed a day later, of which is told', async () => {
    const { clock, store, write, push, run, findings, told } = await start();
    const kept = await push('kept');
    const { digest, storageKey, size } = await write('orphan');
    const nothing = { copies: 2, removed: 0, bytes: 0, missing: 0 };
    clock.now += dayMs - 1;
    expect(await run()).toEqual(nothing);
    expect(await findings()).toEqual([]);
    clock.now += 1;
    expect(await run()).toEqual(nothing);
    expect(await findings()).toEqual([['orphaned', 'open', digest]]);
    clock.now += dayMs - 1;
    expect(await run()).toEqual(nothing);
    clock.now += 1;
    expect(await run()).toEqual({ ...nothing, copies: 1, removed: 1, bytes: size });
    expect(await findings()).toEqual([['orphaned', 'removed', digest]]);
    expect([...store.blobs.keys()]).toEqual([kept.storageKey]);
    expect(told.map(([level]) => level)).toEqual(['warn', 'warn']);
    expect(await run()).toEqual({ ...nothing, copies: 1 });
    expect(storageKey).not.toBe(kept.storageKey);
  });

  test('are told of as of no repository', async () => {
    const { clock, database, write, run } = await start();
    const { digest, storageKey } = await write('orphan');
    clock.now += dayMs;
    await run();
    expect(await database.storedBlobs.findFinding(storageKey)).toMatchObject({
      digest,
      hosted: false,
      size: 6,
    });
  });

  test('are older copies of a blob, too', async () => {
    const { clock, database, store, push, write, run } = await start();
    const { storageKey } = await push('hello');
    await database.blobs.replaceCopy(await write('hello'), storageKey);
    clock.now += dayMs;
    await run();
    clock.now += dayMs;
    expect(await run()).toMatchObject({ copies: 1, removed: 1 });
    expect(store.blobs.has(storageKey)).toBe(false);
  });

  test('are none while somebody may still record them', async () => {
    const { clock, write, unfinished, run, findings } = await start();
    const { storageKey } = await write('piece');
    unfinished.add(storageKey);
    clock.now += dayMs;
    await run();
    expect(await findings()).toEqual([]);
    unfinished.clear();
    await run();
    expect((await findings()).map(([kind]) => kind)).toEqual(['orphaned']);
  });

  test('are told of by their place where nothing else is known of them', async () => {
    const { inventory, clock, database, store, write, run } = await start();
    const { storageKey } = await write('object');
    const { list } = inventory;
    inventory.list = async function* () {
      for await (const copy of list.call(inventory)) yield { ...copy, digest: undefined };
    };
    clock.now += dayMs;
    await run();
    const finding = await database.storedBlobs.findFinding(storageKey);
    expect(finding).toMatchObject({ kind: 'orphaned', digest: undefined, size: 6 });
    clock.now += dayMs;
    expect(await run()).toMatchObject({ removed: 1, bytes: 6 });
    expect(store.blobs.size).toBe(0);
  });

  test('stay where a record names them by now', async () => {
    const { clock, database, store, push, run, findings } = await start();
    const { digest, storageKey, size } = await push('hello');
    await database.storedBlobs.addFinding({ kind: 'moved', digest, storageKey, size, hosted: false });
    clock.now += dayMs;
    expect(await run()).toMatchObject({ copies: 1, removed: 0 });
    expect(await findings()).toEqual([['moved', 'healed', digest]]);
    expect(store.blobs.has(storageKey)).toBe(true);
  });

  test('are over with their store, and found again should it come back', async () => {
    const { clock, store, write, run, findings } = await start();
    const { digest } = await write('orphan');
    clock.now += dayMs;
    await run();
    clock.now += dayMs;
    const remove = store.delete.bind(store);
    store.delete = () => Promise.reject(new StoreAbsent('given up'));
    await run();
    store.delete = remove;
    expect(await findings()).toEqual([['orphaned', 'open', digest]]);
    clock.now += dayMs;
    expect(await run()).toMatchObject({ removed: 1 });
    expect(store.blobs.size).toBe(0);
  });

  test('are looked for no further when the server stops', async () => {
    const { run, write } = await start();
    await write('orphan');
    expect(await run(AbortSignal.abort())).toMatchObject({ copies: 0 });
  });
});

describe('records without bytes', () => {
  test('are found, whatever their number', async () => {
    const { pushMany, store, run, findings } = await start();
    const last = (await pushMany(501)).at(-1);
    store.blobs.delete(last?.storageKey ?? '');
    expect(await run()).toEqual({ copies: 500, removed: 0, bytes: 0, missing: 1 });
    expect(await findings()).toEqual([['missing', 'open', last?.digest]]);
  });

  test('are none where the listing had not got to them yet', async () => {
    const { inventory, push, run } = await start();
    await push('hello');
    inventory.list = async function* () {};
    expect(await run()).toEqual({ copies: 0, removed: 0, bytes: 0, missing: 0 });
  });

  test('are none where they were collected meanwhile', async () => {
    const { database, push, store, run } = await start();
    const { digest, storageKey } = await push('hello');
    const shop = await database.repositories.findByName('acme/shop');
    await database.repositoryBlobs.unlink(shop?.id ?? 0, digest);
    store.open = async () => {
      await database.blobs.remove(digest, storageKey);
      return undefined;
    };
    expect(await run()).toMatchObject({ missing: 0 });
  });

  test('are fetched again where that can be, and are healed where their bytes came back', async () => {
    const { database, push, store, run, findings, write } = await start({
      heal: async ({ storageKey }) => {
        await database.blobs.replaceCopy(await write('fetched'), storageKey);
        return true;
      },
    });
    const { digest } = await push('fetched');
    store.blobs.clear();
    expect(await run()).toMatchObject({ missing: 1 });
    expect(await findings()).toEqual([['missing', 'healed', digest]]);
    const away = await push('away');
    const { storageKey, size } = away;
    const finding = { kind: 'missing', digest: away.digest, storageKey, size, hosted: true } as const;
    await database.storedBlobs.addFinding(finding);
    await run();
    expect((await findings()).map(([, state]) => state)).toEqual(['healed', 'healed']);
  });

  test('are looked for no further when the server stops', async () => {
    const stopping = new AbortController();
    const { push, store, run } = await start({
      heal: async () => {
        stopping.abort();
        return false;
      },
    });
    for (const text of ['a', 'b']) await push(text);
    store.blobs.clear();
    expect(await run(stopping.signal)).toMatchObject({ missing: 1 });
  });
});
