/**
 * Keeps the cache, and that of each group with a limit of its own, below its high water mark: a task that is woken when a mark is
 * passed, and gives up entries until the low one is reached.
 */

import type { Removed } from '../metadata/cached/cache-evictions.ts';
import type { CacheScope } from '../metadata/cached/cache-sizes.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { CacheObserver } from './cache-observer.ts';
import { EntryEviction } from './entry-eviction.ts';
import type { WaterMarks } from './water-marks.ts';

export interface CacheBoundOptions {
  readonly database: Database;
  readonly marks: WaterMarks;
  /** Records the downloads that are only counted in memory yet. */
  readonly flushUsage: () => Promise<void>;
  /** Something was given up: its bytes can go. */
  readonly onEvicted: () => void;
  readonly observer: CacheObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export const cacheBoundTask = 'cache.evict';
const everyMs = 60_000;

export class CacheBound {
  readonly name = cacheBoundTask;
  readonly everyMs = everyMs;
  readonly #options: CacheBoundOptions;
  readonly #eviction: EntryEviction;

  constructor(options: CacheBoundOptions) {
    this.#options = options;
    this.#eviction = new EntryEviction(options);
  }

  /** @throws what the database throws */
  async run(signal: AbortSignal): Promise<{ readonly result: { readonly entries: number; bytes: number } }> {
    const { database, marks, flushUsage } = this.#options;
    await database.cacheSizes.fold();
    await database.cachePulls.forgetOld();
    const limits: readonly (readonly [CacheScope, number])[] = [
      ...(await database.groupCaches.listLimited()).map(
        ({ groupId, maxBytes }) => [groupId, maxBytes] as const,
      ),
      ...(marks.maxBytes === undefined ? [] : [['all', marks.maxBytes] as const]),
    ];
    const result = { entries: 0, bytes: 0 };
    let isFlushed = false;
    for (const [scope, maxBytes] of limits) {
      if (signal.aborted || (await database.cacheSizes.demandOn(scope)) <= marks.highOf(maxBytes)) continue;
      if (!isFlushed) await flushUsage();
      isFlushed = true;
      const { entries, bytes } = await this.#shrink(scope, maxBytes, signal);
      result.entries += entries;
      result.bytes += bytes;
    }
    return { result };
  }

  async #shrink(scope: CacheScope, maxBytes: number, signal: AbortSignal): Promise<Removed> {
    const { database, marks, now, onEvicted, observer, log } = this.#options;
    const startedAt = now();
    const low = marks.lowOf(maxBytes);
    let entries = 0;
    let bytes = 0;
    const isEnough = await this.#eviction.run({
      scope,
      usedBefore: startedAt,
      signal,
      isEnough: async (tx) => (await tx.cacheSizes.demandOn(scope)) <= low,
      record: async (tx, removed) => {
        for (const [groupId, each] of removed)
          await tx.groupCaches.noteEviction(groupId, startedAt, each.entries, each.bytes);
        return true;
      },
      onRemoved: (removed) => {
        for (const each of removed.values()) {
          entries += each.entries;
          bytes += each.bytes;
        }
        onEvicted();
      },
    });
    observer.evicted('size', entries, bytes);
    const fields = { group: scope === 'all' ? undefined : scope, entries, bytes, maxBytes };
    const left = await database.cacheSizes.bytesOf(scope);
    if (isEnough) log.info({ ...fields, left }, 'entries were evicted for room');
    else if (left > low)
      log.warn({ ...fields, left }, 'nothing more can be evicted: all that is left is pinned or in use');
    return { entries, bytes };
  }
}
