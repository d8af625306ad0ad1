/** Counts downloads in memory and hands them on in batches, so that a pull writes nothing. */
import type { Log } from '../log.ts';

/** @typeParam Id what is downloaded is known by: a number or text */
export interface Download<Id = number> {
  readonly id: Id;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

export interface UsageOptions<Id = number> {
  readonly record: (downloads: readonly Download<Id>[]) => Promise<void>;
  readonly flushMs: number;
  readonly now: () => number;
  readonly log: Log;
}

export class Usage<Id extends number | string = number> {
  readonly #options: UsageOptions<Id>;
  readonly #timer: NodeJS.Timeout;
  #counts = new Map<Id, { count: number; lastAt: number }>();
  #flushing = Promise.resolve();

  constructor(options: UsageOptions<Id>) {
    this.#options = options;
    this.#timer = setInterval(() => this.flush(), options.flushMs).unref();
  }

  count(id: Id): void {
    const known = this.#counts.get(id);
    const now = this.#options.now();
    if (!known) {
      this.#counts.set(id, { count: 1, lastAt: now });
      return;
    }
    known.count += 1;
    known.lastAt = now;
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#record());
    return this.#flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #record(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = this.#counts;
    this.#counts = new Map();
    try {
      await this.#options.record([...counts].map(([id, each]) => ({ id, ...each })));
    } catch (error) {
      this.#options.log.error(
        { err: error, entries: counts.size },
        'downloads not recorded; trying again later',
      );
      for (const [id, { count, lastAt }] of counts) {
        const newer = this.#counts.get(id);
        this.#counts.set(id, { count: count + (newer?.count ?? 0), lastAt: newer?.lastAt ?? lastAt });
      }
    }
  }
}
