/** What is counted of the collector. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { GcObserver } from '../../gc/gc-observer.ts';
import { type QueueState, type ReviewKind, reviewKinds } from '../../metadata/collector/review-queue.ts';

/** In seconds: most reviews take one of the first, a look after a big deletion one of the last. */
const gcBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

export function gcMetrics(registry: Registry): GcObserver {
  const registers = [registry];
  const runs = new Counter({
    name: 'entrepot_gc_runs_total',
    help: 'Looks at what is due, by result.',
    labelNames: ['result'],
    registers,
  });
  const runDurations = new Histogram({
    name: 'entrepot_gc_run_duration_seconds',
    help: 'Time of a look at what is due, with all that was removed.',
    buckets: gcBuckets,
    registers,
  });
  const reviews = new Counter({
    name: 'entrepot_gc_reviews_total',
    help: 'Reviews, by kind and result: removed, kept, postponed or failed.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const reviewDurations = new Histogram({
    name: 'entrepot_gc_review_duration_seconds',
    help: 'Time of one review.',
    labelNames: ['kind'],
    buckets: gcBuckets,
    registers,
  });
  const deletes = new Counter({
    name: 'entrepot_gc_storage_deletes_total',
    help: 'Blobs deleted from the store, by result.',
    labelNames: ['result'],
    registers,
  });
  const deleteDurations = new Histogram({
    name: 'entrepot_gc_storage_delete_duration_seconds',
    help: 'Time to delete one blob from the store.',
    buckets: gcBuckets,
    registers,
  });
  const bytes = new Counter({
    name: 'entrepot_gc_deleted_bytes_total',
    help: 'Bytes of the blobs that were deleted.',
    registers,
  });
  const slept = new Counter({
    name: 'entrepot_gc_sleep_seconds_total',
    help: 'How long the collector waited between its looks.',
    registers,
  });
  return {
    reviewed(kind, result, seconds) {
      reviews.inc({ kind, result });
      reviewDurations.observe({ kind }, seconds);
    },
    deleted(size, result, seconds) {
      deletes.inc({ result });
      deleteDurations.observe(seconds);
      if (result === 'deleted') bytes.inc(size);
    },
    ran(result, seconds) {
      runs.inc({ result });
      runDurations.observe(seconds);
    },
    slept: (seconds) => slept.inc(seconds),
  };
}

/** While the database is away. */
const unknown: Pick<QueueState, 'length' | 'due'> = { length: Number.NaN, due: Number.NaN };

export interface QueueMetrics {
  /** Whenever the metrics are read from then on: what waits for the collector. */
  watch(describe: (kind: ReviewKind) => Promise<QueueState>): void;
}

export function queueMetrics(registry: Registry): QueueMetrics {
  const registers = [registry];
  let describe: ((kind: ReviewKind) => Promise<QueueState>) | undefined;
  const dues = new Gauge({
    name: 'entrepot_gc_queue_due',
    help: 'Reviews that are due.',
    aggregator: 'max',
    labelNames: ['kind'],
    registers,
  });
  new Gauge({
    name: 'entrepot_gc_queue_length',
    help: 'Reviews that wait, due or not; counted to 100000.',
    aggregator: 'max',
    labelNames: ['kind'],
    registers,
    async collect() {
      if (!describe) return;
      for (const kind of reviewKinds) {
        const { length, due } = await describe(kind).catch(() => unknown);
        this.set({ kind }, length);
        dues.set({ kind }, due);
      }
    },
  });
  return {
    watch(how) {
      describe = how;
    },
  };
}
