import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import type { Digest } from '../oci/digest.ts';
import { type Spool, SpoolError, type StorageKey } from './blob-store.ts';

/** Moves a file that is durable itself to its place, durably. */
export type Publish = (path: string, digest: Digest) => Promise<StorageKey>;

/** A file with one writer; readers see what is below its length, which only grows by what is written as a whole. */
export class FilesystemSpool implements Spool {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #publish: Publish;
  #length = 0;
  #state: 'growing' | 'committing' | 'committed' | 'aborted' = 'growing';
  #closing: Promise<void> | undefined;

  /** @param file opened for reading and writing, and empty; owned by the spool from now on */
  constructor(path: string, file: FileHandle, publish: Publish) {
    this.#path = path;
    this.#file = file;
    this.#publish = publish;
  }

  get length(): number {
    return this.#length;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#assertGrowing();
    let written = 0;
    while (written < chunk.length) {
      const { bytesWritten } = await this.#file
        .write(chunk, written, chunk.length - written, this.#length + written)
        .catch((cause: unknown) => {
          throw spoolError('the spool cannot be written', cause);
        });
      written += bytesWritten;
    }
    this.#length += written;
  }

  async readAt(buffer: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(buffer.length, this.#length - position);
    if (wanted <= 0) return 0;
    return (await this.#file.read(buffer, 0, wanted, position)).bytesRead;
  }

  async commit(digest: Digest): Promise<StorageKey> {
    this.#assertGrowing();
    this.#state = 'committing';
    try {
      await this.#file.sync();
      const key = await this.#publish(this.#path, digest);
      this.#state = 'committed';
      return key;
    } catch (cause) {
      // What could not be written once may seem to be written when asked again: there is no second try.
      this.#state = 'aborted';
      await this.#remove();
      throw spoolError('the spool cannot be committed', cause);
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'growing') return;
    this.#state = 'aborted';
    await this.#remove();
  }

  close(): Promise<void> {
    this.#closing ??= this.abort().finally(() => this.#file.close());
    return this.#closing;
  }

  /** What is left behind where this fails is swept at the next start. */
  async #remove(): Promise<void> {
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  #assertGrowing(): void {
    if (this.#state !== 'growing') throw new Error(`the spool is ${this.#state}`);
  }
}

export function spoolError(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause;
  return new SpoolError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
