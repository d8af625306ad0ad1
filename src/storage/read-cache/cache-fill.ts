/** One blob on its way from the store to the cache: who reads it meanwhile reads what has come so far, and waits for the rest. */
import { algorithmOf, type Digest, hasherOf } from '../../oci/digest.ts';
import type { BlobReader } from '../blob-store.ts';
import { type BufferBudget, readChunks } from '../chunk-reader.ts';
import type { Space } from '../disk-space.ts';
import { FilesystemSpool } from '../filesystem-spool.ts';
import type { PartialCopy } from './cache-directory.ts';

export interface FillParts {
  readonly digest: Digest;
  /** Closed by the fill. */
  readonly source: BlobReader;
  readonly copy: PartialCopy;
  readonly space: Pick<Space, 'take' | 'lookAgain'>;
  readonly buffers: BufferBudget;
}

export class CacheFill {
  /** Once all is there and verified; @throws where it does not come to that */
  readonly done: Promise<void>;
  readonly #parts: FillParts;
  readonly #spool: FilesystemSpool;
  /** Who began it is the first. */
  #readers = 1;
  #isOver = false;
  #grown = Promise.withResolvers<void>();

  constructor(parts: FillParts) {
    this.#parts = parts;
    const { copy, digest, space } = parts;
    this.#spool = new FilesystemSpool(copy.file, 0, {
      publish: async () => {
        await copy.publish(digest);
        return digest;
      },
      remove: () => copy.remove(),
      leave: () => copy.remove(),
      space,
    });
    this.done = this.#run();
  }

  /** Bytes that can be read. */
  get length(): number {
    return this.#spool.length;
  }

  /** Counts a reader in: when the last one has left, the rest is not fetched. False where that has happened. */
  enter(): boolean {
    if (this.#readers === 0) return false;
    this.#readers += 1;
    return true;
  }

  leave(): void {
    this.#readers -= 1;
    this.#closeIfLeft();
  }

  /** Waits for the byte at `position`. False where it will not come. */
  async has(position: number): Promise<boolean> {
    while (position >= this.length) {
      if (this.#isOver) return false;
      await this.#grown.promise;
    }
    return true;
  }

  /** As {@link BlobReader.readAt}, of what has come. */
  readAt(buffer: Uint8Array, position: number): Promise<number> {
    return this.#spool.readAt(buffer, position);
  }

  async #run(): Promise<void> {
    const { digest, source, copy, buffers } = this.#parts;
    const hash = hasherOf(algorithmOf(digest));
    try {
      for await (const chunk of readChunks(source, 0, source.size, buffers)) {
        if (this.#readers === 0) throw new FillLeft();
        hash.update(chunk);
        await this.#spool.append(chunk);
        this.#tell();
      }
      const found = `${algorithmOf(digest)}:${hash.digest('hex')}`;
      if (found !== digest)
        throw new Error(`the bytes that the store has of ${digest} are those of ${found}`);
      await this.#spool.commit(digest);
    } catch (error) {
      await this.#spool.abort();
      throw error;
    } finally {
      this.#isOver = true;
      this.#tell();
      copy.release();
      await source.close();
      this.#closeIfLeft();
    }
  }

  #tell(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers();
  }

  #closeIfLeft(): void {
    // What cannot be closed is nobody's any more.
    if (this.#isOver && this.#readers === 0) this.#spool.close().catch(() => undefined);
  }
}

/** Its last reader has left. */
export class FillLeft extends Error {
  override readonly name = 'FillLeft';
}
