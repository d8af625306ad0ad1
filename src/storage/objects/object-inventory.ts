/** What becomes of a damaged object. Nothing is looked for in a bucket: each write into it has a record, see object-cleaner.ts. */
import type { BlobInventory, StorageKey, StoredCopy } from '../blob-store.ts';
import { parseStorageKey, quarantineKeyOf } from './object-keys.ts';
import type { ObjectPart, PartedWrite } from './object-storage.ts';
import type { ObjectStoreTools } from './object-upload-store.ts';
import { partBytesAt } from './part-sizes.ts';
import { readObject } from './read-fully.ts';

export class ObjectInventory implements BlobInventory {
  readonly #tools: ObjectStoreTools;

  constructor(tools: ObjectStoreTools) {
    this.#tools = tools;
  }

  async *list(): AsyncGenerator<StoredCopy, void, undefined> {}

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
