/** What bounds caches: room for what is pulled, and the tasks that make it. */
import type { Config } from '../config/config.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { CacheBound, cacheBoundTask } from '../retention/cache-bound.ts';
import { CacheRetention } from '../retention/cache-retention.ts';
import { CacheRoom } from '../retention/cache-room.ts';
import { WaterMarks } from '../retention/water-marks.ts';
import type { Task } from '../tasks/task.ts';
import type { CacheMetrics } from './metrics/cache-metrics.ts';

export interface RetentionParts {
  readonly config: Config;
  readonly database: Database;
  readonly metrics: { readonly cache: CacheMetrics };
  /** Runs a task at once. */
  readonly wake: (task: string) => void;
  /** Bytes can go. */
  readonly onEvicted: () => void;
  /** Records what was pulled so far. */
  readonly flushUsage: () => Promise<void>;
  readonly log: Log;
  readonly now: () => number;
}

export function createRetention({
  config,
  database,
  metrics,
  wake,
  onEvicted,
  flushUsage,
  log,
  now,
}: RetentionParts) {
  const { maxBytes, highWaterPercent, lowWaterPercent } = config.cache;
  const marks = new WaterMarks({
    maxBytes,
    highPercent: highWaterPercent,
    lowPercent: lowWaterPercent,
  });
  metrics.cache.measure(() => database.cacheSizes.bytesOf('all'), maxBytes);
  const common = { database, marks, observer: metrics.cache, onEvicted, log, now };
  const room = new CacheRoom({
    ...common,
    wake: () => wake(cacheBoundTask),
    hasRunSince: (at) => database.tasks.hasRunSince(cacheBoundTask, at),
  });
  const tasks: readonly Task[] = [
    new CacheBound({ ...common, flushUsage }),
    new CacheRetention({ ...common, flushUsage }),
  ];
  return { room, tasks };
}
