import type { ReviewKind } from '../metadata/collector/review-queue.ts';

/** What became of a review. */
export type ReviewResult = 'removed' | 'kept' | 'postponed' | 'failed';

/** Counts what the collector does. */
export interface GcObserver {
  reviewed(kind: ReviewKind, result: ReviewResult, seconds: number): void;
  /** Bytes of a blob that were deleted from the store, or could not be. */
  deleted(bytes: number, result: 'deleted' | 'failed', seconds: number): void;
  /** A worker looked through the queues, and how long it took. */
  ran(result: 'done' | 'failed', seconds: number): void;
  /** How a worker waits until it looks again. */
  slept(seconds: number): void;
}
