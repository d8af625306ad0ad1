import type { FileHandle } from 'node:fs/promises';
import type { Digest } from '../oci/digest.ts';
import { type Spool, SpoolError, type StorageKey } from './blob-store.ts';
import type { Space } from './disk-space.ts';
import { fromStorage, storageFault } from './unavailable-storage.ts';

export type SpoolFile = Pick<FileHandle, 'writev' | 'read' | 'sync' | 'close'>;

/** What becomes of a spool's file. */
export interface SpoolFate {
  /** Moves the file to its place in the tree, durably. @param sync makes its content durable */
  publish(digest: Digest, sync: () => Promise<void>): Promise<StorageKey>;
  /** Never fails: what cannot be removed is swept later. */
  remove(): Promise<void>;
  /** The file is closed, neither published nor removed. */
  leave(): Promise<void>;
  /** What it grows in. */
  readonly space: Pick<Space, 'take' | 'lookAgain'>;
}

/** A file with one writer; readers see what is below its length, which only grows by what is written as a whole. */
export class FilesystemSpool implements Spool {
  readonly #file: SpoolFile;
  readonly #fate: SpoolFate;
  #length: number;
  #state: 'growing' | 'broken' | 'committing' | 'committed' | 'aborted' | 'closed' = 'growing';
  #closing: Promise<void> | undefined;

  /**
   * @param file opened for reading and writing; owned by the spool from now on
   * @param length that it has, in bytes
   */
  constructor(file: SpoolFile, length: number, fate: SpoolFate) {
    this.#file = file;
    this.#length = length;
    this.#fate = fate;
  }

  get length(): number {
    return this.#length;
  }

  async append(...chunks: readonly Uint8Array[]): Promise<void> {
    this.#assertGrowing();
    let end = this.#length;
    let rest = chunks;
    const waits = this.#fate.space.take(rest.reduce((bytes, { length }) => bytes + length, 0));
    if (waits) await waits;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#file.writev(rest, end).catch((cause: unknown) => {
        // A part of it may be behind the length.
        this.#state = 'broken';
        throw writeFailure('the spool cannot be written', cause, this.#fate.space);
      });
      end += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
    this.#length = end;
  }

  async readAt(buffer: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(buffer.length, this.#length - position);
    if (wanted <= 0) return 0;
    return (await fromStorage(this.#file.read(buffer, 0, wanted, position))).bytesRead;
  }

  async commit(digest: Digest): Promise<StorageKey> {
    this.#assertGrowing();
    this.#state = 'committing';
    try {
      const key = await this.#fate.publish(digest, () => this.#file.sync());
      this.#state = 'committed';
      return key;
    } catch (cause) {
      // What could not be written once may seem to be written when asked again: there is no second try.
      this.#state = 'aborted';
      await this.#fate.remove();
      throw writeFailure('the spool cannot be committed', cause, this.#fate.space);
    }
  }

  async abort(): Promise<void> {
    if (this.#state !== 'growing' && this.#state !== 'broken') return;
    this.#state = 'aborted';
    await this.#fate.remove();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const isLeft = this.#state === 'growing' || this.#state === 'broken';
    this.#state = 'closed';
    try {
      // Before it is left: nobody can write to it any more.
      await this.#file.close();
      if (isLeft) await this.#fate.leave();
    } catch (cause) {
      throw writeFailure('the spool cannot be closed', cause, this.#fate.space);
    }
  }

  #assertGrowing(): void {
    if (this.#state !== 'growing') throw new Error(`the spool is ${this.#state}`);
  }
}

/** What comes after the first `count` bytes. */
function behind(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let skipped = 0;
  return chunks.flatMap((chunk) => {
    const from = Math.min(chunk.length, count - skipped);
    skipped += from;
    return from < chunk.length ? [chunk.subarray(from)] : [];
  });
}

/**
 * What comes of a write that failed, perhaps since others had filled the disk.
 * @param what is sent to clients, so it names no path
 */
export function writeFailure(what: string, cause: unknown, space: Pick<Space, 'lookAgain'>): SpoolError {
  if (cause instanceof SpoolError) return cause;
  space.lookAgain();
  return new SpoolError(`${what}: ${storageFault(cause) ?? 'the storage fails'}`, { cause });
}
