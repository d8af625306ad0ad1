/** Wires what bounds caches: room for what is pulled, and the jobs that make it. */

import type { Config } from '../config/config.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { CacheBound, cacheBoundJob } from '../retention/cache-bound.ts';
import { CacheRetention } from '../retention/cache-retention.ts';
import { CacheRoom } from '../retention/cache-room.ts';
import { WaterMarks } from '../retention/water-marks.ts';
import type { Job } from '../tasks/task.ts';
import type { CacheMetrics } from './metrics/cache-metrics.ts';

export interface CacheLimitParts {
  readonly config: Config;
  readonly database: Database;
  readonly metrics: CacheMetrics;
  /** Runs a job at once. */
  readonly wake: (job: string) => void;
  /** Bytes can go. */
  readonly onEvicted: () => void;
  readonly log: Log;
  readonly now: () => number;
}

export function createCacheLimits({ config, database, metrics, wake, ...parts }: CacheLimitParts) {
  const { maxBytes, highWaterPercent, lowWaterPercent } = config.cache;
  const marks = new WaterMarks({
    maxBytes,
    highPercent: highWaterPercent,
    lowPercent: lowWaterPercent,
  });
  metrics.measure(() => database.cacheSizes.bytesOf('all'), maxBytes);
  const common = { ...parts, database, marks, observer: metrics };
  const room = new CacheRoom({
    ...common,
    wake: () => wake(cacheBoundJob),
    hasRunSince: (at) => database.jobs.hasRunSince(cacheBoundJob, at),
  });
  const jobsOf = (flushUsage: () => Promise<void>): readonly Job[] => [
    new CacheBound({ ...common, flushUsage }),
    new CacheRetention({ ...common, flushUsage }),
  ];
  return { room, jobsOf };
}
