/** Counts in memory how many pulls of each group the cache answered, and hands the counts on from time to time. */
import type { Log } from '../log.ts';

export interface CountedPulls {
  readonly groupId: number;
  readonly hits: number;
  readonly misses: number;
}

export interface PullCountsOptions {
  readonly record: (pulls: readonly CountedPulls[]) => Promise<void>;
  readonly flushMs: number;
  readonly log: Log;
}

export class PullCounts {
  readonly #options: PullCountsOptions;
  readonly #timer: NodeJS.Timeout;
  #counts = new Map<number, { hits: number; misses: number }>();
  #flushing = Promise.resolve();

  constructor(options: PullCountsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.flush(), options.flushMs).unref();
  }

  count(groupId: number, isHit: boolean): void {
    const known = this.#counts.get(groupId) ?? { hits: 0, misses: 0 };
    if (isHit) known.hits += 1;
    else known.misses += 1;
    this.#counts.set(groupId, known);
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
      await this.#options.record([...counts].map(([groupId, each]) => ({ groupId, ...each })));
    } catch (error) {
      this.#options.log.error({ err: error }, 'hits and misses not recorded; trying again later');
      for (const [groupId, { hits, misses }] of counts) {
        const newer = this.#counts.get(groupId) ?? { hits: 0, misses: 0 };
        this.#counts.set(groupId, { hits: hits + newer.hits, misses: misses + newer.misses });
      }
    }
  }
}
