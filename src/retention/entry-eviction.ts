/**
 * Gives up entries, the least recently used first. An entry that something used later still needs, or that is pinned, is not given up
 * but moves on in the order, so that it is not looked at again before its turn comes: the work follows what is given up.
 */
import type { EvictionCandidate, Removed } from '../metadata/cached/cache-evictions.ts';
import type { CacheScope } from '../metadata/cached/cache-sizes.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Records } from '../metadata/db/records.ts';
import { PinnedImages } from './pinned-images.ts';

export interface EvictionOptions {
  readonly database: Database;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type RemovedByGroup = ReadonlyMap<number, Removed>;

export interface EvictionRun {
  readonly scope: CacheScope;
  /** Only what was not used since; epoch milliseconds. */
  readonly usedBefore: number;
  /** Asked before each entry: whether the run is over. */
  isEnough(tx: Records): Promise<boolean>;
  /** What one transaction removed of each group, as part of it; false ends the run. */
  record(tx: Records, removed: RemovedByGroup): Promise<boolean>;
  /** The same once it is done. */
  onRemoved(removed: RemovedByGroup): void;
  readonly signal: AbortSignal;
}

/** Looked for at once. */
const batchSize = 250;
/** In one transaction, which on SQLite keeps all others waiting. */
const stepSize = 10;

export class EntryEviction {
  readonly #options: EvictionOptions;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** True when it is enough, or was ended; false when there was nothing more to give up. @throws what the database throws */
  async run(run: EvictionRun): Promise<boolean> {
    const { database } = this.#options;
    const groupId = run.scope === 'all' ? undefined : run.scope;
    const pinned = new PinnedImages(await database.cachePins.listByUpstream(groupId));
    for (;;) {
      const batch = await database.cacheEvictions.listOldest(run.scope, run.usedBefore, batchSize);
      if (batch.length === 0) return false;
      for (let start = 0; start < batch.length; start += stepSize) {
        if (run.signal.aborted) return true;
        const step = batch.slice(start, start + stepSize);
        const { removed, isOver } = await database.transaction((tx) => this.#step(tx, run, step, pinned));
        if (removed.size > 0) run.onRemoved(removed);
        if (isOver) return true;
      }
    }
  }

  async #step(
    tx: Records,
    run: EvictionRun,
    step: readonly EvictionCandidate[],
    pinned: PinnedImages,
  ): Promise<{ readonly removed: RemovedByGroup; readonly isOver: boolean }> {
    const removed = new Map<number, Removed>();
    let isOver = false;
    for (const candidate of step) {
      isOver = await run.isEnough(tx);
      if (isOver) break;
      const { entries, bytes } = await this.#decide(tx, candidate, pinned);
      const before = removed.get(candidate.groupId) ?? nothing;
      if (entries > 0)
        removed.set(candidate.groupId, {
          entries: before.entries + entries,
          bytes: before.bytes + bytes,
        });
    }
    const mayGoOn = await run.record(tx, removed);
    return { removed, isOver: isOver || !mayGoOn };
  }

  async #decide(tx: Records, candidate: EvictionCandidate, pinned: PinnedImages): Promise<Removed> {
    const { cacheEvictions } = tx;
    const { id, kind, usedAt, holderUsedAt } = candidate;
    const twins = kind === 'manifest' ? await cacheEvictions.listTwins(candidate) : [];
    const ids = [id, ...twins.map((twin) => twin.id)];
    if ([candidate, ...twins].some(({ reference }) => pinned.has({ ...candidate, reference }))) {
      await cacheEvictions.postpone(ids, this.#options.now());
    } else if (holderUsedAt !== undefined) {
      // After what holds it in any case: that is looked at first, and takes it along.
      await cacheEvictions.postpone(ids, Math.max(holderUsedAt, usedAt + 1));
    } else if (twins.some((twin) => twin.usedAt > usedAt)) {
      await cacheEvictions.postpone([id], Math.max(...twins.map((twin) => twin.usedAt)));
    } else {
      return kind === 'manifest'
        ? cacheEvictions.removeManifest(candidate)
        : cacheEvictions.removeEntry(candidate);
    }
    return nothing;
  }
}

const nothing: Removed = { entries: 0, bytes: 0 };
