/** What is counted of the limits of caches. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PrewarmObserver } from '../../proxy/prewarm/prewarm-task.ts';
import type { CacheObserver } from '../../retention/cache-observer.ts';

export interface CacheMetrics extends CacheObserver, PrewarmObserver {
  /** Asked for at each scrape. @param read bytes of blobs that are cached, each counted once */
  measure(read: () => Promise<number>, maxBytes: number | undefined): void;
}

export function cacheMetrics(registry: Registry): CacheMetrics {
  const registers = [registry];
  const entries = new Counter({
    name: 'entrepot_cache_evicted_entries_total',
    help: 'Cache entries given up, by reason: size for room, age by a cleanup policy.',
    labelNames: ['reason'],
    registers,
  });
  const bytes = new Counter({
    name: 'entrepot_cache_evicted_bytes_total',
    help: 'Sizes of the cache entries given up, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const notKept = new Counter({
    name: 'entrepot_cache_not_kept_bytes_total',
    help: 'Bytes of blobs that were passed on and not kept, because there was no room.',
    registers,
  });
  const prewarmed = new Counter({
    name: 'entrepot_prewarmed_images_total',
    help: 'Images fetched before anybody asked for them, by result: done or failed.',
    labelNames: ['result'],
    registers,
  });
  const prewarmedBytes = new Counter({
    name: 'entrepot_prewarmed_bytes_total',
    help: 'Bytes that upstreams sent of images before anybody asked for them.',
    registers,
  });
  let measured: () => Promise<number> = async () => 0;
  new Gauge({
    name: 'entrepot_cache_bytes',
    help: 'Bytes of blobs that are cached, in all groups, each blob counted once.',
    aggregator: 'max',
    registers,
    async collect() {
      this.set(await measured());
    },
  });
  const limit = new Gauge({
    name: 'entrepot_cache_limit_bytes',
    help: 'The limit of the cache, cache.max_bytes; 0: none.',
    aggregator: 'max',
    registers,
  });
  return {
    evicted(reason, evictedEntries, evictedBytes) {
      entries.inc({ reason }, evictedEntries);
      bytes.inc({ reason }, evictedBytes);
    },
    notKept: (count) => notKept.inc(count),
    prewarmed: (result) => prewarmed.inc({ result }),
    prewarmFetched: (count) => prewarmedBytes.inc(count),
    measure(read, maxBytes) {
      measured = read;
      limit.set(maxBytes ?? 0);
    },
  };
}
