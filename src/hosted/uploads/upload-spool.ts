/** The bytes of an upload while a request has them: appended in big writes, hashed as they come. */
import type { Hash } from 'node:crypto';
import { interruptible } from '../../concurrency/interruptible.ts';
import { type Algorithm, type Digest, finishDigest, hasherOf } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { freeMemory } from '../../oci/free-memory.ts';
import type { UploadPart } from '../../oci/uploads.ts';
import type { Spool } from '../../storage/blob-store.ts';
import { type BufferBudget, readChunks } from '../../storage/chunk-reader.ts';

/** How many bytes one write takes: enough that the number of writes costs nothing, few enough for many uploads at once. */
const batchBytes = 1024 * 1024;
/** How many chunks one write takes of a body that comes in crumbs; systems take 1024 in one. */
const maxBatchChunks = 512;

/** A hash of the first `length` bytes. */
export interface RunningHash {
  readonly algorithm: Algorithm;
  readonly hash: Hash;
  length: number;
  /** It was begun just now, and nobody has opened its bytes. */
  readonly isUntouched?: boolean;
}

export function startHash(algorithm: Algorithm): RunningHash {
  return { algorithm, hash: hasherOf(algorithm), length: 0 };
}

export class UploadSpool {
  readonly #spool: Spool;
  readonly #buffers: BufferBudget;
  #hash: RunningHash | undefined;

  /** @param hash where it is not of all that the spool holds, the bytes are read for their digest */
  constructor(spool: Spool, hash: RunningHash | undefined, buffers: BufferBudget) {
    this.#spool = spool;
    this.#hash = hash;
    this.#buffers = buffers;
  }

  /** Length of the spool in bytes. */
  get length(): number {
    return this.#spool.length;
  }

  /** The hash of all bytes; undefined where there is none. */
  get hash(): RunningHash | undefined {
    return this.#hash?.length === this.length ? this.#hash : undefined;
  }

  /** Gives the bytes to whoever commits or aborts them: the upload goes on without them. */
  handOver(): Spool {
    this.#hash = undefined;
    return this.#spool;
  }

  /**
   * Appends the body as it comes. While some chunks are written, the next are received and hashed; each must stay as it is until
   * then. Whatever ends it early, what came before is appended.
   * @param maxBytes that the whole blob may have
   * @throws OciError BLOB_UPLOAD_INVALID (416) out of order, SIZE_INVALID (400, or 413 over `maxBytes`); what the body throws, the
   *   signal's reason, SpoolError
   */
  async receive({ body, start, length }: UploadPart, maxBytes: number, signal: AbortSignal): Promise<void> {
    if (start !== undefined && start !== this.length) {
      throw new OciError('BLOB_UPLOAD_INVALID', {
        detail: `the part begins at ${start}, and the upload has ${this.length} bytes: go on from there`,
        status: 416,
      });
    }
    const room = maxBytes - this.length;
    if ((length ?? 0) > room) throw tooLarge(maxBytes);
    let received = 0;
    const writer = new BatchWriter(this.#spool);
    try {
      for await (const chunk of interruptible(body, signal)) {
        received += chunk.length;
        if (length !== undefined && received > length) throw anotherLength(length, 'more');
        if (received > room) throw tooLarge(maxBytes);
        this.#update(chunk);
        await writer.add(chunk);
      }
      if (length !== undefined && received < length) throw anotherLength(length, String(received));
    } finally {
      await writer.end();
    }
  }

  /** All bytes, each chunk valid until the next. @throws what reading throws */
  chunks(): AsyncIterable<Uint8Array> {
    return readChunks(this.#spool, 0, this.length, this.#buffers);
  }

  /** @throws the signal's reason, and what reading throws */
  async digest(algorithm: Algorithm, signal: AbortSignal): Promise<Digest> {
    const known = this.hash;
    if (known?.algorithm === algorithm) return finishDigest(algorithm, known.hash.copy());
    const hash = hasherOf(algorithm);
    for await (const chunk of this.chunks()) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
    return finishDigest(algorithm, hash);
  }

  #update(chunk: Uint8Array): void {
    if (!this.#hash) return;
    this.#hash.hash.update(chunk);
    this.#hash.length += chunk.length;
  }
}

/** Gathers chunks and writes them together; two batches are in memory at most. */
class BatchWriter {
  readonly #spool: Spool;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** @throws SpoolError of an earlier batch */
  async add(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= batchBytes || this.#batch.length >= maxBatchChunks) await this.#write();
  }

  /** @throws SpoolError */
  async end(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    await this.#writing;
    const batch = this.#batch;
    this.#writing = this.#spool.append(...batch).then(() => batch.forEach(freeMemory));
    // Whoever waits for it next meets its failure.
    this.#writing.catch(() => undefined);
    this.#batch = [];
    this.#bytes = 0;
  }
}

function tooLarge(maxBytes: number): OciError {
  return new OciError('SIZE_INVALID', {
    detail: `a blob may have ${maxBytes} bytes, and this one has more`,
    status: 413,
  });
}

function anotherLength(length: number, received: string): OciError {
  return new OciError('SIZE_INVALID', {
    detail: `${length} bytes were announced, and ${received} came: ask for the status of the upload before going on`,
  });
}
