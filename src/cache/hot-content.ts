/**
 * What is pulled often, by weight, so that a warm pull asks neither the database nor an upstream, and reads no small blob: manifests and
 * blobs as virtual registries believe them to be, and bytes, to which nobody has a right because they are here.
 */
import { LRUCache } from 'lru-cache';
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';

export interface HotManifest {
  readonly entryId: number;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly payload: Buffer;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
  /** 0 means for ever. */
  readonly validityHours: number;
  /** What clients who get it are warned of. */
  readonly warnings?: readonly string[] | undefined;
}

/** A blob that a repository of a virtual registry links. */
export interface HotBlob {
  readonly entryId: number;
  /** Of the copy that is recorded. */
  readonly storageKey: string;
  /** In bytes. */
  readonly size: number;
}

/** So that a change made by another process is seen. */
const maxAgeMs = 5000;
const overheadBytes = 512;

export class HotContent {
  readonly #cache: LRUCache<string, HotManifest | HotBlob | Buffer>;

  /** @param maxBytes room for all of it, in bytes */
  constructor(maxBytes: number) {
    this.#cache = new LRUCache<string, HotManifest | HotBlob | Buffer>({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (content) => bytesIn(content) + overheadBytes,
      ttl: maxAgeMs,
    });
  }

  findManifest(key: string): HotManifest | undefined {
    const found = this.#cache.get(key);
    return found && 'payload' in found ? found : undefined;
  }

  findBlob(key: string): HotBlob | undefined {
    const found = this.#cache.get(key);
    return found && 'storageKey' in found ? found : undefined;
  }

  /** @param key never a digest: those are the keys of bytes */
  keep(key: string, content: HotManifest | HotBlob): void {
    this.#cache.set(key, content);
  }

  findBytes(digest: Digest): Buffer | undefined {
    const found = this.#cache.get(digest);
    return found instanceof Buffer ? found : undefined;
  }

  /** Keeps what has this digest, and nothing else. @param bytes that nobody changes any more */
  keepBytes(digest: Digest, bytes: Buffer): void {
    if (digestOf(bytes, algorithmOf(digest)) === digest) this.#cache.set(digest, bytes);
  }

  forgetAll(): void {
    this.#cache.clear();
  }
}

function bytesIn(content: HotManifest | HotBlob | Buffer): number {
  if (content instanceof Buffer) return content.length;
  return 'payload' in content ? content.payload.length : 0;
}
