/** What is in a bucket, whatever the records say. No write needs it: each has a record of its own, see object-cleaner.ts. */
import type { BlobInventory, StorageKey, StoredCopy } from '../blob-store.ts';
import type { StoreGuard } from '../store-identity.ts';
import type { LeftRecords } from './object-cleaner.ts';
import { objectsPrefix, parseStorageKey, quarantineKeyOf, storageKeyOf, writeIdOf } from './object-keys.ts';
import type { ObjectPart, PartedWrite } from './object-storage.ts';
import type { ObjectStoreTools } from './object-upload-store.ts';
import { partBytesAt } from './part-sizes.ts';
import { readObject } from './read-fully.ts';

export interface InventoryTools extends ObjectStoreTools {
  readonly records: LeftRecords;
  /** Says whether the bucket is the store. */
  readonly guard: Pick<StoreGuard, 'check'>;
}

export class ObjectInventory implements BlobInventory {
  readonly #tools: InventoryTools;

  constructor(tools: InventoryTools) {
    this.#tools = tools;
  }

  /** Pieces of uploads among them. */
  async *list(): AsyncGenerator<StoredCopy, void, undefined> {
    const { store, storage, guard } = this.#tools;
    await guard.check();
    for await (const { key, size, writtenAt } of storage.list(objectsPrefix)) {
      // What is found here that no record names may be deleted.
      await guard.check();
      if (writeIdOf(key) === undefined) continue;
      yield { key: storageKeyOf(store, key), digest: undefined, size, writtenAt };
    }
  }

  async isUnfinished(storageKey: StorageKey): Promise<boolean> {
    const { store, records } = this.#tools;
    const id = writeIdOf(parseStorageKey(store, storageKey));
    return id !== undefined && records.isKnown(id);
  }

  /** By reading and writing it, since not every cloud copies what is big. */
  async quarantine(storageKey: StorageKey): Promise<boolean> {
    const { store, storage } = this.#tools;
    const from = parseStorageKey(store, storageKey);
    const found = await storage.head(from);
    if (!found) return false;
    const to = quarantineKeyOf(from);
    const write = { key: to, id: await storage.begin(to) };
    try {
      await storage.complete(write, await this.#copy(from, found.size, write));
    } catch (error) {
      await storage.abort(write).catch(() => undefined);
      throw error;
    }
    await storage.delete(from);
    return true;
  }

  async #copy(from: string, size: number, write: PartedWrite): Promise<readonly ObjectPart[]> {
    const { storage, memory, sizing } = this.#tools;
    const parts: ObjectPart[] = [];
    for (let start = 0; start < size || parts.length === 0; ) {
      const bytes = Math.min(partBytesAt(start, sizing), size - start);
      const release = await memory.take(bytes);
      try {
        const part = Buffer.allocUnsafeSlow(bytes);
        if (bytes > 0) await readObject(storage, from, part, start);
        const number = parts.length + 1;
        parts.push({ number, size: bytes, tag: await storage.putPart(write, number, part, start) });
      } finally {
        release();
      }
      start += bytes;
    }
    return parts;
  }
}
