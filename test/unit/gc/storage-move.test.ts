/** From a store whose keys are of no other to a bucket in memory. */
import { expect, onTestFinished, test } from 'vitest';
import { listOutside, type MoveOptions, type MoveOutcome, moveBlobs } from '../../../src/gc/storage-move.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { MemoryObjectStorage } from '../../support/memory-object-storage.ts';
import { openObjectStores } from '../../support/object-stores.ts';
import { startStored } from './stored-kit.ts';

async function start() {
  const kit = await startStored();
  const { database, store } = kit;
  const storage = new MemoryObjectStorage();
  const bucket = await openObjectStores({ connect: async () => storage }, database.objectWrites);
  onTestFinished(() => bucket.close());
  const outcomes = new Map<Digest, MoveOutcome>();
  const paced: number[] = [];
  const storeOf = (key: string) => (key.startsWith('bucket:') ? bucket.store : store);
  const options: MoveOptions = {
    database,
    stores: { open: (key) => storeOf(key).open(key) },
    target: bucket.store,
    targetName: 'bucket',
    pace: async (bytes) => void paced.push(bytes),
    onOutcome: (outcome, { digest }) => outcomes.set(digest, outcome),
  };
  return {
    ...kit,
    storage,
    bucket,
    outcomes,
    paced,
    move: (changed: Partial<MoveOptions> = {}) => moveBlobs({ ...options, ...changed }),
    outside: async () => (await Array.fromAsync(listOutside(database, 'bucket'))).map(({ digest }) => digest),
    /** As clients get it. */
    async read(digest: Digest): Promise<string | undefined> {
      const record = await database.blobs.find(digest);
      const reader = record && (await options.stores.open(record.storageKey));
      if (!reader) return undefined;
      const bytes = Buffer.alloc(reader.size);
      await reader.readAt(bytes, 0);
      await reader.close();
      return bytes.toString();
    },
  };
}

test('all blobs are moved and read at their new place, and the old copies stay for a while', async () => {
  const { pushMany, move, outside, outcomes, paced, read, store, storage, findings, clock } = await start();
  const blobs = await pushMany(501);
  clock.now += 1000;
  await move();
  expect(await outside()).toEqual([]);
  expect([...outcomes.values()]).toEqual(blobs.map(() => 'moved'));
  expect(paced.reduce((sum, bytes) => sum + bytes, 0)).toBe(blobs.reduce((sum, { size }) => sum + size, 0));
  expect(storage.objects.size).toBe(501);
  expect(store.blobs.size).toBe(501);
  expect(store.openReaders).toBe(0);
  expect(await read(blobs[7]?.digest as Digest)).toBe(
    store.blobs.get(blobs[7]?.storageKey ?? '')?.toString(),
  );
  expect((await findings()).filter(([kind, state]) => kind === 'moved' && state === 'open')).toHaveLength(
    501,
  );
});

test('a blob that was moved counts as verified then, and is as old as it was', async () => {
  const { push, move, database, clock } = await start();
  const { digest, createdAt } = await push('hello');
  clock.now += 1000;
  await move();
  expect(await database.blobs.find(digest)).toMatchObject({ createdAt });
  expect(await database.storedBlobs.listUnverified(clock.now - 1, 10)).toEqual([]);
});

test('what was moved is not moved again, also after a run that was ended in the middle', async () => {
  const { pushMany, move, outside, storage, store, read } = await start();
  const blobs = await pushMany(20);
  storage.failing = (call) => {
    if (call === 'put' && storage.calls.put === 7) throw new Error('killed');
  };
  await expect(move()).rejects.toThrow('killed');
  const left = await outside();
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(20);
  storage.calls.put = 0;
  storage.failing = undefined;
  await move();
  expect(storage.calls.put).toBe(left.length);
  expect(await outside()).toEqual([]);
  for (const { digest, storageKey } of blobs)
    expect(await read(digest)).toBe(store.blobs.get(storageKey)?.toString());
});

test('bytes that have rotted, and records without bytes, are told of and stay as they are', async () => {
  const { push, rot, move, outcomes, outside, storage, store, database } = await start();
  const [sound, rotten, missing, short] = [
    await push('sound'),
    await push('rotten'),
    await push('missing'),
    await push('too short'),
  ];
  rot(rotten.storageKey);
  store.blobs.delete(missing.storageKey);
  store.blobs.set(short.storageKey, Buffer.from('short'));
  await move();
  expect(outcomes).toEqual(
    new Map([
      [sound.digest, 'moved'],
      [rotten.digest, 'corrupt'],
      [missing.digest, 'missing'],
      [short.digest, 'corrupt'],
    ]),
  );
  expect((await outside()).toSorted()).toEqual([rotten.digest, missing.digest, short.digest].toSorted());
  expect(storage.objects.size).toBe(1);
  expect(await database.objectWrites.listLeft(Number.MAX_SAFE_INTEGER, 10)).toHaveLength(1);
  expect(store.openReaders).toBe(0);
});

test.each(['collected', 'written anew'])('a blob that is %s meanwhile leaves nothing behind', async (how) => {
  const { push, write, move, outcomes, storage, database } = await start();
  const { digest, storageKey } = await push('hello');
  storage.failing = async (call) => {
    if (call !== 'put') return;
    if (how === 'written anew') {
      await database.blobs.replaceCopy(await write('hello'), storageKey);
      return;
    }
    const shop = await database.repositories.findByName('acme/shop');
    await database.repositoryBlobs.unlink(shop?.id ?? 0, digest);
    await database.blobs.remove(digest, storageKey);
  };
  await move();
  expect(outcomes).toEqual(new Map([[digest, 'gone']]));
  expect(storage.objects.size).toBe(0);
  expect(await database.storedBlobs.findFinding(storageKey)).toBeUndefined();
});

test('what is collected before it is opened is no fault', async () => {
  const { push, move, outcomes, store, database } = await start();
  const { digest, storageKey } = await push('hello');
  store.open = async () => {
    const shop = await database.repositories.findByName('acme/shop');
    await database.repositoryBlobs.unlink(shop?.id ?? 0, digest);
    await database.blobs.remove(digest, storageKey);
    return undefined;
  };
  await move();
  expect(outcomes).toEqual(new Map([[digest, 'gone']]));
});
