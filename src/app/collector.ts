/** The collector, which removes bytes that nobody needs, and the scrub, which reads those that are kept. */
import type { Config } from '../config/config.ts';
import { Collector, type CollectorOptions } from '../gc/collector.ts';
import { CollectorWorker, type CollectorWorkerOptions } from '../gc/collector-worker.ts';
import { LeftWrites } from '../gc/left-writes.ts';
import { Orphans } from '../gc/orphans.ts';
import { Scrub } from '../gc/scrub.ts';
import type { FindingTools } from '../gc/storage-findings.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { Task } from '../tasks/task.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Storage } from './storage.ts';

export interface CollectingParts
  extends Pick<CollectorOptions, 'store' | 'observer' | 'log' | 'now' | 'untaggedMs'> {
  readonly config: Config;
  readonly database: Database;
}

export function createCollector({ config, ...parts }: CollectingParts): Collector {
  const { reviewsPerSecond } = config.gc;
  return new Collector({ ...parts, reviewsPerSecond });
}

export interface CollectionParts extends Pick<CollectorWorkerOptions, 'readOnlyReason'> {
  readonly config: Config;
  readonly storage: Pick<Storage, 'database' | 'store' | 'inventory' | 'buckets'>;
  /** Fetches bytes again that were damaged. */
  readonly heal: FindingTools['heal'];
  readonly metrics: Pick<Metrics, 'gc' | 'queues' | 'scrub'>;
  readonly log: Log;
  readonly now: () => number;
}

/** What runs all the time, whose queues are counted whenever the metrics are read, and what looks after stored bytes from time to time. */
export function createCollection({
  config,
  storage: { database, store, inventory, buckets },
  heal,
  metrics,
  readOnlyReason,
  log,
  now,
}: CollectionParts) {
  const common = { database, store, log, now };
  const observer = metrics.gc;
  const untaggedMs = untaggedMsOf(config);
  metrics.queues.watch((kind) => database.reviewQueue.describe(kind));
  const worker = new CollectorWorker({
    ...common,
    readOnlyReason,
    observer,
    collector: createCollector({ config, ...common, observer, untaggedMs }),
    untaggedMs,
    intervalMs: config.gc.pollMs,
  });
  const tasks: readonly Task[] = [
    new Scrub({ ...common, ...config.scrub, inventory, heal, observer: metrics.scrub }),
    new Orphans({ ...common, inventory, heal }),
    ...(buckets.length > 0
      ? [
          new LeftWrites({
            ...common,
            cleaners: new Map(buckets.map(({ name, cleaner }) => [name, cleaner])),
          }),
        ]
      : []),
  ];
  return { worker, tasks };
}

export function untaggedMsOf({ gc: { untaggedMs } }: Pick<Config, 'gc'>): number | undefined {
  return untaggedMs === 'never' ? undefined : untaggedMs;
}
