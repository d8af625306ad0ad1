/** Wires the collector: from the configuration to what removes bytes that nobody needs. */
import type { Config } from '../config/config.ts';
import { Collector, type CollectorOptions } from '../gc/collector.ts';
import { CollectorWorker, type CollectorWorkerOptions } from '../gc/collector-worker.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Metrics } from './metrics/metrics.ts';

export interface CollectingParts
  extends Pick<CollectorOptions, 'store' | 'observer' | 'log' | 'now' | 'untaggedMs'> {
  readonly config: Config;
  readonly database: Database;
}

const maxJitterMs = 60_000;

/** A little more than the setting: what came up for review at once is not looked at at once. */
export function reviewDelayOf({ gc }: Pick<Config, 'gc'>, random: () => number = Math.random): () => number {
  const delayMs = gc.reviewAfterMs;
  return () => delayMs + random() * Math.min(maxJitterMs, delayMs / 10);
}

export function createCollector({ config, ...parts }: CollectingParts): Collector {
  const { reviewsPerSecond } = config.gc;
  return new Collector({ ...parts, reviewsPerSecond });
}

export interface WorkerParts
  extends Omit<CollectingParts, 'observer' | 'untaggedMs'>,
    Pick<CollectorWorkerOptions, 'readOnlyReason'> {
  readonly metrics: Pick<Metrics, 'gc' | 'queues'>;
}

/** Its queues are counted whenever the metrics are read. */
export function createCollectorWorker({ config, metrics, ...parts }: WorkerParts): CollectorWorker {
  const { database } = parts;
  const observer = metrics.gc;
  const untaggedMs = untaggedMsOf(config);
  metrics.queues.watch((kind) => database.reviewQueue.describe(kind));
  return new CollectorWorker({
    ...parts,
    observer,
    collector: createCollector({ config, ...parts, observer, untaggedMs }),
    untaggedMs,
    intervalMs: config.gc.pollMs,
  });
}

export function untaggedMsOf({ gc: { untaggedMs } }: Pick<Config, 'gc'>): number | undefined {
  return untaggedMs === 'never' ? undefined : untaggedMs;
}
