/** Uploads of one repository and one writer. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
import type { Algorithm, Digest } from './digest.ts';

/** What one request brings. */
export interface UploadPart {
  /**
   * Each chunk is given away: whoever gave it neither changes nor reads it again. Who stops reading early leaves the body open: its
   * giver ends it.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the client says that it begins, in bytes; undefined: where the upload ends. */
  readonly start: number | undefined;
  /** How long the client says that it is, in bytes; undefined: until the body ends. */
  readonly length: number | undefined;
}

/**
 * Every method but `start` throws OciError BLOB_UPLOAD_UNKNOWN for an upload that does not exist, has expired, or is of another
 * repository or writer. A part that comes out of order is refused with status 416, and leaves the upload as it was. A body
 * that breaks off leaves what came of it.
 */
export interface Uploads {
  /**
   * The id of a new upload.
   * @param algorithm of the digest that it will be committed with, where the client says so: bytes are hashed as they come
   * @throws OciError TOOMANYREQUESTS where the writer has too many
   */
  start(algorithm?: Algorithm): Promise<string>;
  /**
   * All of a blob in one request, as {@link commit}; there is no upload to go on with.
   * @throws OciError as start and commit
   */
  push(digest: Digest, whole: UploadPart): Promise<void>;
  /** Its length in bytes. */
  status(id: string): Promise<number>;
  /** The length afterwards. @throws OciError BLOB_UPLOAD_INVALID (416), SIZE_INVALID (400, or 413 over the limit) */
  append(id: string, part: UploadPart): Promise<number>;
  /**
   * Verifies, publishes and links; the upload is over, also where the digest is another. Again with the same digest is no error.
   * @param last bytes that come with the request
   * @throws OciError as append; DIGEST_INVALID; DENIED over a quota
   */
  commit(id: string, digest: Digest, last: UploadPart): Promise<void>;
  cancel(id: string): Promise<void>;
}
