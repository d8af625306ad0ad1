/**
 * Bytes that wait on the local disk until they make a part: in memory those who send slowly would hold what others need. Its file is used
 * again from its begin once much of it was taken.
 */

import type { LocalFile, LocalSpools } from './local-spools.ts';
import { readFully } from './read-fully.ts';

const maxTakenBytes = 64 * 1024 * 1024;

export class GatheredBytes {
  readonly #spools: LocalSpools;
  #local: LocalFile | undefined;
  #start = 0;
  #end = 0;

  constructor(spools: LocalSpools) {
    this.#spools = spools;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** @throws SpoolError, and the system's error */
  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#local ??= await this.#spools.create();
    await this.#spools.space.take(chunks.reduce((sum, { length }) => sum + length, 0));
    if (this.#start > maxTakenBytes) await this.#moveToBegin(this.#local);
    for (const chunk of chunks) {
      await writeFully(this.#local, chunk, this.#end);
      this.#end += chunk.length;
    }
  }

  /** As of a spool, of what is there. */
  async readAt(buffer: Uint8Array, position: number): Promise<number> {
    const read = this.#local?.file.read(buffer, 0, buffer.length, this.#start + position);
    return (await read)?.bytesRead ?? 0;
  }

  /** Takes the first bytes out, to the end of `into`. */
  async takeInto(into: Uint8Array): Promise<void> {
    await readFully(this, into, 0);
    this.#start += into.length;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  async close(): Promise<void> {
    await this.#local?.remove();
    await this.#local?.file.close();
    this.#local = undefined;
  }

  async #moveToBegin(local: LocalFile): Promise<void> {
    const rest = Buffer.allocUnsafe(this.length);
    await readFully(this, rest, 0);
    await writeFully(local, rest, 0);
    [this.#start, this.#end] = [0, rest.length];
  }
}

async function writeFully({ file }: LocalFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
