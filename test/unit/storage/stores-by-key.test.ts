import { expect, test } from 'vitest';
import type { StoredCopy } from '../../../src/storage/blob-store.ts';
import { StoreAbsent } from '../../../src/storage/store-identity.ts';
import { type NamedStore, StoresByKey, storeNameOf } from '../../../src/storage/stores-by-key.ts';
import { MemoryBlobStore } from '../../support/memory-blob-store.ts';

/** Stores that list the keys they are given, or fail. */
function storesOf(listed: Readonly<Record<string, readonly string[] | Error>>, current: string): StoresByKey {
  const stores = Object.entries(listed).map(([name, keys]): [string, NamedStore] => [
    name,
    {
      store: Object.assign(new MemoryBlobStore(), { copyIn: async () => '', close: async () => undefined }),
      inventory: {
        async *list() {
          if (keys instanceof Error) throw keys;
          for (const key of keys) yield { key, digest: undefined, size: 1, writtenAt: 0 };
        },
        isUnfinished: async (key) => key.endsWith('unfinished'),
        quarantine: async (key) => keys instanceof Error || keys.includes(key),
      },
    },
  ]);
  return new StoresByKey(new Map(stores), current);
}

async function keysOf(stores: StoresByKey): Promise<string[]> {
  return (await Array.fromAsync<StoredCopy>(stores.list())).map(({ key }) => key);
}

const blobs = { filesystem: ['v1/blobs/a', 'v1/blobs/b'], s3: ['s3:v1/c'], gcs: ['gcs:v1/d'] };

test('all stores are listed in the order of their keys, whatever their names', async () => {
  const keys = await keysOf(storesOf(blobs, 'filesystem'));
  expect(keys).toEqual(['gcs:v1/d', 's3:v1/c', 'v1/blobs/a', 'v1/blobs/b']);
  expect(keys).toEqual(keys.toSorted());
  expect(keys.map(storeNameOf)).toEqual(['gcs', 's3', 'filesystem', 'filesystem']);
});

test('a store that was given up is not listed, unless new bytes go there; any other fault is told', async () => {
  const absent = { ...blobs, filesystem: new StoreAbsent('no share') };
  expect(await keysOf(storesOf(absent, 's3'))).toEqual(['gcs:v1/d', 's3:v1/c']);
  await expect(keysOf(storesOf(absent, 'filesystem'))).rejects.toThrow(StoreAbsent);
  await expect(keysOf(storesOf({ ...blobs, s3: new Error('failing') }, 'filesystem'))).rejects.toThrow(
    'failing',
  );
});

test('the key says whom to ask, and one of a store that is not configured is not taken for absent', async () => {
  const stores = storesOf(blobs, 's3');
  expect(await stores.isUnfinished('s3:v1/unfinished')).toBe(true);
  expect(await stores.quarantine('gcs:v1/d')).toBe(true);
  expect(await stores.quarantine('s3:v1/d')).toBe(false);
  await expect(stores.open('azure:v1/d')).rejects.toThrow(StoreAbsent);
  await expect(stores.open('azure:v1/d')).rejects.toMatchObject({
    reason: expect.stringContaining('azure is not configured'),
  });
  expect(() => storesOf(blobs, 'azure')).toThrow('there is no store azure');
});
