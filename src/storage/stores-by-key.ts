/** Several stores at once: a key names the one that its bytes are in, and new bytes go to one of them. */
import type {
  BlobInventory,
  BlobReader,
  BlobStore,
  CopyTarget,
  Spool,
  StorageKey,
  StoredCopy,
} from './blob-store.ts';
import { StoreAbsent } from './store-identity.ts';

export interface NamedStore {
  readonly store: BlobStore & CopyTarget & { close(): Promise<void> };
  readonly inventory: BlobInventory;
}

/** Keys of the file system name no store: all begin with this. */
export const filesystemName = 'filesystem';
export const filesystemPrefix = 'v1/';
const namePattern = /^([a-z0-9]+):/;

/** What a key says that its store is called. */
export function storeNameOf(key: StorageKey): string {
  return namePattern.exec(key)?.[1] ?? filesystemName;
}

/** What the keys of a store begin with. */
function prefixOf(name: string): string {
  return name === filesystemName ? filesystemPrefix : `${name}:`;
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

  async open(key: StorageKey, size?: number): Promise<BlobReader | undefined> {
    return this.#of(key).store.open(key, size);
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
    const names = [...this.#stores.keys()].sort((a, b) => (prefixOf(a) < prefixOf(b) ? -1 : 1));
    for (const name of names) yield* this.#listOf(name);
  }

  isUnfinished(key: StorageKey): Promise<boolean> {
    return this.#of(key).inventory.isUnfinished(key);
  }

  async quarantine(key: StorageKey): Promise<boolean> {
    return this.#of(key).inventory.quarantine(key);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(({ store }) => store.close()));
  }

  /** One that new bytes do not go to may have been given up: whoever has its key is told when it is opened. */
  async *#listOf(name: string): AsyncGenerator<StoredCopy, void, undefined> {
    const store = this.#stores.get(name);
    try {
      if (store) yield* store.inventory.list();
    } catch (error) {
      if (store === this.#current || !(error instanceof StoreAbsent)) throw error;
    }
  }

  /** @throws StoreAbsent where it is not configured: its bytes are not gone, and nobody may think so */
  #of(key: StorageKey): NamedStore {
    const name = storeNameOf(key);
    const found = this.#stores.get(name);
    if (found) return found;
    throw new StoreAbsent(
      `'${key}' is not the key of a blob in a store of this server: ${name} is not configured`,
    );
  }
}
