/** Counts downloads in memory and hands them on in batches, so that a pull writes nothing. */
import { WriteBehind } from '../concurrency/write-behind.ts';
import type { Log } from '../observe/log.ts';

export interface Download {
  /** Of the entry. */
  readonly id: number;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

export interface UsageOptions {
  readonly record: (downloads: readonly Download[]) => Promise<void>;
  readonly flushMs: number;
  readonly now: () => number;
  readonly log: Log;
}

const maxEntries = 100_000;

export class Usage {
  readonly #downloads: WriteBehind<number, Download>;
  readonly #now: () => number;

  constructor({ record, flushMs, now, log }: UsageOptions) {
    this.#now = now;
    this.#downloads = new WriteBehind({
      record: (downloads) => record([...downloads.values()]),
      merge: (older, newer) => ({ ...newer, count: older.count + newer.count }),
      everyMs: flushMs,
      max: maxEntries,
      onFailure: (err, entries) => log.error({ err, entries }, 'downloads not recorded; trying again later'),
      onLost: (downloads) => log.error({ downloads }, 'too many entries at once: some downloads are lost'),
    });
    this.#downloads.start();
  }

  count(id: number): void {
    this.#downloads.add(id, { id, count: 1, lastAt: this.#now() });
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#downloads.flush();
  }

  close(): Promise<void> {
    return this.#downloads.close();
  }
}
