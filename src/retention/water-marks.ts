/** When a cache is given room in, and how much: shares of its limit. */
export interface WaterMarksOptions {
  /** Of the whole cache, in bytes; undefined: none. */
  readonly maxBytes: number | undefined;
  /** Entries are evicted above it. */
  readonly highPercent: number;
  /** Until this is reached. */
  readonly lowPercent: number;
}

export class WaterMarks {
  readonly maxBytes: number | undefined;
  readonly #highPercent: number;
  readonly #lowPercent: number;

  constructor({ maxBytes, highPercent, lowPercent }: WaterMarksOptions) {
    this.maxBytes = maxBytes;
    this.#highPercent = highPercent;
    this.#lowPercent = lowPercent;
  }

  /** Of this limit, in bytes. */
  highOf(maxBytes: number): number {
    return Math.floor((maxBytes / 100) * this.#highPercent);
  }

  lowOf(maxBytes: number): number {
    return Math.floor((maxBytes / 100) * this.#lowPercent);
  }
}
