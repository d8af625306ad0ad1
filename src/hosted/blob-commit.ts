/**
 * The end of an upload: the bytes durable and published, then, in one transaction, recorded, linked, and the session finished.
 * What is acknowledged is durable; what cannot be recorded leaves no bytes behind.
 */
import { MissingOwner } from '../metadata/violations.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { type Spool, SpoolError, type StorageKey } from '../storage/blob-store.ts';
import { keepBlob } from '../storage/keep-blob.ts';
import { TakenOverError } from '../storage/upload-store.ts';
import { linkBlob } from './blob-links.ts';
import type { HostedOptions } from './hosted-options.ts';
import type { PushTarget } from './push-target.ts';

export type CommitOptions = Pick<HostedOptions, 'database' | 'store' | 'log' | 'now'>;

/** How long a session is remembered after its end, for clients that did not hear of it. */
const finishedMs = 10 * 60 * 1000;

/**
 * @param id of the session
 * @param spool of bytes that have this digest
 * @throws OciError BLOB_UPLOAD_UNKNOWN when the session or its project has gone, DENIED over a quota; SpoolError
 */
export async function commitBlob(
  options: CommitOptions,
  target: PushTarget,
  id: string,
  digest: Digest,
  spool: Spool,
): Promise<void> {
  const { database, store, now } = options;
  const size = spool.length;
  const blob = { digest, size, sha1: undefined };
  const { storageKey, isNew } = await keepBlob(spool, blob, { store, records: database.blobs, now }).catch(
    async (error: unknown) => {
      if (error instanceof SpoolError && !(error instanceof TakenOverError)) await endSession(options, id);
      throw error;
    },
  );
  const record = isNew ? { ...blob, storageKey, createdAt: now() } : undefined;
  let mayBeRecorded = false;
  try {
    const kept = await database.transaction(async (tx) => {
      const linked = await linkBlob(tx, target, { digest, size, record, event: 'blob_upload' });
      // Not again where another process was first with the same bytes.
      const isFinished =
        (await tx.uploads.finish(id, digest, now() + finishedMs)) ||
        (await tx.uploads.find(id))?.finishedDigest === digest;
      if (!isFinished) throw uploadUnknown(id);
      mayBeRecorded = true;
      return linked;
    });
    if (isNew && kept.storageKey !== storageKey) await discard(options, storageKey);
  } catch (cause) {
    if (!mayBeRecorded) {
      if (isNew) await discard(options, storageKey);
      await endSession(options, id);
    } else if (isNew) {
      // The database may have done it and not been able to say so: bytes without a record are better than a record without bytes.
      options.log.error({ err: cause, digest, key: storageKey }, 'bytes were kept that may have no record');
    }
    throw cause instanceof MissingOwner ? uploadUnknown(id, cause) : cause;
  }
}

export function uploadUnknown(id: string, cause?: unknown): OciError {
  return new OciError('BLOB_UPLOAD_UNKNOWN', {
    detail: `there is no upload ${id.slice(0, 64)} of yours here: it may be over, have expired, or belong to another repository`,
    cause,
  });
}

/** Its bytes are gone: were it to begin anew, what another process has hashed of it would be of other bytes. */
async function endSession({ database, log }: CommitOptions, id: string): Promise<void> {
  try {
    await database.uploads.remove(id);
  } catch (error) {
    log.error({ err: error, upload: id }, 'an upload that is over could not be ended');
  }
}

/** Nobody waits for it: bytes that stay are only a waste of room. */
async function discard({ store, log }: CommitOptions, storageKey: StorageKey): Promise<void> {
  try {
    await store.delete(storageKey);
  } catch (error) {
    log.warn({ err: error, key: storageKey }, 'bytes that nobody needs were not deleted');
  }
}
