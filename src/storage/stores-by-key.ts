/** Several stores at once: a key names the one that its bytes are in, and new bytes go to one of them. */
import type { BlobInventory, BlobReader, BlobStore, Spool, StorageKey, StoredCopy } from './blob-store.ts';

export interface NamedStore {
  readonly store: BlobStore & { close(): Promise<void> };
  readonly inventory: BlobInventory;
}

/** Keys of the file system name no store. */
export const filesystemName = 'filesystem';
const namePattern = /^([a-z0-9]+):/;

/** What a key says that its store is called. */
export function storeNameOf(key: StorageKey): string {
  return namePattern.exec(key)?.[1] ?? filesystemName;
}

export class StoresByKey implements BlobStore, BlobInventory {
  readonly #stores: ReadonlyMap<string, NamedStore>;
  readonly #current: NamedStore;

  /** @param current the name of the one that new bytes go to */
  constructor(stores: ReadonlyMap<string, NamedStore>, current: string) {
    const store = stores.get(current);
    if (!store) throw new Error(`there is no store ${current}`);
    this.#stores = stores;
    this.#current = store;
  }

  createSpool(): Promise<Spool> {
    return this.#current.store.createSpool();
  }

  async open(key: StorageKey): Promise<BlobReader | undefined> {
    return this.#of(key).store.open(key);
  }

  async delete(key: StorageKey): Promise<void> {
    await this.#of(key).store.delete(key);
  }

  async sweepSpools(): Promise<number> {
    const swept = await Promise.all([...this.#stores.values()].map(({ store }) => store.sweepSpools()));
    return swept.reduce((sum, each) => sum + each, 0);
  }

  check(): Promise<void> {
    return this.#current.store.check();
  }

  async *list(): AsyncGenerator<StoredCopy, void, undefined> {
    for (const { inventory } of this.#stores.values()) yield* inventory.list();
  }

  async quarantine(key: StorageKey): Promise<boolean> {
    return this.#of(key).inventory.quarantine(key);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(({ store }) => store.close()));
  }

  /** @throws Error where it is not configured: its bytes are not gone, and nobody may think so */
  #of(key: StorageKey): NamedStore {
    const name = storeNameOf(key);
    const found = this.#stores.get(name);
    if (found) return found;
    throw new Error(`'${key}' is not the key of a blob in a store of this server: ${name} is not configured`);
  }
}
