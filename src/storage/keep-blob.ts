/** One copy of each blob: what is here already is not kept again. */
import type { Digest } from '../oci/digest.ts';
import type { BlobStore, Spool, StorageKey } from './blob-store.ts';

/** A copy of a blob, as records have it. */
export interface BlobCopy {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly storageKey: StorageKey;
  /** In milliseconds since 1970. */
  readonly createdAt: number;
}

export interface CopyRecords {
  find(digest: Digest): Promise<Pick<BlobCopy, 'size' | 'storageKey'> | undefined>;
  /** False where another copy than `from` was recorded meanwhile. */
  replaceCopy(copy: BlobCopy, from: StorageKey): Promise<boolean>;
}

export interface KeptBlob {
  readonly storageKey: StorageKey;
  /** It was committed now. */
  readonly isCommitted: boolean;
  /** This copy is not recorded yet: who cannot record it has to delete it. */
  readonly isNew: boolean;
}

/**
 * Commits what was verified, unless a recorded copy of this size can be read. That one may be collected until it is linked: the spool
 * stays, for another try; in the end whoever called this aborts what was not committed.
 * @throws SpoolError
 */
export async function keepBlob(
  spool: Spool,
  blob: Pick<BlobCopy, 'digest' | 'size'>,
  {
    store,
    records,
    now,
  }: { readonly store: Pick<BlobStore, 'open'>; readonly records: CopyRecords; readonly now: () => number },
): Promise<KeptBlob> {
  const record = await records.find(blob.digest);
  if (record && (await isPresent(store, record)))
    return { storageKey: record.storageKey, isCommitted: false, isNew: false };
  const { digest, size } = blob;
  const storageKey = await spool.commit(digest);
  // A record without its bytes: they were lost, and are healed by these.
  const isRecorded =
    record && (await records.replaceCopy({ digest, size, storageKey, createdAt: now() }, record.storageKey));
  return { storageKey, isCommitted: true, isNew: !isRecorded };
}

/** Whether a recorded copy is in the store, as long as it was. */
export async function isPresent(
  store: Pick<BlobStore, 'open'>,
  { storageKey, size }: Pick<BlobCopy, 'size' | 'storageKey'>,
): Promise<boolean> {
  const reader = await store.open(storageKey);
  await reader?.close();
  return reader?.size === size;
}
