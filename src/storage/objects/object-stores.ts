/** The stores of one bucket. */
import type { Space } from '../disk-space.ts';
import type { StoreGuard } from '../store-identity.ts';
import { LocalSpools } from './local-spools.ts';
import { ObjectBlobStore } from './object-blob-store.ts';
import { type LeftRecords, ObjectCleaner } from './object-cleaner.ts';
import { ObjectInventory } from './object-inventory.ts';
import type { ObjectStorage } from './object-storage.ts';
import { ObjectUploadStore } from './object-upload-store.ts';
import { PartMemory } from './part-memory.ts';

export interface ObjectStoresOptions {
  /** The name of the store, which begins its storage keys. */
  readonly store: string;
  readonly storage: ObjectStorage;
  readonly records: LeftRecords;
  /** Says whether the bucket is the store. */
  readonly guard: Pick<StoreGuard, 'check'>;
  /** Where bytes wait that are on their way; is made. */
  readonly spoolDirectory: string;
  /** Of the disk of that directory. */
  readonly space: Space;
  /** Of the first parts, in bytes. */
  readonly chunkBytes: number;
}

/** For parts of all transfers of a process together: eight as they are at first. */
const partMemoryBytes = 64 * 1024 * 1024;

export function createObjectStores(options: ObjectStoresOptions) {
  const { store, storage, records, guard, spoolDirectory, space, chunkBytes } = options;
  const tools = {
    store,
    storage,
    records,
    spools: new LocalSpools(spoolDirectory, space),
    memory: new PartMemory(partMemoryBytes),
    sizing: { chunkBytes, limits: storage.limits },
  };
  return {
    store: new ObjectBlobStore(tools),
    uploads: new ObjectUploadStore(tools),
    inventory: new ObjectInventory({ ...tools, guard }),
    cleaner: new ObjectCleaner({ store, storage, records }),
  };
}
