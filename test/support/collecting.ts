/** A collector on the records and bytes of a test, which moves the clock itself. */
import { Collector, type CollectorOptions, type RunOptions } from '../../src/gc/collector.ts';
import type { GcObserver } from '../../src/gc/gc-observer.ts';
import type { GcCounts } from '../../src/metadata/collector/gc-runs.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import { silentLog } from './silent-log.ts';

export const silentGc: GcObserver = {
  reviewed: () => undefined,
  deleted: () => undefined,
  ran: () => undefined,
  slept: () => undefined,
};

export interface Collected {
  readonly database: Database;
  readonly store: Pick<BlobStore, 'delete'>;
  readonly clock: { now: number };
}

export function collectorOf(
  { database, store, clock }: Collected,
  options: Partial<CollectorOptions> = {},
): Collector {
  return new Collector({
    database,
    store,
    untaggedMs: undefined,
    reviewsPerSecond: 0,
    observer: silentGc,
    log: silentLog,
    now: () => clock.now,
    ...options,
  });
}

const reviewMs = 24 * 60 * 60 * 1000;

/** Lets so many delays of reviews go by, collecting after each; what was done in all. */
export async function collectAfter(
  kit: Collected,
  delays: number,
  options: Partial<CollectorOptions> = {},
  run: RunOptions = {},
): Promise<GcCounts> {
  const collector = collectorOf(kit, options);
  const sum = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };
  for (let index = 0; index < delays; index += 1) {
    kit.clock.now += reviewMs;
    const counts = await collector.run(run);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
  }
  return sum;
}
