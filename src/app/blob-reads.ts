/** What clients get of blobs: from the store, which may be far away, with a cache in front of it and redirects to it where they are set. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { readRegularFile } from '../config/regular-file.ts';
import type { Log } from '../observe/log.ts';
import type { BlobReads } from '../storage/blob-reads.ts';
import type { BlobStore, StorageKey } from '../storage/blob-store.ts';
import { DiskSpace, unlimitedSpace } from '../storage/disk-space.ts';
import type { ObjectUrls } from '../storage/objects/object-urls.ts';
import { ReadCache, type ReadCacheObserver } from '../storage/read-cache/read-cache.ts';
import { CdnUrls, CloudFrontSigner } from '../storage/redirects/cdn-urls.ts';
import { type BlobUrls, RedirectedReads } from '../storage/redirects/redirects.ts';

export interface BlobReadsParts {
  readonly config: Config;
  readonly store: BlobStore;
  /** Of an object storage; undefined: the store is the file system. */
  readonly urls: ObjectUrls | undefined;
  readonly observer: ReadCacheObserver;
  readonly log: Log;
  readonly now: () => number;
}

export function createBlobReads({ config, store, urls, observer, log, now }: BlobReadsParts) {
  const cache = urls && createReadCache(config, store, urls, observer, log, now);
  const reads: BlobReads = cache ?? store;
  return {
    reads:
      urls && config.storage.redirect ? redirected(reads, config.storage.redirect, urls, log, now) : reads,
    /** When nobody reads any more. */
    close: async () => cache?.close(),
  };
}

function createReadCache(
  { dataDirectory, storage: { readCacheBytes, reserveBytes } }: Config,
  store: BlobStore,
  urls: ObjectUrls,
  observer: ReadCacheObserver,
  log: Log,
  now: () => number,
): ReadCache | undefined {
  if (readCacheBytes === undefined) return undefined;
  const space =
    reserveBytes === undefined
      ? unlimitedSpace
      : new DiskSpace({ directories: [dataDirectory], reserveBytes });
  const directory = join(dataDirectory, 'read-cache');
  const isFar = (key: StorageKey) => urls.has(key);
  return new ReadCache({ store, isFar, directory, maxBytes: readCacheBytes, space, observer, log, now });
}

type Redirect = NonNullable<Config['storage']['redirect']>;

function redirected(
  reads: BlobReads,
  redirect: Redirect,
  objects: ObjectUrls,
  log: Log,
  now: () => number,
): BlobReads {
  return new RedirectedReads({ ...redirect, reads, urls: urlsOf(redirect, objects), log, now });
}

/** @throws Error where the key of CloudFront cannot be read */
function urlsOf({ baseUrl, keyPairId, privateKey }: Redirect, objects: ObjectUrls): BlobUrls {
  if (baseUrl === undefined) return objects;
  const signer =
    keyPairId === undefined || privateKey === undefined
      ? undefined
      : new CloudFrontSigner(keyPairId, readRegularFile(privateKey));
  return new CdnUrls({ baseUrl, pathOf: (key) => objects.pathOf(key), signer });
}
