/** What is known of objects while they are written, in records that all processes share: nothing is found out by listing a bucket. */
import type { Digest } from '../../oci/digest.ts';
import type { ObjectPart } from './object-storage.ts';

/** An object of its own that holds bytes which are too few for a part. */
export interface Piece {
  /** From 1 on; each is given once. */
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  /** Its bytes are in a part by now, or it was never put: there may be such an object, and it may go. */
  readonly isOver: boolean;
}

/** How far a write has come. */
export interface WriteState {
  /** The last number that was given to a part; each is given once. */
  readonly number: number;
  /** That of pieces: clouds allow few numbers of parts, and there may be many pieces in each. */
  readonly pieceNumber: number;
  /** Whether a write by parts may have been begun, and what it is called, where that is known. */
  readonly hasBegun: boolean;
  readonly partedId?: string | undefined;
  /** What comes after the parts, in order. */
  readonly pieces: readonly Piece[];
  /** All parts are put: the object may be complete. */
  readonly isSealed: boolean;
}

export interface WriteRecord extends WriteState {
  /** 24 hexadecimal digits, from which its keys are made. */
  readonly id: string;
  readonly parts: readonly ObjectPart[];
}

export interface NewWrite {
  readonly id: string;
  /** The name of the store that it is in. */
  readonly store: string;
  /** Of the upload that goes on with it; undefined where nobody else can. */
  readonly uploadId?: string | undefined;
  /** Who has it: what anybody else changes does not count. */
  readonly claim: string;
}

export interface WriteChanges extends Partial<WriteState> {
  /** It is put by now. */
  readonly part?: ObjectPart;
  /** Nobody has it any more; null. */
  readonly claim?: null;
  /** No upload goes on with it; null. */
  readonly uploadId?: null;
  /** It was committed, as this, and is at this key. */
  readonly committed?: { readonly digest: Digest; readonly storageKey: string };
}

export interface WriteRecords {
  /** False where there is one for this upload. */
  create(write: NewWrite): Promise<boolean>;
  /** Gives the write of an upload to a new claim; undefined where there is none. */
  take(store: string, uploadId: string, claim: string): Promise<WriteRecord | undefined>;
  /** All of it or nothing: false where it is another claim's by now, or gone. */
  save(id: string, claim: string, changes: WriteChanges): Promise<boolean>;
  /** Of the parts and pieces of an upload's write, in bytes; 0 where there is none. */
  findLength(store: string, uploadId: string): Promise<number>;
  listUploads(store: string): Promise<readonly string[]>;
  remove(id: string): Promise<void>;
}
