/** Bytes and records: the data directory, the database in it or elsewhere, and the stores of blobs and uploads. */

import type { Config } from '../config/config.ts';
import { blobDirectoryOf, databaseFile } from '../config/data-directory.ts';
import { openDatabase } from '../metadata/db/database.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import { DiskSpace, type Space, unlimitedSpace } from '../storage/disk-space.ts';
import { FilesystemBlobInventory } from '../storage/filesystem-blob-inventory.ts';
import { FilesystemBlobStore } from '../storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../storage/filesystem-upload-store.ts';
import type { BucketIdentity } from '../storage/objects/bucket-identity.ts';
import { ObjectStorageError } from '../storage/objects/object-storage.ts';
import { ObjectUrls } from '../storage/objects/object-urls.ts';
import type { ObjectObserver } from '../storage/objects/observed-storage.ts';
import { SpaceReserve } from '../storage/space-reserve.ts';
import { StoreAbsent, StoreIdentity } from '../storage/store-identity.ts';
import { filesystemName, filesystemPrefix, StoresByKey } from '../storage/stores-by-key.ts';
import { ownData } from './data-directory-owner.ts';
import { unobserved } from './metrics/object-metrics.ts';
import { openObjectStores } from './object-stores.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { Worker } from './workers/worker.ts';

type StoreDatabase = Pick<Records, 'instance' | 'storedBlobs' | 'objectWrites'>;

/** Of the setting of the instance that says which store is its own. */
export const storeIdKey = 'storage_id';
/** So many of those that are recorded are looked for in a store that does not say whose it is. */
const keysLookedFor = 1000;
const watchMs = 2000;

/** @throws what a cloud's SDK throws that is not used as it should be */
export async function createStores(
  config: Config,
  database: StoreDatabase,
  log: Log,
  { space = spaceOf(config), observer = unobserved, now = Date.now }: StoreSurroundings = {},
) {
  const { instance, storedBlobs } = database;
  const root = blobDirectoryOf(config);
  const records = {
    find: () => instance.get(storeIdKey),
    keep: (id: string) => instance.keep(storeIdKey, id),
    listKeys: async () =>
      (await storedBlobs.listByKey(filesystemPrefix, keysLookedFor)).map(({ storageKey }) => storageKey),
  };
  const identity = new StoreIdentity({ root, records, log });
  const filesystem = {
    name: filesystemName,
    identity,
    store: new FilesystemBlobStore(root, identity, space),
    uploads: new FilesystemUploadStore(root, identity, space),
    inventory: new FilesystemBlobInventory(root, identity),
  };
  const buckets = await openObjectStores({ config, database, space, observer, now });
  const all = [filesystem, ...buckets];
  const current = all.find(({ name }) => name === config.storage.driver) ?? filesystem;
  const byName = new Map(all.map((each) => [each.name, each]));
  const byKey = new StoresByKey(byName, current.name);
  return {
    /** Undefined where new bytes go to no directory. */
    root: current === filesystem ? root : undefined,
    /** Takes files for spools without copying; undefined where new bytes go to no directory. */
    spoolFile: current === filesystem ? (path: string) => filesystem.store.spoolFile(path) : undefined,
    identity: current.identity,
    space,
    store: byKey,
    uploads: current.uploads,
    inventory: byKey,
    buckets,
    /** All that are configured. */
    byName,
    /** Where clients get what is in an object storage; undefined: it is here. */
    urls:
      buckets.length === 0
        ? undefined
        : new ObjectUrls(new Map(buckets.map((bucket) => [bucket.name, bucket])), now),
  };
}

interface StoreSurroundings {
  readonly space?: Space;
  readonly observer?: ObjectObserver;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export type Stores = Awaited<ReturnType<typeof createStores>>;

function spaceOf(config: Config): Space {
  const { reserveBytes } = config.storage;
  if (reserveBytes === undefined) return unlimitedSpace;
  const root = blobDirectoryOf(config);
  const isSpooledThere = config.storage.driver !== filesystemName;
  // With a database of its own the data directory is hardly written to, unless bytes wait there for a bucket.
  const directories =
    config.database.url === undefined || isSpooledThere ? [root, config.dataDirectory] : [root];
  return new DiskSpace({ directories, reserveBytes });
}

const maxJitterMs = 60_000;

/** A little more than the setting: what came up for review at once is not looked at at once. */
export function reviewDelayOf({ gc }: Pick<Config, 'gc'>, random: () => number = Math.random): () => number {
  const delayMs = gc.reviewAfterMs;
  return () => delayMs + random() * Math.min(maxJitterMs, delayMs / 10);
}

export interface StorageParts {
  readonly config: Config;
  readonly tracing: Tracing | undefined;
  readonly log: Log;
  readonly now: () => number;
  /** Undefined: it is alone. */
  readonly worker?: Pick<Worker, 'isMain'> | undefined;
  readonly observer: ObjectObserver;
}

/**
 * For a server, of which there is one for each SQLite, or for one of its workers. One without its store starts, serves nothing from it, and takes it up again once
 * it is there. @throws DataDirectoryInUse, what the database throws, and the system where a store cannot be made
 */
export async function openStorage({ config, tracing, log, now, worker, observer }: StorageParts) {
  const {
    dataDirectory,
    database: { url },
  } = config;
  // Workers are owned by who has started them.
  const owner = worker ? undefined : await ownData(config);
  // What is open when another part fails is closed again, at the start and at the end.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => owner?.close());
  const reserve = openSpaceReserve(config, log);
  opened.defer(() => reserve?.close());
  if (worker?.isMain !== false) reserve?.start();
  const space = spaceOf(config);
  const database = await openDatabase({
    url,
    file: databaseFile(dataDirectory),
    log,
    now,
    reviewDelayMs: reviewDelayOf(config),
    isShared: worker !== undefined,
    onStatement:
      tracing && ((statement, ms, error) => tracing.note('sql', ms, { 'db.query.text': statement }, error)),
    giveUpSpace: () => {
      space.lookAgain();
      return reserve?.giveUp() ?? false;
    },
  });
  opened.defer(() => database.close());
  const stores = await createStores(config, database, log, { space, observer, now });
  opened.defer(() => stores.store.close());
  for (const { identity } of stores.buckets) await tryBucket(identity, log);
  opened.defer(await watchStores(stores, log));
  const all = opened.move();
  return {
    ...stores,
    database,
    /** When nobody uses it any more. */
    close: () => all.disposeAsync(),
  };
}

export type Storage = Awaited<ReturnType<typeof openStorage>>;

/** One that is away, or asks to come later, is looked for again. @throws ObjectStorageError of what is wrong with the settings */
async function tryBucket(identity: BucketIdentity, log: Log): Promise<void> {
  try {
    await identity.tryAll();
  } catch (error) {
    const isAway =
      error instanceof ObjectStorageError && (error.fault === 'unreachable' || error.fault === 'busy');
    if (!isAway) throw error;
    log.error({ err: error, reason: error.reason }, 'the object storage cannot be used at the moment');
  }
}

/** Undefined where SQLite is not used, or nothing is kept free. */
function openSpaceReserve({ dataDirectory, database, storage }: Config, log: Log): SpaceReserve | undefined {
  if (database.url !== undefined || storage.reserveBytes === undefined) return undefined;
  return new SpaceReserve(dataDirectory, storage.reserveBytes, log);
}

/**
 * Sweeps what an earlier process left, and looks from then on whether the store is there.
 * @returns ends the looking
 */
async function watchStores({ identity, store }: Stores, log: Log): Promise<() => Promise<void>> {
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
