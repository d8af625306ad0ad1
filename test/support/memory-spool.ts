/** A spool in memory that can be full. */
import type { Digest } from '../../src/oci/digest.ts';
import { type Spool, SpoolError, type StorageKey } from '../../src/storage/blob-store.ts';

export class MemorySpool implements Spool {
  #room: number;
  readonly #chunks: Buffer[] = [];
  state: 'open' | 'committed' | 'aborted' | 'closed' = 'open';
  length = 0;

  /** @param room in bytes */
  constructor(room = Number.POSITIVE_INFINITY) {
    this.#room = room;
  }

  /** From now on it takes nothing. */
  fill(): void {
    this.#room = 0;
  }

  async append(...chunks: readonly Uint8Array[]): Promise<void> {
    const appended = Buffer.concat(chunks);
    if (this.length + appended.length > this.#room) throw new SpoolError('no space left on device');
    this.#chunks.push(appended);
    this.length += appended.length;
  }

  async readAt(buffer: Uint8Array, position: number): Promise<number> {
    if (this.state === 'closed') throw new Error('the spool is closed');
    return Buffer.concat(this.#chunks).copy(buffer, 0, position);
  }

  async commit(digest: Digest): Promise<StorageKey> {
    this.state = 'committed';
    return `memory/${digest}`;
  }

  async abort(): Promise<void> {
    if (this.state === 'open') this.state = 'aborted';
  }

  async close(): Promise<void> {
    if (this.state !== 'committed') this.state = 'closed';
  }
}
