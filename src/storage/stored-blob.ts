import type { Digest } from '../oci/digest.ts';
import type { BlobAnswer, Outcome } from '../oci/repository.ts';
import type { BlobReader } from './blob-store.ts';
import { type BufferBudget, readChunks } from './chunk-reader.ts';

/** A blob that reaches the client from the store. @param reader owned by the answer from now on */
export function storedBlob(
  digest: Digest,
  outcome: Outcome,
  reader: BlobReader,
  buffers: BufferBudget,
): BlobAnswer {
  return {
    digest,
    outcome,
    size: reader.size,
    read: (start, end) => readChunks(reader, start, Math.min(end ?? reader.size, reader.size), buffers),
    close: () => reader.close(),
  };
}
