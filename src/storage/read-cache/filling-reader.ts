/** Reads a blob that is not in the cache: with those who copy it where it is read from its beginning, else from the store. */
import type { BlobReader } from '../blob-store.ts';
import { BytesGone } from '../chunk-reader.ts';
import type { CacheFill } from './cache-fill.ts';

/** Who reads further ahead of a fill than this, as clients do that want only a part, asks the store. */
const maxWaitBytes = 16 * 1024 * 1024;

export interface FillingTools {
  /** Of the store; undefined where it has the blob no more. */
  readonly reopen: () => Promise<BlobReader | undefined>;
  /** @param source the fill's from now on, and its reader counted in, where the fill is its own */
  readonly join: (
    source: BlobReader,
  ) => Promise<{ readonly fill: CacheFill; readonly isOwn: boolean } | undefined>;
}

export class FillingReader implements BlobReader {
  readonly size: number;
  readonly #tools: FillingTools;
  #source: BlobReader | undefined;
  #fill: CacheFill | undefined;
  #isClosed = false;

  /** @param source owned by the reader from now on */
  constructor(source: BlobReader, tools: FillingTools) {
    this.size = source.size;
    this.#source = source;
    this.#tools = tools;
  }

  async readAt(buffer: Uint8Array, position: number, end?: number): Promise<number> {
    if (position === 0 && this.#wantsAll(end)) await this.#join();
    const fill = this.#fill;
    if (fill && position < fill.length + maxWaitBytes && (await fill.has(position)))
      return fill.readAt(buffer, position);
    return (await this.#open()).readAt(buffer, position, end);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fill?.leave();
    await this.#source?.close();
  }

  /** Who wants only the beginning does not pay for the rest. */
  #wantsAll(end = 0): boolean {
    return !this.#fill && end >= this.size;
  }

  async #join(): Promise<void> {
    const joined = this.#source && (await this.#tools.join(this.#source));
    if (joined?.isOwn) this.#source = undefined;
    else if (!joined?.fill.enter()) return;
    this.#fill = joined.fill;
  }

  async #open(): Promise<BlobReader> {
    this.#source ??= await this.#tools.reopen();
    if (!this.#source) throw new BytesGone();
    return this.#source;
  }
}
