/** Wires what bounds caches: room for what is pulled, and the tasks that make it. */

import type { Config } from '../config/config.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { CacheBound, cacheBoundTask } from '../retention/cache-bound.ts';
import { CacheRetention } from '../retention/cache-retention.ts';
import { CacheRoom } from '../retention/cache-room.ts';
import { WaterMarks } from '../retention/water-marks.ts';
import type { Task } from '../tasks/task.ts';
import type { CacheMetrics } from './metrics/cache-metrics.ts';

export interface CacheLimitParts {
  readonly config: Config;
  readonly database: Database;
  readonly metrics: CacheMetrics;
  /** Runs a task at once. */
  readonly wake: (task: string) => void;
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
    wake: () => wake(cacheBoundTask),
    hasRunSince: (at) => database.tasks.hasRunSince(cacheBoundTask, at),
  });
  const tasksOf = (flushUsage: () => Promise<void>): readonly Task[] => [
    new CacheBound({ ...common, flushUsage }),
    new CacheRetention({ ...common, flushUsage }),
  ];
  return { room, tasksOf };
}
