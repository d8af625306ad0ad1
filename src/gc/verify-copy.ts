/** Reads a copy from its begin to its end: are its bytes what its record says? */
import { algorithmOf, type Digest, finishDigest, hasherOf } from '../oci/digest.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { BlobStore, StorageKey } from '../storage/blob-store.ts';

export type Verdict = 'sound' | 'corrupt' | 'missing';

export interface RecordedCopy {
  readonly digest: Digest;
  readonly storageKey: StorageKey;
  /** In bytes. */
  readonly size: number;
}

const bufferBytes = 1024 * 1024;

/**
 * @param onRead told how many bytes were just read; what it waits for slows the reading down
 * @returns undefined where the signal came first
 */
export async function verifyCopy(
  store: Pick<BlobStore, 'open'>,
  { digest, storageKey, size }: RecordedCopy,
  signal: AbortSignal,
  onRead: (bytes: number) => Promise<void> | undefined,
): Promise<Verdict | undefined> {
  const reader = await store.open(storageKey);
  if (!reader) return 'missing';
  try {
    if (reader.size !== size) return 'corrupt';
    const algorithm = algorithmOf(digest);
    const hash = hasherOf(algorithm);
    const buffer = Buffer.allocUnsafe(bufferBytes);
    for (let position = 0; position < size; ) {
      const bytes = await reader.readAt(buffer, position, size);
      if (bytes === 0) return 'corrupt';
      hash.update(buffer.subarray(0, bytes));
      position += bytes;
      await onRead(bytes);
      if (signal.aborted) return undefined;
    }
    return finishDigest(algorithm, hash) === digest ? 'sound' : 'corrupt';
  } catch (error) {
    if (isUnreadable(error)) return 'corrupt';
    throw error;
  } finally {
    await reader.close();
  }
}

/** The disk cannot give the bytes back. */
export function isUnreadable(error: unknown): boolean {
  const cause = error instanceof UnavailableError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'EIO';
}
