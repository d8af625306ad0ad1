/**
 * Blobs of a store that is far away, kept on a local disk while they are read often. A copy is only used once its bytes have the digest, and
 * what is copied is fetched once, whoever reads it meanwhile. Whatever fails here is the cache's own business: the store has all bytes.
 */
import type { FileHandle } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../observe/log.ts';
import { algorithmOf, type Digest, hasherOf } from '../../oci/digest.ts';
import type { BlobReads } from '../blob-reads.ts';
import type { BlobReader, BlobStore, StorageKey } from '../blob-store.ts';
import { BufferBudget, readChunks } from '../chunk-reader.ts';
import type { Space } from '../disk-space.ts';
import { CacheDirectory } from './cache-directory.ts';
import { CacheFill, FillLeft } from './cache-fill.ts';
import { FillingReader } from './filling-reader.ts';

/** A bigger part of the cache is not given to one blob. */
const maxShare = 1 / 4;
/** How long a copy is believed: bytes rot on disks. */
const verifiedMs = 86_400_000;
const maxVerified = 100_000;
/** That a copy is in use is written down as often. */
const touchMs = 600_000;

export interface ReadCacheObserver {
  /** Told of each blob that is opened. */
  opened(from: 'cache' | 'store'): void;
}

export interface ReadCacheOptions {
  readonly store: Pick<BlobStore, 'open'>;
  /** Whether what is at this key is far away, and worth a copy. */
  readonly isFar: (key: StorageKey) => boolean;
  readonly directory: string;
  readonly maxBytes: number;
  readonly space: Pick<Space, 'take' | 'lookAgain'>;
  readonly observer: ReadCacheObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class ReadCache implements BlobReads {
  readonly #options: ReadCacheOptions;
  readonly #directory: CacheDirectory;
  readonly #buffers = new BufferBudget();
  readonly #fills = new Map<Digest, Promise<CacheFill | undefined>>();
  /** Copies whose bytes were found right, and when their use was last written down. */
  readonly #verified: LRUCache<Digest, { touchedAt: number }>;
  readonly #verifying = new Map<Digest, Promise<void>>();

  constructor(options: ReadCacheOptions) {
    this.#options = options;
    this.#directory = new CacheDirectory({ ...options, root: options.directory });
    this.#verified = new LRUCache({ max: maxVerified, ttl: verifiedMs, perf: { now: options.now } });
  }

  async open(key: StorageKey, size: number | undefined, digest: Digest): Promise<BlobReader | undefined> {
    const { store, isFar, observer, maxBytes } = this.#options;
    if (!isFar(key)) return store.open(key, size);
    const copy = await this.#openCopy(digest);
    observer.opened(copy ? 'cache' : 'store');
    if (copy) return copy;
    const reader = await store.open(key, size);
    // What is being verified is most likely right.
    if (!reader || this.#verifying.has(digest) || reader.size > maxBytes * maxShare) return reader;
    return new FillingReader(reader, {
      reopen: () => store.open(key),
      join: (source) => this.#join(digest, source),
    });
  }

  /** When nobody reads any more. */
  async close(): Promise<void> {
    await Promise.all(this.#verifying.values());
    const fills = await Promise.all(this.#fills.values());
    await Promise.all(fills.map((fill) => fill?.done.catch(() => undefined)));
  }

  /** Undefined where there is none, or none yet that is known to be right. */
  async #openCopy(digest: Digest): Promise<BlobReader | undefined> {
    try {
      const file = await this.#directory.open(digest);
      if (!file) {
        this.#verified.delete(digest);
        return undefined;
      }
      const known = this.#verified.get(digest);
      if (!known) {
        await this.#verifyOnce(digest, file);
        return undefined;
      }
      await this.#touch(digest, known);
      const { size } = await file.stat();
      return {
        size,
        readAt: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
        close: () => file.close(),
      };
    } catch (error) {
      this.#options.log.warn({ err: error, digest }, 'a copy in the read cache cannot be opened');
      return undefined;
    }
  }

  async #touch(digest: Digest, known: { touchedAt: number }): Promise<void> {
    const now = this.#options.now();
    if (now - known.touchedAt < touchMs) return;
    known.touchedAt = now;
    await this.#directory.touch(digest);
  }

  /** Of a process that has ended, or believed for long enough. @param file is closed */
  async #verifyOnce(digest: Digest, file: FileHandle): Promise<void> {
    if (this.#verifying.has(digest) || this.#fills.has(digest)) return file.close();
    const verifying = this.#verify(digest, file)
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error, digest }, 'a copy in the read cache cannot be verified');
      })
      .finally(() => this.#verifying.delete(digest));
    this.#verifying.set(digest, verifying);
  }

  async #verify(digest: Digest, file: FileHandle): Promise<void> {
    try {
      const hash = hasherOf(algorithmOf(digest));
      const source = {
        readAt: async (buffer: Uint8Array, position: number) =>
          (await file.read(buffer, 0, buffer.length, position)).bytesRead,
      };
      const { size } = await file.stat();
      for await (const chunk of readChunks(source, 0, size, this.#buffers)) hash.update(chunk);
      if (`${algorithmOf(digest)}:${hash.digest('hex')}` === digest) {
        await this.#directory.touch(digest);
        this.#verified.set(digest, { touchedAt: this.#options.now() });
        return;
      }
      this.#options.log.warn({ digest }, 'a copy in the read cache has other bytes: it is removed');
      await this.#directory.remove(digest);
    } finally {
      await file.close();
    }
  }

  /** The fill of this blob, which `source` feeds where there was none; undefined where it cannot be copied now. */
  async #join(
    digest: Digest,
    source: BlobReader,
  ): Promise<{ readonly fill: CacheFill; readonly isOwn: boolean } | undefined> {
    const running = this.#fills.get(digest);
    if (running) {
      const fill = await running;
      return fill && { fill, isOwn: false };
    }
    const starting = this.#start(digest, source);
    this.#fills.set(digest, starting);
    const fill = await starting;
    if (!fill) this.#fills.delete(digest);
    return fill && { fill, isOwn: true };
  }

  async #start(digest: Digest, source: BlobReader): Promise<CacheFill | undefined> {
    const { space, log, now } = this.#options;
    try {
      const copy = await this.#directory.create(source.size);
      const fill = new CacheFill({ digest, source, copy, space, buffers: this.#buffers });
      fill.done
        .then(
          () => void this.#verified.set(digest, { touchedAt: now() }),
          (error: unknown) => {
            if (!(error instanceof FillLeft))
              log.warn({ err: error, digest }, 'a blob is not kept in the read cache');
          },
        )
        .finally(() => this.#fills.delete(digest));
      return fill;
    } catch (error) {
      log.warn({ err: error, digest }, 'a blob is not kept in the read cache');
      return undefined;
    }
  }
}
