/** Counts downloads in memory and hands them on in batches, so that a pull writes nothing. */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Log } from '../observe/log.ts';

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
  readonly #runs: RepeatedRun;
  #counts = new Map<Id, { count: number; lastAt: number }>();

  constructor(options: UsageOptions<Id>) {
    this.#options = options;
    this.#runs = new RepeatedRun({
      run: () => this.#record(),
      everyMs: options.flushMs,
      onFailure: (err) =>
        options.log.error({ err, entries: this.#counts.size }, 'downloads not recorded; trying again later'),
    });
    this.#runs.start();
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
      await this.#options.record([...counts].map(([id, each]) => ({ id, ...each })));
    } catch (error) {
      for (const [id, { count, lastAt }] of counts) {
        const newer = this.#counts.get(id);
        this.#counts.set(id, { count: count + (newer?.count ?? 0), lastAt: newer?.lastAt ?? lastAt });
      }
      throw error;
    }
  }
}
