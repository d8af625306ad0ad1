import type { Digest } from '../oci/digest.ts';
import type { BlobAnswer, Outcome } from '../oci/repository.ts';
import type { ClientBlob } from './blob-reads.ts';
import { type BufferBudget, readChunks } from './chunk-reader.ts';

/** Memory for small blobs. */
export interface BytesMemory {
  findBytes(digest: Digest): Buffer | undefined;
  /** @param bytes not verified; nobody changes them any more */
  keepBytes(digest: Digest, bytes: Buffer): void;
}

/** Bigger blobs cost more to send than to read, and would take the place of many. */
const maxKeptBytes = 64 * 1024;

/**
 * A blob that reaches the client from the store.
 * @param reader owned by the answer from now on
 * @param memory where a small blob is kept that was read as a whole
 */
export function storedBlob(
  digest: Digest,
  outcome: Outcome,
  reader: ClientBlob,
  { buffers, memory }: { readonly buffers: BufferBudget; readonly memory: Pick<BytesMemory, 'keepBytes'> },
): BlobAnswer {
  const { size, urlFor } = reader;
  return {
    digest,
    outcome,
    size,
    urlFor,
    read(start, end = size) {
      const chunks = readChunks(reader, start, Math.min(end, size), buffers);
      return start === 0 && end >= size && size <= maxKeptBytes
        ? collected(chunks, size, (bytes) => memory.keepBytes(digest, bytes))
        : chunks;
    },
    close: () => reader.close(),
  };
}

/** A blob that reaches the client from memory. */
export function rememberedBlob(digest: Digest, outcome: Outcome, bytes: Buffer): BlobAnswer {
  return {
    digest,
    outcome,
    size: bytes.length,
    async *read(start, end) {
      if (start < bytes.length) yield bytes.subarray(start, end);
    },
    close: async () => undefined,
  };
}

/** Hands the chunks on, and all of them once they have ended. */
async function* collected(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
  keep: (bytes: Buffer) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Memory of its own: what is kept would keep the rest of a pool.
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, length);
    length += chunk.length;
    yield chunk;
  }
  keep(bytes);
}
