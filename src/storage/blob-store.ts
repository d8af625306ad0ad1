/** Bytes by storage key. Every write has a key of its own, so deleting an old copy can never remove a new one. */
import type { Digest } from '../oci/digest.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { ChunkSource } from './chunk-reader.ts';

/** Where one copy of a blob is; made by {@link Spool.commit}, kept by records, checked by whoever gets it back. */
export type StorageKey = string;

/** A private file that grows, is read while it grows, and is committed or aborted. One writer. */
export interface Spool {
  /** Bytes appended so far. */
  readonly length: number;
  /**
   * Appends all of the chunks in one write; the caller may reuse them afterwards.
   * @throws SpoolError, and from then on nothing more can be appended or committed
   */
  append(...chunks: readonly Uint8Array[]): Promise<void>;
  /** Reads appended bytes at `position` into `buffer`; the number of bytes read, 0 at the end of what was appended. */
  readAt(buffer: Uint8Array, position: number): Promise<number>;
  /** Makes the bytes durable and visible under a new key. The spool stays readable until {@link close}. @throws SpoolError */
  commit(digest: Digest): Promise<StorageKey>;
  /** Removes what was appended, unless committed; it stays readable until {@link close}. */
  abort(): Promise<void>;
  close(): Promise<void>;
}

export interface BlobReader {
  /** In bytes. */
  readonly size: number;
  /** As {@link Spool.readAt}, one at a time. @param end up to which will be read, in order, unless the reader leaves */
  readAt(buffer: Uint8Array, position: number, end?: number): Promise<number>;
  close(): Promise<void>;
}

export interface BlobStore {
  /** @throws SpoolError where nothing can be written */
  createSpool(): Promise<Spool>;
  /**
   * Undefined when there is no such copy.
   * @param size as recorded, in bytes: then it is not asked for, and that the copy is gone may only be found by reading it, which throws
   * {@link BytesGone}
   */
  open(key: StorageKey, size?: number): Promise<BlobReader | undefined>;
  /** Absence is no error. */
  delete(key: StorageKey): Promise<void>;
  /** Removes the spools that a dead process left; called once at start. Gives their number. */
  sweepSpools(): Promise<number>;
  /** Writes, reads and removes a byte. @throws SpoolError saying what is wrong */
  check(): Promise<void>;
}

/** A store that bytes of another one are copied into. */
export interface CopyTarget {
  /**
   * Makes a copy, durable and visible once this gives its key.
   * @param source is read in order, to its end, once; where it throws, nothing is kept
   * @throws SpoolError, and what the source throws
   */
  copyIn(source: ChunkSource, size: number, digest: Digest): Promise<StorageKey>;
}

/** A copy as the store has it, whatever the records say. */
export interface StoredCopy {
  readonly key: StorageKey;
  /** What it was committed as; undefined where the store does not say. */
  readonly digest: Digest | undefined;
  /** In bytes. */
  readonly size: number;
  /** When it was written; epoch milliseconds. */
  readonly writtenAt: number;
}

/** What is in a store. */
export interface BlobInventory {
  /** Every copy, in the order of keys where the cloud keeps one; what comes or goes meanwhile may be missing. */
  list(): AsyncIterable<StoredCopy>;
  /** Whether it may still be on its way to a record, however old it is. */
  isUnfinished(key: StorageKey): Promise<boolean>;
  /** Moves a copy aside, where it is kept and nobody reads it. False where there is no such copy. */
  quarantine(key: StorageKey): Promise<boolean>;
}

/** Writing failed: no space, no permission, a failing disk. `cause` is the system's error. */
export class SpoolError extends UnavailableError {
  override readonly name: string = 'SpoolError';
}
