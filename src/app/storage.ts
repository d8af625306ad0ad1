/** Wires the bytes: the directory, whether it is the right one, and what is read and written there. */

import type { Config } from '../config/config.ts';
import { blobDirectoryOf } from '../config/data-directory.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import { DiskSpace, unlimitedSpace } from '../storage/disk-space.ts';
import { FilesystemBlobInventory } from '../storage/filesystem-blob-inventory.ts';
import { FilesystemBlobStore } from '../storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../storage/filesystem-upload-store.ts';
import { StoreAbsent, StoreIdentity } from '../storage/store-identity.ts';

type StoreDatabase = Pick<Records, 'instance' | 'storedBlobs'>;

/** Of the setting of the instance that says which store is its own. */
export const storeIdKey = 'storage_id';
/** So many of those that are recorded are looked for in a store that does not say whose it is. */
const keysLookedFor = 1000;
const watchMs = 2000;

export function createStores(config: Config, { instance, storedBlobs }: StoreDatabase, log: Log) {
  const root = blobDirectoryOf(config);
  const records = {
    find: () => instance.get(storeIdKey),
    keep: (id: string) => instance.keep(storeIdKey, id),
    listKeys: async () => (await storedBlobs.list('', keysLookedFor)).map(({ storageKey }) => storageKey),
  };
  const identity = new StoreIdentity({ root, records, log });
  const { reserveBytes } = config.storage;
  // With a database of its own the data directory is hardly written to.
  const directories = config.database.url === undefined ? [root, config.dataDirectory] : [root];
  const space = reserveBytes === undefined ? unlimitedSpace : new DiskSpace({ directories, reserveBytes });
  return {
    root,
    identity,
    space,
    store: new FilesystemBlobStore(root, identity, space),
    uploads: new FilesystemUploadStore(root, identity, space),
    inventory: new FilesystemBlobInventory(root, identity),
  };
}

export type Stores = ReturnType<typeof createStores>;

/**
 * Sweeps what an earlier process left, and looks from then on whether the store is there. A server without it starts, serves nothing from
 * it, and takes it up again once it is there.
 * @throws what the database throws, and the system where a store cannot be made
 * @returns ends the looking
 */
export async function watchStores({ identity, store }: Stores, log: Log): Promise<() => Promise<void>> {
  try {
    await identity.check();
    const swept = await store.sweepSpools();
    if (swept > 0) log.warn({ spools: swept }, 'removed what an earlier process left in the spool');
  } catch (error) {
    if (!(error instanceof StoreAbsent)) throw error;
  }
  let looking: Promise<void> | undefined;
  const look = () => {
    // One that hangs, as on a network that is cut, is waited for.
    looking ??= identity
      .check()
      .catch((error: unknown) => {
        if (!(error instanceof StoreAbsent)) log.warn({ err: error }, 'the storage was not looked at');
      })
      .finally(() => {
        looking = undefined;
      });
  };
  const timer = setInterval(look, watchMs).unref();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
