/**
 * What a driver does for one cloud: objects by key in a bucket, below a root that it adds to keys itself. All else is shared and above it:
 * parts are cut there, what has been written is in SQL before it is used, calls are paced and counted. A driver keeps nothing in memory.
 *
 * Every call throws {@link ObjectStorageError} where it fails, having tried again what is worth it. Absence is no error.
 */
import { SpoolError } from '../blob-store.ts';

/** Without a slash at either end; letters, digits, dashes and slashes. */
export type ObjectKey = string;

/** An object that is written part by part. Nobody sees it before it is complete, and each has a key of its own. */
export interface PartedWrite {
  readonly key: ObjectKey;
  /** What {@link ObjectWriting.begin} gave: an upload id, the address of a session, or nothing that matters; at most 2048 characters. */
  readonly id: string;
}

export interface ObjectPart {
  /** From 1 on. Each number is put once, whoever goes on with a write: what one who was taken over still sends is never used. */
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  /** What {@link ObjectWriting.putPart} gave: an ETag with a checksum, the name of a block; at most 512 characters. */
  readonly tag: string;
}

export interface ObjectWriting {
  /** The whole object at once. */
  put(key: ObjectKey, bytes: Uint8Array): Promise<void>;
  begin(key: ObjectKey): Promise<string>;
  /**
   * One part at a time, in the order of numbers, which may have gaps. All but the last have {@link PartLimits.minBytes} at least.
   * @param start where it begins in the object, in bytes: the sum of the parts before
   * @returns the tag
   */
  putPart(write: PartedWrite, number: number, bytes: Uint8Array, start: number): Promise<string>;
  /** Makes the object of these parts, in their order; nothing is looked for. It may be asked again where the answer was lost. */
  complete(write: PartedWrite, parts: readonly ObjectPart[]): Promise<void>;
  /** Removes what was put. @param write its id undefined where nobody knows it: all that was begun at this key */
  abort(write: { readonly key: ObjectKey; readonly id: string | undefined }): Promise<void>;
}

export interface StoredObject {
  readonly key: ObjectKey;
  /** In bytes. */
  readonly size: number;
  /** Epoch milliseconds. */
  readonly writtenAt: number;
}

export interface ObjectReading {
  head(key: ObjectKey): Promise<StoredObject | undefined>;
  /**
   * The bytes from `start` up to and without `end`, which are within the object, as they come; reading slowly slows the sender. Breaking off
   * the iteration ends the transfer.
   */
  read(
    key: ObjectKey,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** In the order of keys where the cloud keeps one. What comes or goes meanwhile may be missing. @param prefix of the keys */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** A URL that gives the object to whoever has it. */
  presign(key: ObjectKey, options: PresignOptions): Promise<string>;
}

export interface PresignOptions {
  readonly expiresSeconds: number;
  /** What its answer says the bytes are. */
  readonly contentType: string;
}

/** What a cloud demands of parts, in bytes. */
export interface PartLimits {
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxParts: number;
}

export interface ObjectStorage extends ObjectWriting, ObjectReading {
  /** Where it is, for people: s3://bucket/root. */
  readonly place: string;
  readonly limits: PartLimits;
  delete(key: ObjectKey): Promise<void>;
  /** Ends connections. */
  close(): void;
}

/** Why a call failed, for clients; what the cloud said is the cause. */
export type ObjectFault = 'denied' | 'absent' | 'busy' | 'full' | 'clock' | 'unreachable' | 'failing';

const sentences: Readonly<Record<ObjectFault, string>> = {
  denied: 'the server may not use its object storage',
  absent: 'the bucket of the object storage is not there',
  busy: 'the object storage asks to come again later',
  full: 'the object storage is full',
  clock: 'the clock of the server is not that of its object storage',
  unreachable: 'the object storage cannot be reached',
  failing: 'the object storage fails',
};

export interface FailedCall {
  /** As the cloud calls it: PutObject. */
  readonly call: string;
  /** What the call needs, as policies call it: s3:PutObject. */
  readonly permission: string;
  readonly place: string;
}

export class ObjectStorageError extends SpoolError {
  override readonly name = 'ObjectStorageError';
  readonly fault: ObjectFault;
  readonly failed: FailedCall;

  constructor(fault: ObjectFault, failed: FailedCall, cause: unknown) {
    super(sentences[fault], { cause });
    this.fault = fault;
    this.failed = failed;
  }

  /** For those who run the server: where, which call, what it needs, and what the cloud said. */
  get reason(): string {
    const { call, permission, place } = this.failed;
    const said = this.cause instanceof Error ? this.cause.message : String(this.cause);
    const missing = this.fault === 'denied' ? `, which needs ${permission},` : '';
    return `${call}${missing} failed at ${place}: ${sentences[this.fault]} (${said})`;
  }
}
