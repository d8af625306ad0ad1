/**
 * The end of an upload: its bytes become durable and published; then one transaction records and links them, and finishes the upload.
 * What is acknowledged is durable; what cannot be recorded leaves no bytes behind.
 */
import type { BlobRecord } from '../../metadata/content/blobs.ts';
import { MissingContent, MissingOwner } from '../../metadata/db/violations.ts';
import type { Digest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { type Spool, SpoolError, type StorageKey } from '../../storage/blob-store.ts';
import { type KeptBlob, keepBlob } from '../../storage/keep-blob.ts';
import { TakenOverError } from '../../storage/upload-store.ts';
import { nameGone, type PushTarget } from '../changes/write-target.ts';
import type { HostedOptions } from '../hosted-options.ts';
import { linkBlob } from './blob-links.ts';

export type CommitOptions = Pick<HostedOptions, 'database' | 'store' | 'log' | 'now'>;

/** How long an upload is remembered after its end, for clients that did not hear of it. */
const finishedMs = 10 * 60 * 1000;

/** How often a copy is written: one that is collected just before it would be linked is written anew, which nobody collects at once. */
const maxTries = 5;

/**
 * @param id the upload's; undefined where there is none to finish
 * @param spool holds bytes that have this digest
 * @throws OciError BLOB_UPLOAD_UNKNOWN when the upload has gone, NAME_UNKNOWN when its project has or the repository was renamed, DENIED over a quota; SpoolError
 */
export async function commitBlob(
  options: CommitOptions,
  target: PushTarget,
  id: string | undefined,
  digest: Digest,
  spool: Spool,
): Promise<void> {
  const { database, store, now } = options;
  const blob = { digest, size: spool.length };
  for (let tries = 1; ; tries += 1) {
    const kept = await keepBlob(spool, blob, { store, records: database.blobs, now }).catch(
      async (error: unknown) => {
        if (error instanceof SpoolError && !(error instanceof TakenOverError)) await endUpload(options, id);
        throw error;
      },
    );
    try {
      await recordBlob(options, target, id, blob, kept);
      // Nothing happens to a spool that was committed.
      await spool.abort();
      return;
    } catch (error) {
      const isGone = error instanceof NotRecorded && error.cause instanceof MissingContent;
      if (isGone && !kept.isCommitted && tries < maxTries) continue;
      await spool.abort();
      if (!(error instanceof NotRecorded)) throw error;
      if (kept.isNew) await discard(options, kept.storageKey);
      await endUpload(options, id);
      throw error.cause instanceof MissingOwner ? nameGone(target.name, error.cause) : error.cause;
    }
  }
}

/** The database has recorded nothing, so that bytes that were kept for it are of use to nobody. */
class NotRecorded extends Error {
  override readonly name = 'NotRecorded';
}

/** @throws NotRecorded, caused by MissingContent where the copy that was to be linked has gone; anything else where it may have been recorded */
async function recordBlob(
  options: CommitOptions,
  target: PushTarget,
  id: string | undefined,
  blob: Pick<BlobRecord, 'digest' | 'size'>,
  { storageKey, isNew }: KeptBlob,
): Promise<void> {
  const { database, log, now } = options;
  const { digest, size } = blob;
  const record = isNew ? { ...blob, storageKey, createdAt: now() } : undefined;
  let mayBeRecorded = false;
  try {
    const kept = await database.transaction(async (tx) => {
      mayBeRecorded = false;
      const linked = await linkBlob(tx, target, { digest, size, record, event: 'blob_upload' });
      // It is not finished again where another process was first with the same bytes.
      const isFinished =
        id === undefined ||
        (await tx.uploads.finish(id, digest, now() + finishedMs)) ||
        (await tx.uploads.find(id))?.finishedDigest === digest;
      if (!isFinished) throw uploadUnknown(id);
      mayBeRecorded = true;
      return linked;
    });
    if (isNew && kept.storageKey !== storageKey) await discard(options, storageKey);
  } catch (cause) {
    if (!mayBeRecorded) throw new NotRecorded('a blob was not recorded', { cause });
    // The database may have done it and not been able to say so: bytes without a record are better than a record without bytes.
    if (isNew) log.error({ err: cause, digest, key: storageKey }, 'bytes were kept that may have no record');
    throw cause;
  }
}

export function uploadUnknown(id: string): OciError {
  return new OciError('BLOB_UPLOAD_UNKNOWN', {
    detail: `there is no upload ${id.slice(0, 64)} of yours here: it may be over, have expired, or belong to another repository`,
  });
}

/** Removes an upload whose bytes are gone: were it to begin anew, what another process has hashed of it would be of other bytes. */
async function endUpload({ database, log }: CommitOptions, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  try {
    await database.uploads.remove(id);
  } catch (error) {
    log.error({ err: error, upload: id }, 'an upload that is over could not be ended');
  }
}

/** Removes bytes that nobody links. Nobody waits for it, and bytes that stay only take room. */
async function discard({ store, log }: CommitOptions, storageKey: StorageKey): Promise<void> {
  try {
    await store.delete(storageKey);
  } catch (error) {
    log.warn({ err: error, key: storageKey }, 'bytes that nobody needs were not deleted');
  }
}
