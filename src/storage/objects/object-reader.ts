/** Reads an object from one position on as long as it is read in order: one request, whose bytes come as they are taken. */
import { UnavailableError } from '../../oci/unavailable.ts';
import type { BlobReader } from '../blob-store.ts';
import { BytesGone } from '../chunk-reader.ts';
import type { ObjectKey, ObjectReading } from './object-storage.ts';

/** How often a transfer that breaks off, as one that stood still for long, is begun anew without having brought a byte. */
const maxTries = 3;

interface Transfer {
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly stop: AbortController;
  position: number;
  readonly end: number;
  rest: Uint8Array;
}

export class ObjectReader implements BlobReader {
  readonly size: number;
  readonly #storage: Pick<ObjectReading, 'read'>;
  readonly #key: ObjectKey;
  #transfer: Transfer | undefined;

  constructor(storage: Pick<ObjectReading, 'read'>, key: ObjectKey, size: number) {
    this.#storage = storage;
    this.#key = key;
    this.size = size;
  }

  /** One at a time. @throws UnavailableError, BytesGone */
  async readAt(buffer: Uint8Array, position: number, end = position): Promise<number> {
    const wanted = Math.min(buffer.length, this.size - position);
    const last = Math.min(Math.max(end, position + wanted), this.size);
    let done = 0;
    for (let tries = 1; done < wanted; tries += 1) {
      try {
        const transfer = await this.#at(position + done, last);
        done += await takeInto(transfer, buffer.subarray(done, wanted));
        tries = 0;
      } catch (error) {
        this.#stop();
        if (tries === maxTries || error instanceof BytesGone) throw error;
      }
    }
    return done;
  }

  async close(): Promise<void> {
    this.#stop();
  }

  async #at(position: number, end: number): Promise<Transfer> {
    const running = this.#transfer;
    if (running && running.position === position && position < running.end) return running;
    this.#stop();
    const stop = new AbortController();
    const chunks = await this.#storage.read(this.#key, position, end, stop.signal);
    if (!chunks) throw new BytesGone();
    const started = { chunks: chunks[Symbol.asyncIterator](), stop, position, end, rest: Buffer.alloc(0) };
    this.#transfer = started;
    return started;
  }

  #stop(): void {
    const transfer = this.#transfer;
    this.#transfer = undefined;
    if (!transfer || transfer.position === transfer.end) return;
    transfer.stop.abort();
    transfer.chunks.return?.().catch(() => undefined);
  }
}

/** What has come, as far as the buffer holds it; what is over waits for the next time. */
async function takeInto(transfer: Transfer, buffer: Uint8Array): Promise<number> {
  if (transfer.rest.length === 0) {
    const { done: isOver, value } = await transfer.chunks.next();
    if (isOver) throw new UnavailableError('the object storage ended a transfer early');
    transfer.rest = value;
  }
  const taken = transfer.rest.subarray(0, buffer.length);
  buffer.set(taken);
  transfer.rest = transfer.rest.subarray(taken.length);
  transfer.position += taken.length;
  return taken.length;
}
