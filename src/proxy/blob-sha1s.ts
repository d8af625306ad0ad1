/**
 * SHA-1s of stored blobs, which GitLab's API tells. Nobody else needs them, so a blob is read for its own when somebody asks, and the record
 * keeps it. One blob is read at a time, and slowly.
 */
import { LRUCache } from 'lru-cache';
import type { Blobs } from '../metadata/content/blobs.ts';
import type { Log } from '../observe/log.ts';
import { type Digest, hasherOf } from '../oci/digest.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { type BufferBudget, readChunks } from '../storage/chunk-reader.ts';

/** Whoever asks waits no longer; what is not known by then is when they ask again. */
const patienceMs = 1000;
const maxWaiting = 1000;
/** An eighth of what a processor hashes: pulls come first. */
const bytesPerSecond = 200_000_000;
/** Blobs that could not be read are not tried again for a while. */
const failuresRemembered = 10_000;
const failureMs = 60_000;

export interface BlobSha1Tools {
  readonly blobs: Pick<Blobs, 'find' | 'setSha1'>;
  readonly store: Pick<BlobStore, 'open'>;
  readonly buffers: BufferBudget;
  /** @throws the signal's reason */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  readonly log: Log;
}

export class BlobSha1s {
  readonly #tools: BlobSha1Tools;
  readonly #waiting = new Map<Digest, Promise<string | undefined>>();
  readonly #failed = new LRUCache<Digest, true>({ max: failuresRemembered, ttl: failureMs });
  readonly #closing = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(tools: BlobSha1Tools) {
    this.#tools = tools;
  }

  /** In hex, of those of the blobs whose SHA-1 is known within a second. */
  async find(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, string>> {
    const found = new Map<Digest, string>();
    const all = digests.map(async (digest) => {
      const sha1 = await this.#make(digest);
      if (sha1 !== undefined) found.set(digest, sha1);
    });
    const over = new AbortController();
    const tooLate = this.#tools.pause(patienceMs, over.signal).catch(() => undefined);
    await Promise.race([Promise.all(all), tooLate]);
    over.abort();
    return new Map(found);
  }

  /** Breaks off what is read. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  async #make(digest: Digest): Promise<string | undefined> {
    const waiting = this.#waiting.get(digest);
    if (waiting) return waiting;
    if (this.#waiting.size >= maxWaiting || this.#failed.has(digest)) return undefined;
    const making = this.#last.then(() => this.#read(digest));
    this.#waiting.set(digest, making);
    this.#last = making.then(() => this.#waiting.delete(digest));
    return making;
  }

  /** Undefined where it cannot be read. */
  async #read(digest: Digest): Promise<string | undefined> {
    const { blobs, log } = this.#tools;
    try {
      const record = await blobs.find(digest);
      const sha1 = record && (await this.#hash(record.storageKey));
      if (sha1 !== undefined) await blobs.setSha1(digest, sha1);
      else this.#failed.set(digest, true);
      return sha1;
    } catch (error) {
      if (this.#closing.signal.aborted) return undefined;
      log.warn({ err: error, digest }, 'the SHA-1 of a blob could not be made');
      this.#failed.set(digest, true);
      return undefined;
    }
  }

  async #hash(storageKey: string): Promise<string | undefined> {
    const { store, buffers, pause } = this.#tools;
    const { signal } = this.#closing;
    signal.throwIfAborted();
    const reader = await store.open(storageKey);
    if (!reader) return undefined;
    try {
      const hash = hasherOf('sha1');
      for await (const chunk of readChunks(reader, 0, reader.size, buffers)) {
        hash.update(chunk);
        await pause((chunk.length / bytesPerSecond) * 1000, signal);
      }
      return hash.digest('hex');
    } finally {
      await reader.close();
    }
  }
}
