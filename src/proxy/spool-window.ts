/**
 * A spool while it grows, with the bytes that came last in memory: they are written while the next ones come, and who reads them as they
 * come needs no disk. What others read who are behind is brought into memory for all of them.
 */
import { freeMemory } from '../oci/free-memory.ts';
import type { Spool } from '../storage/blob-store.ts';
import { type BufferBudget, minBufferBytes } from '../storage/chunk-reader.ts';

/** So much is kept of what came or was read last, and so much more for each who reads at the moment; less while there are many fills. */
const keptBytes = 2 * 1024 * 1024;
const blockBytes = 256 * 1024;

interface Block {
  /** Position of its first byte in the spool. */
  readonly start: number;
  readonly bytes: Uint8Array;
  readers: number;
  isKept: boolean;
  /** Until it is read from the disk. */
  readonly loading?: Promise<void> | undefined;
}

export interface LentBytes {
  /** Valid until they are released. */
  readonly bytes: Uint8Array;
  release(): void;
}

export class SpoolWindow {
  readonly #spool: Spool;
  readonly #buffers: BufferBudget;
  readonly #onWritten: (bytes: Uint8Array) => void;
  /** Those that were lent last are the last. */
  readonly #blocks: Block[] = [];
  #keptBytes = 0;
  #asideBytes = 0;
  #lent = 0;
  #received = 0;
  #length = 0;
  readonly #failing = new AbortController();
  #writing = Promise.resolve();

  /** @param onWritten hears of bytes that are in the spool now, in their order */
  constructor(spool: Spool, buffers: BufferBudget, onWritten: (bytes: Uint8Array) => void) {
    this.#spool = spool;
    this.#buffers = buffers;
    this.#onWritten = onWritten;
    buffers.enter();
  }

  /** How many bytes are in the spool, and can be lent. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes have come. */
  get received(): number {
    return this.#received;
  }

  /** Aborted, with the SpoolError, as soon as something cannot be written; nothing more is from then on. */
  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  /** @param bytes are the window's from now on; they are written once those before them are, which is waited for. @throws SpoolError */
  async add(bytes: Uint8Array): Promise<void> {
    const start = this.#received;
    this.#received += bytes.length;
    const before = this.#writing;
    this.#writing = before.then(() => this.#append(start, bytes));
    this.#writing.catch((error: unknown) => this.#failing.abort(error));
    await before;
  }

  /** Until all that came is in the spool. @throws SpoolError */
  written(): Promise<void> {
    return this.#writing;
  }

  /** Some of the bytes from a position on that is in the spool. @throws what reading throws */
  async lend(position: number): Promise<LentBytes> {
    // So much is kept by readers who are slow to take what they were lent that each reads little, alone.
    if (this.#asideBytes > this.#buffers.share) return this.#readAside(position);
    const block = this.#find(position) ?? this.#load(position);
    block.readers += 1;
    this.#lent += 1;
    const release = () => this.#release(block);
    try {
      await block.loading;
    } catch (error) {
      this.#forget(block);
      release();
      throw error;
    }
    return { bytes: block.bytes.subarray(position - block.start), release };
  }

  /** Nobody adds nor reads any more. */
  close(): void {
    for (const block of [...this.#blocks]) this.#forget(block);
    this.#buffers.leave();
  }

  async #append(start: number, bytes: Uint8Array): Promise<void> {
    await this.#spool.append(bytes);
    this.#length += bytes.length;
    this.#onWritten(bytes);
    this.#keep({ start, bytes, readers: 0, isKept: true });
  }

  #find(position: number): Block | undefined {
    const index = this.#blocks.findLastIndex(
      ({ start, bytes }) => start <= position && position < start + bytes.length,
    );
    const [block] = index < 0 ? [] : this.#blocks.splice(index, 1);
    if (block) this.#blocks.push(block);
    return block;
  }

  /** From the disk, for others who are behind, too: whereabouts they are, it is the same block. */
  #load(position: number): Block {
    const start = position - (position % blockBytes);
    const bytes = Buffer.allocUnsafeSlow(Math.min(blockBytes, this.#length - start));
    return this.#keep({ start, bytes, readers: 0, isKept: true, loading: this.#read(bytes, start) });
  }

  async #readAside(position: number): Promise<LentBytes> {
    const bytes = Buffer.allocUnsafe(Math.min(minBufferBytes, this.#length - position));
    await this.#read(bytes, position);
    return { bytes, release: () => undefined };
  }

  async #read(into: Buffer, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const count = await this.#spool.readAt(into.subarray(done), position + done);
      if (count === 0) throw new Error(`the spool ends at ${position + done}`);
      done += count;
    }
  }

  #keep(block: Block): Block {
    this.#blocks.push(block);
    this.#keptBytes += block.bytes.length;
    const most = Math.min(keptBytes + this.#lent * blockBytes, this.#buffers.share);
    for (const oldest of [...this.#blocks])
      if (this.#keptBytes > most && oldest !== block) this.#forget(oldest);
    return block;
  }

  #forget(block: Block): void {
    if (!block.isKept) return;
    block.isKept = false;
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    this.#keptBytes -= block.bytes.length;
    if (block.readers > 0) this.#asideBytes += block.bytes.length;
    else freeMemory(block.bytes);
  }

  #release(block: Block): void {
    this.#lent -= 1;
    block.readers -= 1;
    if (block.isKept || block.readers > 0) return;
    this.#asideBytes -= block.bytes.length;
    freeMemory(block.bytes);
  }
}
