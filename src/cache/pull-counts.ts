/** Counts in memory how many pulls of each group the cache answered, and hands the counts on from time to time. */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Log } from '../observe/log.ts';

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
  readonly #runs: RepeatedRun;
  #counts = new Map<number, { hits: number; misses: number }>();

  constructor(options: PullCountsOptions) {
    this.#options = options;
    this.#runs = new RepeatedRun({
      run: () => this.#record(),
      everyMs: options.flushMs,
      onFailure: (err) => options.log.error({ err }, 'hits and misses not recorded; trying again later'),
    });
    this.#runs.start();
  }

  count(groupId: number, isHit: boolean): void {
    const known = this.#counts.get(groupId) ?? { hits: 0, misses: 0 };
    if (isHit) known.hits += 1;
    else known.misses += 1;
    this.#counts.set(groupId, known);
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#runs.flush();
  }

  async close(): Promise<void> {
    await this.#runs.stop();
    await this.flush();
  }

  async #record(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = this.#counts;
    this.#counts = new Map();
    try {
      await this.#options.record([...counts].map(([groupId, each]) => ({ groupId, ...each })));
    } catch (error) {
      for (const [groupId, { hits, misses }] of counts) {
        const newer = this.#counts.get(groupId) ?? { hits: 0, misses: 0 };
        this.#counts.set(groupId, { hits: hits + newer.hits, misses: misses + newer.misses });
      }
      throw error;
    }
  }
}
