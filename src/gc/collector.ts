/**
 * Takes what is due and removes it where nothing holds it: each in a short transaction of its own, in which nobody can begin to rely on
 * it. Bytes go after their record: whoever dies in between leaves bytes that no record knows, never a record without bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GcCounts } from '../metadata/collector/gc-runs.ts';
import {
  type ClaimedReview,
  type Due,
  type Review,
  type ReviewKind,
  reviewKinds,
} from '../metadata/collector/review-queue.ts';
import type { Database } from '../metadata/db/database.ts';
import { inBatches } from '../metadata/db/in-batches.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { BlobStore, StorageKey } from '../storage/blob-store.ts';
import type { GcObserver, ReviewResult } from './gc-observer.ts';
import { hold, removeGarbage } from './removal.ts';
import { judge, type Rules, type Verdict } from './verdict.ts';

export interface CollectorOptions extends Rules {
  readonly database: Pick<Database, 'transaction' | 'reviewQueue' | 'gcRuns' | 'cacheSizes'>;
  readonly store: Pick<BlobStore, 'delete'>;
  /** At most so many reviews in a second; 0: no limit. */
  readonly reviewsPerSecond: number;
  readonly observer: GcObserver;
  readonly log: Log;
}

export interface Outcome {
  readonly review: Review;
  readonly verdict: Verdict | { readonly is: 'failed'; readonly error: string };
  /** Of the blob or payload that was removed. */
  readonly bytes: number;
}

export interface RunOptions {
  /** Also what is not due yet. */
  readonly isEarly?: boolean;
  /** Only what this repository has, and what becomes of use to nobody by that. */
  readonly repositoryId?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Rows that one worker takes at once, and how long it may take for them. */
const claimed = 20;
const claimMs = 5 * 60 * 1000;
/** How long what was evicted may take to leave the disk: whoever dies meanwhile, or cannot delete it, keeps others from its room no longer. */
const leavingMs = 5 * 60 * 1000;
const firstPauseMs = 10_000;
const maxPauseMs = 24 * 60 * 60 * 1000;
const maxErrorLength = 500;

type Counts = { -readonly [Name in keyof GcCounts]: number };

/** One run: its options, and what came of it so far. */
interface Run extends RunOptions {
  readonly counts: Counts;
  /** What was taken out of the repository, where the run is about one. */
  readonly freed: Set<Digest> | undefined;
  /** When the next review may begin, as of performance.now(). */
  nextAt: number;
}

interface Decision {
  readonly verdict: Verdict;
  readonly bytes: number;
  /** Bytes to delete. */
  readonly storageKey?: StorageKey | undefined;
  /** What keeps their room, where they were evicted for it. */
  readonly leaving?: number | undefined;
}

export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * Until nothing is due any more, or the signal is given. What it did, which is also recorded and logged.
   * @throws what the database throws, but not for one review
   */
  async run(options: RunOptions = {}): Promise<GcCounts> {
    const { database, log, now } = this.#options;
    const startedAt = now();
    const counts = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };
    const freed = options.repositoryId === undefined ? undefined : new Set<Digest>();
    const run: Run = { ...options, counts, freed, nextAt: 0 };
    // A batch of each in turn: where one comes up for review all the time, the others are not kept waiting.
    for (let taken = 1; taken > 0 && !options.signal?.aborted; ) {
      taken = 0;
      for (const kind of reviewKinds) taken += await this.#takeSome(kind, run);
    }
    if (counts.reviewed + counts.failed === 0) return counts;
    await database.gcRuns.add({ ...counts, startedAt, endedAt: now() });
    log.info({ ...counts, ms: now() - startedAt }, 'the collector looked at what was due');
    return counts;
  }

  /** How many reviews were claimed. */
  async #takeSome(kind: ReviewKind, run: Run): Promise<number> {
    const { isEarly = false, repositoryId, freed } = run;
    const ofRepository = kind === 'manifest' || kind === 'link';
    if (ofRepository || !freed) return this.#takeBatch(kind, { isEarly, repositoryId, limit: claimed }, run);
    let taken = 0;
    for (const digests of inBatches([...freed]))
      taken += await this.#takeBatch(kind, { isEarly, digests, limit: claimed }, run);
    return taken;
  }

  async #takeBatch(kind: ReviewKind, due: Due, run: Run): Promise<number> {
    const { reviewQueue } = this.#options.database;
    const reviews = await reviewQueue.claim(kind, due, claimMs);
    for (const [index, review] of reviews.entries()) {
      if (run.signal?.aborted) {
        await reviewQueue.release(reviews.slice(index));
        break;
      }
      await this.#pace(run);
      await this.#one(review, run);
    }
    return reviews.length;
  }

  async #one(review: ClaimedReview, run: Run): Promise<void> {
    const { database, observer, log, now } = this.#options;
    const startedAt = performance.now();
    const report = (result: ReviewResult) =>
      observer.reviewed(review.kind, result, (performance.now() - startedAt) / 1000);
    try {
      const decision = await database.transaction((tx) => this.#decide(tx, review));
      if (!decision) return report('postponed');
      const { verdict, bytes, storageKey, leaving } = decision;
      run.counts.reviewed += 1;
      if (verdict.is === 'garbage') this.#count(review, bytes, run);
      run.onOutcome?.({ review, verdict, bytes });
      report(verdict.is === 'garbage' ? 'removed' : 'kept');
      const isGone = storageKey !== undefined && (await this.#delete(review.digest, storageKey, bytes, run));
      if (isGone && leaving !== undefined) await database.cacheSizes.release([leaving]);
    } catch (error) {
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** review.failures);
      const text = (error instanceof Error ? error.message : String(error)).slice(0, maxErrorLength);
      const { kind, digest, repositoryId } = review;
      log.error({ err: error, kind, digest, repositoryId, pauseMs }, 'a review failed');
      run.counts.failed += 1;
      run.onOutcome?.({ review, verdict: { is: 'failed', error: text }, bytes: 0 });
      report('failed');
      await database.reviewQueue.fail(review, text, now() + pauseMs);
    }
  }

  /** Undefined where it is not ours any more: a later event asks for another review. */
  async #decide(tx: Records, review: ClaimedReview): Promise<Decision | undefined> {
    // First what others must hold to begin to rely on it, in the order in which they do.
    const held = await hold(tx, review);
    if (!(await tx.reviewQueue.isOurs(review))) return undefined;
    const verdict = await judge(tx, this.#options, review);
    if (verdict.is === 'garbage') {
      await removeGarbage(tx, review, held, verdict.why);
      const isEvicted = held.storageKey !== undefined && review.event === 'entry_evict';
      const leaving = isEvicted
        ? await tx.cacheSizes.addLeaving(held.bytes, this.#options.now() + leavingMs)
        : undefined;
      return { verdict, ...held, leaving };
    }
    if (verdict.is === 'kept' && verdict.until !== undefined)
      await tx.reviewQueue.postpone(review, verdict.until);
    else await tx.reviewQueue.remove(review);
    return { verdict, bytes: 0 };
  }

  /** Their record is gone by now: what cannot be deleted stays until bytes without a record are looked for. Whether they are gone. */
  async #delete(digest: Digest, key: StorageKey, bytes: number, run: Run): Promise<boolean> {
    const { store, observer, log } = this.#options;
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    try {
      await store.delete(key);
      observer.deleted(bytes, 'deleted', seconds());
      return true;
    } catch (error) {
      run.counts.failed += 1;
      observer.deleted(bytes, 'failed', seconds());
      log.error({ err: error, digest, key, bytes }, 'bytes that no record knows any more were not deleted');
      return false;
    }
  }

  #count({ kind, digest }: Review, bytes: number, { counts, freed }: Run): void {
    freed?.add(digest);
    if (kind === 'manifest') counts.manifests += 1;
    if (kind === 'link') counts.links += 1;
    if (kind === 'payload') counts.payloads += 1;
    if (kind !== 'blob') return;
    counts.blobs += 1;
    counts.bytes += bytes;
  }

  async #pace(run: Run): Promise<void> {
    const { reviewsPerSecond } = this.#options;
    if (reviewsPerSecond === 0) return;
    const at = performance.now();
    const waitMs = run.nextAt - at;
    run.nextAt = Math.max(at, run.nextAt) + 1000 / reviewsPerSecond;
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal: run.signal }).catch(() => undefined);
  }
}
