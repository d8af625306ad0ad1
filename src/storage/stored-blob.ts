import type { Digest } from '../oci/digest.ts';
import type { BlobAnswer, Outcome } from '../oci/repository.ts';
import type { ClientBlob } from './blob-reads.ts';
import { type BufferBudget, BytesGone, readChunks } from './chunk-reader.ts';

/** Memory for small blobs. */
export interface BytesMemory {
  findBytes(digest: Digest): Buffer | undefined;
  /** @param bytes not verified; nobody changes them any more */
  keepBytes(digest: Digest, bytes: Buffer): void;
}

/** Bigger blobs cost more to send than to read, and would take the place of many. */
const maxKeptBytes = 64 * 1024;

export interface StoredBlobTools {
  readonly buffers: BufferBudget;
  /** Where a small blob is kept that was read as a whole. */
  readonly memory: Pick<BytesMemory, 'keepBytes'>;
  /** The same blob from elsewhere, where its bytes turn out to be gone. @throws OciError where nobody has them */
  readonly lookElsewhere: () => Promise<BlobAnswer>;
}

/**
 * A blob that reaches the client from the store.
 * @param reader owned by the answer from now on
 */
export function storedBlob(
  digest: Digest,
  outcome: Outcome,
  reader: ClientBlob,
  { buffers, memory, lookElsewhere }: StoredBlobTools,
): BlobAnswer {
  const { size, urlFor } = reader;
  let other: Promise<BlobAnswer> | undefined;
  async function* read(start: number, end: number, signal: AbortSignal) {
    let position = start;
    try {
      for await (const chunk of readChunks(reader, start, end, buffers)) {
        yield chunk;
        position += chunk.length;
      }
    } catch (error) {
      if (!(error instanceof BytesGone)) throw error;
      other ??= lookElsewhere();
      yield* (await other).read(position, end, signal);
    }
  }
  return {
    digest,
    outcome,
    size,
    urlFor,
    read(start, end = size, signal) {
      const chunks = read(start, Math.min(end, size), signal);
      return start === 0 && end >= size && size <= maxKeptBytes
        ? collected(chunks, size, (bytes) => memory.keepBytes(digest, bytes))
        : chunks;
    },
    async close() {
      await reader.close();
      await (await other?.catch(() => undefined))?.close();
    },
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
