/** Manifests that are pulled often, by weight, so that a warm pull asks neither the database nor an upstream. */
import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';

export interface HotManifest {
  readonly entryId: number;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly payload: Buffer;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
  /** 0 means for ever. */
  readonly validityHours: number;
}

/** So that a change made by another process is seen. */
const maxAgeMs = 5000;
const overheadBytes = 512;

export class HotManifests {
  readonly #cache: LRUCache<string, HotManifest>;

  /** @param maxBytes room for payloads, in bytes */
  constructor(maxBytes: number) {
    this.#cache = new LRUCache<string, HotManifest>({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ payload }) => payload.length + overheadBytes,
      ttl: maxAgeMs,
    });
  }

  find(key: string): HotManifest | undefined {
    return this.#cache.get(key);
  }

  keep(key: string, manifest: HotManifest): void {
    this.#cache.set(key, manifest);
  }

  forgetAll(): void {
    this.#cache.clear();
  }
}
