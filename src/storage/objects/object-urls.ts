/** URLs of the objects in buckets, as their clouds sign them. */
import { octetStream } from '../../oci/media-types.ts';
import type { StorageKey } from '../blob-store.ts';
import type { BlobUrls } from '../redirects/redirects.ts';
import { parseStorageKey } from './object-keys.ts';
import type { ObjectReading } from './object-storage.ts';

export interface BucketUrls {
  readonly storage: Pick<ObjectReading, 'presign'>;
  /** In front of the keys of its objects; empty: nothing. */
  readonly rootDirectory: string;
}

export class ObjectUrls implements BlobUrls {
  readonly #buckets: ReadonlyMap<string, BucketUrls>;
  readonly #now: () => number;

  /** @param buckets by the names of their stores. @param now epoch milliseconds */
  constructor(buckets: ReadonlyMap<string, BucketUrls>, now: () => number) {
    this.#buckets = buckets;
    this.#now = now;
  }

  /** Whether it is the key of an object in one of the buckets. */
  has(key: StorageKey): boolean {
    return this.#buckets.has(storeOf(key));
  }

  async urlOf(key: StorageKey, expiresAt: number): Promise<string | undefined> {
    const bucket = this.#buckets.get(storeOf(key));
    if (!bucket) return undefined;
    const expiresSeconds = Math.max(1, Math.floor((expiresAt - this.#now()) / 1000));
    const objectKey = parseStorageKey(storeOf(key), key);
    return bucket.storage.presign(objectKey, { expiresSeconds, contentType: octetStream });
  }

  /** Of the object, in its bucket; undefined where it is in none. */
  pathOf(key: StorageKey): string | undefined {
    const bucket = this.#buckets.get(storeOf(key));
    if (!bucket) return undefined;
    const objectKey = parseStorageKey(storeOf(key), key);
    return bucket.rootDirectory === '' ? objectKey : `${bucket.rootDirectory}/${objectKey}`;
  }
}

/** What its key begins with. That of a file has no colon, and what this gives is the name of no store. */
function storeOf(key: StorageKey): string {
  return key.slice(0, key.indexOf(':'));
}
