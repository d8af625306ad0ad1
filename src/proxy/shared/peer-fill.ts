/** Another process that fetches the same blob, as one more source of it. */
import { type SharedFill, StoredMeanwhile } from '../../cluster/shared-fill.ts';
import type { Digest } from '../../oci/digest.ts';
import { OutboundError } from '../../outbound/outbound-error.ts';
import type { BlobReader } from '../../storage/blob-store.ts';
import type { BlobRange, OpenedBlob } from '../../upstreams/upstream.ts';
import { findProof } from '../proof.ts';
import { isRecordOf, type Source } from '../source.ts';

const chunkBytes = 256 * 1024;

export class PeerFill {
  readonly name = 'another process';
  readonly shared: SharedFill;
  readonly #openStored: () => Promise<BlobReader | undefined>;

  /** @param openStored undefined where the blob is not stored, or not linked */
  constructor(shared: SharedFill, openStored: () => Promise<BlobReader | undefined>) {
    this.shared = shared;
    this.#openStored = openStored;
  }

  /**
   * As that of an upstream. What another process has stored before all of it was followed is read from the store.
   * @throws OutboundError 'not-found' where no other process fetches it, and others as SharedFill does
   */
  async openBlob({ start }: BlobRange, signal: AbortSignal): Promise<OpenedBlob> {
    try {
      return await this.shared.open(start, signal);
    } catch (error) {
      if (!(error instanceof StoredMeanwhile) || start === 0) throw error;
      const reader = await this.#openStored();
      if (!reader) throw new OutboundError('not-found', 'has removed it again');
      return { start, size: reader.size, body: storedBytes(reader, start), close: () => undefined };
    }
  }

  /** One of the sources, where that has the right to what the other process fetches: the same, or of the same origin and asked. */
  async findProof(
    sources: readonly Source[],
    digest: Digest,
    signal: AbortSignal,
  ): Promise<Source | undefined> {
    const origins = new Set(this.shared.head?.proven?.map(({ origin }) => origin));
    const same = sources.find((source) => this.#isProven(source));
    return same ?? findProof(sources, origins, digest, signal);
  }

  /** Those of the sources that the other process does not link. */
  unlinked(sources: readonly Source[]): readonly Source[] {
    return sources.filter((source) => !this.#isProven(source));
  }

  #isProven(source: Source): boolean {
    const proven = this.shared.head?.proven ?? [];
    return proven.some((each) => isRecordOf(each, source) && each.repository === source.repository);
  }
}

async function* storedBytes(reader: BlobReader, start: number): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (let position = start; position < reader.size; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, reader.size - position));
      const count = await reader.readAt(chunk, position);
      if (count === 0) return;
      yield chunk.subarray(0, count);
      position += count;
    }
  } finally {
    await reader.close();
  }
}
