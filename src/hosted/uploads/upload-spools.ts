/** Opens the bytes of uploads, and keeps what was hashed of them between requests. */

import { LRUCache } from 'lru-cache';
import { upTo } from '../../cache/up-to.ts';
import type { Algorithm } from '../../oci/digest.ts';
import type { Spool } from '../../storage/blob-store.ts';
import type { BufferBudget } from '../../storage/chunk-reader.ts';
import type { UploadStore } from '../../storage/upload-store.ts';
import { type RunningHash, startHash, UploadSpool } from './upload-spool.ts';

/** How many uploads' hashes are kept: those of others, of before a restart or of another process are read once for their digest. */
const maxHashes = 4096;

export class UploadSpools {
  readonly #uploads: UploadStore;
  readonly #buffers: BufferBudget;
  readonly #hashes = new LRUCache<string, RunningHash>(upTo(maxHashes));

  constructor(uploads: UploadStore, buffers: BufferBudget) {
    this.#uploads = uploads;
    this.#buffers = buffers;
  }

  /** Hears of a new upload. @param algorithm of the digest that it will be committed with, where that is known */
  begin(id: string, algorithm: Algorithm = 'sha256'): void {
    this.#hashes.set(id, { ...startHash(algorithm), isUntouched: true });
  }

  /** Whether it was begun here and nothing has come of it yet; only the first who asks is told so. */
  takeUntouched(id: string): boolean {
    return this.#hashes.peek(id)?.isUntouched === true && this.#hashes.delete(id);
  }

  /** A spool of no upload, which is empty and stays its giver's. */
  wrap(spool: Spool, algorithm: Algorithm): UploadSpool {
    return new UploadSpool(spool, startHash(algorithm), this.#buffers);
  }

  /**
   * Gives `run` the bytes; unless it hands them over, they stay. What it appends counts only when all of this succeeded.
   * @param algorithm of the upload's digest, where it is known by now
   * @throws SpoolError, TakenOverError where another process went on with it meanwhile; what `run` throws
   */
  async use<T>(
    id: string,
    algorithm: Algorithm | undefined,
    run: (spool: UploadSpool) => Promise<T>,
  ): Promise<T> {
    const known = this.#hashes.get(id);
    this.#hashes.delete(id);
    const opened = await this.#uploads.openUpload(id, known?.isUntouched);
    const hash = opened.length === 0 ? startHash(algorithm ?? known?.algorithm ?? 'sha256') : known;
    const spool = new UploadSpool(opened, hash, this.#buffers);
    try {
      return await run(spool);
    } finally {
      await opened.close();
      if (spool.hash) this.#hashes.set(id, spool.hash);
    }
  }
}
