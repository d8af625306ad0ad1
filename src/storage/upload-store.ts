/** The bytes of uploads: as spools, but they outlive requests and processes, and any process can go on with them. */
import { type Spool, SpoolError } from './blob-store.ts';

export interface UploadStore {
  /**
   * The bytes of this upload so far, none at first, to append to. It is the caller's own until it is closed, or until somebody
   * else opens or removes it: from then on what the caller appends does not count, and `commit` and `close` throw TakenOverError.
   * So what was appended is only known to count once one of the two has succeeded.
   * `close` keeps the bytes for the next `openUpload`; `abort` removes them, unless somebody took them over.
   * An upload that was committed, aborted or removed begins anew.
   * @param id letters, digits and dashes, at most 64
   * @param isNew where it was given just now, and nobody can have begun it: spares looking for it
   * @throws SpoolError; TakenOverError where somebody else opens it a moment later
   */
  openUpload(id: string, isNew?: boolean): Promise<Spool>;
  /** @throws OutOfSpace where so many bytes more would not leave room for deletions */
  demandRoom(bytes: number): Promise<void>;
  /** In bytes; 0 where there are none. What is appended at the moment may count already, or not yet. */
  uploadLength(id: string): Promise<number>;
  /** Also while somebody has it open. Absence is no error. */
  removeUpload(id: string): Promise<void>;
  /** The ids of all uploads that have anything here. */
  listUploads(): Promise<readonly string[]>;
}

/** Somebody else has opened or removed the upload. */
export class TakenOverError extends SpoolError {
  override readonly name = 'TakenOverError';

  constructor() {
    super('the upload was taken over by another request, or removed');
  }
}
