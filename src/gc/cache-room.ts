/**
 * Room for one more blob: asked for when a fill has its bytes, and its clients theirs, so that nobody waits for it. It is reserved in
 * the records, where the eviction of whichever process sees it. Whoever passes a high water mark wakes the eviction; whoever finds the
 * cache full waits a while for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { CacheScope } from '../metadata/cache-sizes.ts';
import type { Database } from '../metadata/database.ts';
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
  #waking: NodeJS.Timeout | undefined;
  #wokenAt = Number.NEGATIVE_INFINITY;

  constructor(options: CacheRoomOptions) {
    this.#options = options;
  }

  /** @param size of a blob that is about to be linked in these groups, in bytes */
  async admit(groupIds: ReadonlySet<number>, size: number): Promise<Admission> {
    const { database, marks, observer, log } = this.#options;
    const refused = new Set<number>();
    const reservations: number[] = [];
    const limits: Limit[] = [];
    const reserve = async (limit: Limit | undefined) => {
      if (!limit) return true;
      limits.push(limit);
      const reservation = await this.#reserve(limit, size);
      if (reservation !== undefined) reservations.push(reservation);
      return reservation !== undefined;
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
        await database.cacheSizes.release(reservations);
        for (const limit of limits) await this.#check(limit);
      },
    };
  }

  /** A blob that was here already has been linked in a group. */
  async grew(groupId: number): Promise<void> {
    const limit = await this.#limitOf(groupId);
    if (limit) await this.#check(limit);
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

  /** Undefined where no room was to be had. First come, first served. */
  async #reserve({ scope, maxBytes }: Limit, size: number): Promise<number | undefined> {
    if (size > maxBytes) return undefined;
    const { now, hasRunSince } = this.#options;
    const { cacheSizes } = this.#options.database;
    const startedAt = now();
    const reservation = await cacheSizes.reserve(scope, size, startedAt + reservedMs);
    const hasRoom = async () => (await cacheSizes.demandOn(scope, reservation)) <= maxBytes;
    const endsAt = performance.now() + (this.#options.waitMs ?? defaultWaitMs);
    while (!(await hasRoom())) {
      const isInVain = this.#stopping.signal.aborted || performance.now() > endsAt;
      if (isInVain || ((await hasRunSince(startedAt)) && !(await hasRoom()))) {
        await cacheSizes.release([reservation]);
        return undefined;
      }
      this.#wake();
      await sleep(pollMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    return reservation;
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
