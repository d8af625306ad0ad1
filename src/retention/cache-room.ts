/**
 * Room for one more blob: asked for when a fill has its bytes, and its clients theirs, so that nobody waits for it. Whoever
 * passes a high water mark wakes the eviction. Whoever finds the cache above it reserves room in the records, where the eviction of
 * whichever process sees it, and waits a while.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NextRun } from '../concurrency/next-run.ts';
import type { CacheScope } from '../metadata/cached/cache-sizes.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { CacheObserver } from './cache-observer.ts';
import type { WaterMarks } from './water-marks.ts';

export interface CacheRoomOptions {
  readonly database: Pick<Database, 'cacheSizes' | 'groupCaches'>;
  readonly marks: WaterMarks;
  /** Runs the eviction at once, in whichever process. */
  readonly wake: () => void;
  /** Whether a whole run of the eviction has come to its end since then. @param at epoch milliseconds */
  readonly hasRunSince: (at: number) => Promise<boolean>;
  readonly observer: CacheObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long is waited for room. */
  readonly waitMs?: number;
}

/** Groups in which the blob may not be linked; to be released once it is linked in the others. */
export interface Admission {
  readonly refused: ReadonlySet<number>;
  release(): Promise<void>;
}

type Release = () => Promise<void>;

interface Limit {
  readonly scope: CacheScope;
  readonly maxBytes: number;
}

const defaultWaitMs = 10_000;
const pollMs = 50;
/** Between two wakings. */
const wakeMs = 200;
/** Longer than it takes to find room and to record a blob. */
const reservedMs = 120_000;

export class CacheRoom {
  readonly #options: CacheRoomOptions;
  readonly #stopping = new AbortController();
  /** Bytes that found room at once and are not linked yet. */
  readonly #held = new Map<CacheScope, number>();
  /** Bytes that wait for room. */
  readonly #waiting = new Map<CacheScope, number>();
  readonly #leaving: NextRun<number>;
  #waking: NodeJS.Timeout | undefined;
  #wokenAt = Number.NEGATIVE_INFINITY;

  constructor(options: CacheRoomOptions) {
    this.#options = options;
    this.#leaving = new NextRun(() => options.database.cacheSizes.leavingBytes());
  }

  /** @param size of a blob that is about to be linked in these groups, in bytes */
  async admit(groupIds: ReadonlySet<number>, size: number): Promise<Admission> {
    const { marks, observer, log } = this.#options;
    const refused = new Set<number>();
    const releases: Release[] = [];
    const reserve = async (limit: Limit | undefined) => {
      if (!limit) return true;
      const release = await this.#reserve(limit, size);
      if (release) releases.push(release);
      return release !== undefined;
    };
    const { maxBytes } = marks;
    const isAdmitted = await reserve(maxBytes === undefined ? undefined : { scope: 'all', maxBytes });
    for (const groupId of groupIds)
      if (!isAdmitted || !(await reserve(await this.#limitOf(groupId)))) refused.add(groupId);
    if (refused.size === groupIds.size) {
      observer.notKept(size);
      log.warn({ size, groups: [...refused] }, 'the cache is full: a blob is passed on, not kept');
    }
    return {
      refused,
      release: async () => {
        for (const release of releases) await release();
      },
    };
  }

  /** A blob that was here already has been linked in a group. */
  async grew(groupId: number): Promise<void> {
    const limit = await this.#limitOf(groupId);
    if (limit) await this.#check(limit);
  }

  /** How many bytes a group may link one after the other before the first may be evicted for the last; undefined: any number. */
  async lastingBytes(groupId: number): Promise<number | undefined> {
    const { marks } = this.#options;
    const limits = [marks.maxBytes, (await this.#limitOf(groupId))?.maxBytes].filter(
      (bytes) => bytes !== undefined,
    );
    return limits.length === 0 ? undefined : marks.lowOf(Math.min(...limits));
  }

  /** Those who wait for room go without. */
  close(): void {
    this.#stopping.abort();
    clearTimeout(this.#waking);
  }

  async #limitOf(groupId: number): Promise<Limit | undefined> {
    const { maxBytes } = await this.#options.database.groupCaches.find(groupId);
    return maxBytes === undefined ? undefined : { scope: groupId, maxBytes };
  }

  /** Undefined where no room was to be had. Where there is plenty, this process alone remembers. */
  async #reserve(limit: Limit, size: number): Promise<Release | undefined> {
    const { scope, maxBytes } = limit;
    if (size > maxBytes) return undefined;
    // Taken before it is looked whether it is there: whoever asks meanwhile sees it.
    const giveBack = this.#hold(scope, size);
    const { demand, leaving } = await this.#occupied(scope).catch((error: unknown) => {
      giveBack();
      throw error;
    });
    if (demand + leaving > this.#options.marks.highOf(maxBytes)) {
      giveBack();
      return this.#wait(limit, size);
    }
    return async () => {
      giveBack();
      await this.#check(limit);
    };
  }

  #hold(scope: CacheScope, size: number): () => void {
    this.#held.set(scope, this.#heldIn(scope) + size);
    return () => this.#held.set(scope, this.#heldIn(scope) - size);
  }

  /** As many as fit between the high water mark and the limit, or one: what waits takes room itself. */
  async #wait(limit: Limit, size: number): Promise<Release | undefined> {
    const { scope, maxBytes } = limit;
    const waiting = this.#waiting.get(scope) ?? 0;
    if (waiting > 0 && waiting + size > maxBytes - this.#options.marks.highOf(maxBytes)) {
      this.#wake();
      return undefined;
    }
    this.#waiting.set(scope, waiting + size);
    try {
      return await this.#waitInTurn(limit, size);
    } finally {
      this.#waiting.set(scope, (this.#waiting.get(scope) ?? 0) - size);
    }
  }

  /** First come, first served, of all processes. */
  async #waitInTurn(limit: Limit, size: number): Promise<Release | undefined> {
    const { scope, maxBytes } = limit;
    const { database, marks, now, hasRunSince, waitMs = defaultWaitMs } = this.#options;
    const { cacheSizes } = database;
    const startedAt = now();
    const reservation = await cacheSizes.reserve(scope, size, startedAt + reservedMs);
    const high = marks.highOf(maxBytes);
    const fits = (bytes: number) => bytes - size <= high && bytes <= maxBytes;
    const endsAt = performance.now() + waitMs;
    for (;;) {
      const isAllGivenUp = await hasRunSince(startedAt);
      const { demand, leaving } = await this.#occupied(scope, reservation);
      if (fits(demand + leaving)) break;
      const isOver = this.#stopping.signal.aborted || performance.now() > endsAt;
      // Or all that could be given up was, and it is not enough, once it is gone.
      if (isOver || (isAllGivenUp && !fits(demand))) {
        await cacheSizes.release([reservation]);
        return undefined;
      }
      this.#wake();
      await sleep(pollMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    return async () => {
      await cacheSizes.release([reservation]);
      await this.#check(limit);
    };
  }

  #heldIn(scope: CacheScope): number {
    return this.#held.get(scope) ?? 0;
  }

  /**
   * Bytes that are held or linked, and those that are evicted but not off the disk: looked up in this order, so that what moves on meanwhile
   * counts twice rather than not at all. @param reservation as for {@link CacheSizes.demandOn}
   */
  async #occupied(scope: CacheScope, reservation?: number) {
    const held = this.#heldIn(scope);
    const demand = held + (await this.#options.database.cacheSizes.demandOn(scope, reservation));
    return { demand, leaving: scope === 'all' ? await this.#leaving.ask() : 0 };
  }

  async #check({ scope, maxBytes }: Limit): Promise<void> {
    const { database, marks } = this.#options;
    if ((await database.cacheSizes.demandOn(scope)) > marks.highOf(maxBytes)) this.#wake();
  }

  /** Soon, and not for everyone who asks: each time is written down. */
  #wake(): void {
    if (this.#waking || this.#stopping.signal.aborted) return;
    const sinceMs = performance.now() - this.#wokenAt;
    this.#waking = setTimeout(
      () => {
        this.#waking = undefined;
        this.#wokenAt = performance.now();
        this.#options.wake();
      },
      Math.max(0, wakeMs - sinceMs),
    );
  }
}
