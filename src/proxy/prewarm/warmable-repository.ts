/** A repository whose blobs can be had here before a client asks for them. */
import type { Digest } from '../../oci/digest.ts';
import type { BlobAnswer, ReadableRepository } from '../../oci/repository.ts';
import type { Fill } from '../fill.ts';

export interface KeptBlob {
  /** To be read or closed, as any. */
  readonly blob: BlobAnswer;
  /** What an upstream sent for it now. */
  readonly fetchedBytes: number;
}

export interface WarmableRepository extends ReadableRepository {
  /**
   * A blob that is on this server from now on, which is counted as no download.
   * @throws OciError as {@link ReadableRepository.blob}; NoRoom where it is not kept
   */
  keepBlob(digest: Digest, signal?: AbortSignal): Promise<KeptBlob>;
}

/** A blob cannot be kept: nor can others. The message says why. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

/** Waits until a fill has all its bytes. @param fill held for the caller, and released. @returns how many there are @throws NoRoom */
export async function receiveAll(fill: Fill, signal = new AbortController().signal): Promise<number> {
  const noRest = () => {
    throw new NoRoom('the store took a part of a blob, and no more');
  };
  let length = 0;
  try {
    for await (const chunk of fill.read(0, undefined, noRest, signal)) length += chunk.length;
  } finally {
    await fill.release();
  }
  return length;
}
