/** Counts in memory how many pulls of each group the cache answered, and hands the counts on from time to time. */
import { WriteBehind } from '../concurrency/write-behind.ts';
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

const maxGroups = 100_000;

export class PullCounts {
  readonly #counts: WriteBehind<number, CountedPulls>;

  constructor({ record, flushMs, log }: PullCountsOptions) {
    this.#counts = new WriteBehind({
      record: (counts) => record([...counts.values()]),
      merge: (older, newer) => ({
        groupId: newer.groupId,
        hits: older.hits + newer.hits,
        misses: older.misses + newer.misses,
      }),
      everyMs: flushMs,
      max: maxGroups,
      onFailure: (err) => log.error({ err }, 'hits and misses not recorded; trying again later'),
      onLost: (pulls) => log.error({ pulls }, 'too many groups at once: some hits and misses are lost'),
    });
    this.#counts.start();
  }

  count(groupId: number, isHit: boolean): void {
    this.#counts.add(groupId, { groupId, hits: Number(isHit), misses: Number(!isHit) });
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#counts.flush();
  }

  close(): Promise<void> {
    return this.#counts.close();
  }
}
