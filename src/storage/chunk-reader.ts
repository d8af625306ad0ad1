/** Reads stored bytes with two buffers: while one is on its way to the client, the disk fills the other. */
import { UnavailableError } from '../oci/unavailable.ts';

const kib = 1024;
const mib = 1024 * kib;

/** Measured: twice as much reads no faster, half as much costs a tenth more. */
const maxBufferBytes = 512 * kib;
export const minBufferBytes = 64 * kib;
const buffersPerReader = 2;
/** What buffers that nobody uses may keep. */
const maxIdleBytes = 8 * mib;

/**
 * Memory for reading: big buffers while few read, smaller ones as readers become many, so that their sum stays near the
 * budget. Buffers are used again, since the kernel has to clear each new one.
 */
export class BufferBudget {
  readonly #maxBytes: number;
  readonly #idle: Buffer[] = [];
  #idleBytes = 0;
  #readers = 0;

  /** @param maxBytes for all readers together; exceeded only where even the smallest buffers are too many */
  constructor(maxBytes = 16 * mib) {
    this.#maxBytes = maxBytes;
  }

  /** The size in bytes of a buffer taken now. */
  get bufferBytes(): number {
    const size = this.share / buffersPerReader;
    return Math.min(maxBufferBytes, Math.max(minBufferBytes, 2 ** Math.floor(Math.log2(size))));
  }

  /** What each reader may have, in bytes. */
  get share(): number {
    return this.#maxBytes / Math.max(1, this.#readers);
  }

  /** Counts a reader in, who takes at most two buffers; {@link leave} counts it out. */
  enter(): void {
    this.#readers += 1;
  }

  leave(): void {
    this.#readers -= 1;
  }

  /** A buffer of the present size, or just big enough for `needed` bytes where those are few. */
  take(needed: number): Buffer {
    if (needed <= minBufferBytes) return Buffer.allocUnsafe(needed);
    const size = this.bufferBytes;
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      this.#idleBytes -= idle.length;
      if (idle.length === size) return idle;
    }
    return Buffer.allocUnsafeSlow(size);
  }

  /** For others to take; the caller uses it no more. */
  giveBack(buffer: Buffer): void {
    if (buffer.length !== this.bufferBytes || this.#idleBytes + buffer.length > maxIdleBytes) return;
    this.#idle.push(buffer);
    this.#idleBytes += buffer.length;
  }

  /** The buffer itself while it has the size that is right now, else another in its place. */
  renew(buffer: Buffer, needed: number): Buffer {
    if (buffer.length === this.bufferBytes) return buffer;
    this.giveBack(buffer);
    return this.take(needed);
  }
}

export interface ChunkSource {
  /**
   * Reads bytes at `position` into `buffer`; the number of bytes read, 0 at the end.
   * @param end up to which will be read, in order, unless the reader leaves
   */
  readAt(buffer: Uint8Array, position: number, end?: number): Promise<number>;
}

/** A copy, or the rest of it, is not in the store any more. */
export class BytesGone extends UnavailableError {
  override readonly name = 'BytesGone';

  constructor(message = 'the stored bytes are gone') {
    super(message);
  }
}

/**
 * The bytes from `start` up to and without `end`, or to the source's own where it is Infinity. A chunk is only valid until
 * the next one is asked for.
 * @throws BytesGone where the source ends before `end`, and what the source throws
 */
export async function* readChunks(
  source: ChunkSource,
  start: number,
  end: number,
  budget: BufferBudget,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (start >= end) return;
  budget.enter();
  let position = start;
  let front = budget.take(end - start);
  let back: Buffer | undefined;
  let reading = readAhead(source, front, position, end);
  try {
    for (;;) {
      const count = await reading;
      if (count === 0 && end === Number.POSITIVE_INFINITY) return;
      if (count === 0) throw new BytesGone(`the bytes end at ${position} and not at ${end}`);
      position += count;
      if (position >= end) {
        yield front.subarray(0, count);
        return;
      }
      const next = back ? budget.renew(back, end - position) : budget.take(end - position);
      back = next;
      reading = readAhead(source, next, position, end);
      yield front.subarray(0, count);
      [front, back] = [next, front];
    }
  } finally {
    // A buffer that the disk is still writing to is nobody else's yet.
    await reading.catch(() => undefined);
    budget.leave();
    budget.giveBack(front);
    if (back) budget.giveBack(back);
  }
}

/** Its failure is dealt with when it is awaited, which may be much later, or never where the reader leaves. */
function readAhead(source: ChunkSource, buffer: Buffer, position: number, end: number): Promise<number> {
  const reading = source.readAt(buffer.subarray(0, end - position), position, end);
  reading.catch(() => undefined);
  return reading;
}
