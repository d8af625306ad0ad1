/** What is counted, under a registry of our own. Services know only their observers, and nothing of Prometheus. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AdmissionObserver } from '../../admission/admission.ts';
import type { RegistryObserver } from '../../api/registry/services.ts';
import type { RequestObserver } from '../../api/requests.ts';
import type { GcObserver } from '../../gc/gc-observer.ts';
import type { ScrubObserver } from '../../gc/scrub.ts';
import type { Outcome } from '../../oci/repository.ts';
import type { FillObserver } from '../../proxy/fill-observer.ts';
import type { ReplicationObserver } from '../../replication/replication-task.ts';
import type { ObjectObserver } from '../../storage/objects/observed-storage.ts';
import type { ReadCacheObserver } from '../../storage/read-cache/read-cache.ts';
import type { UpstreamObserver } from '../../upstreams/upstream-observer.ts';
import type { WebhookObserver } from '../../webhooks/webhook-observer.ts';
import type { MetricsOfAll } from '../workers/worker.ts';
import { type CacheMetrics, cacheMetrics } from './cache-metrics.ts';
import { type CheckMetrics, checkMetrics } from './check-metrics.ts';
import { gcMetrics, type QueueMetrics, queueMetrics } from './collector-metrics.ts';
import { objectMetrics } from './object-metrics.ts';
import { replicationMetrics } from './replication-metrics.ts';
import { type ServerMetrics, serverMetrics } from './server-metrics.ts';
import { readTrafficTotals } from './traffic-totals.ts';
import { upstreamMetrics } from './upstream-metrics.ts';
import { webhookMetrics } from './webhook-metrics.ts';

export interface Metrics {
  readonly requests: RequestObserver;
  readonly registry: RegistryObserver;
  readonly admission: AdmissionObserver;
  readonly fills: FillObserver;
  readonly readCache: ReadCacheObserver;
  readonly cache: CacheMetrics;
  readonly upstreams: UpstreamObserver;
  readonly scrub: ScrubObserver;
  readonly webhooks: WebhookObserver;
  readonly replication: ReplicationObserver;
  readonly gc: GcObserver;
  readonly queues: QueueMetrics;
  readonly checks: CheckMetrics;
  readonly objects: ObjectObserver;
  readonly server: ServerMetrics;
  /** Totals of what is kept to look back at, by their series. */
  readTrafficTotals(): Promise<ReadonlyMap<string, number>>;
  /** All of it in Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** In seconds: a manifest from memory takes one of the first, a big blob to a slow client one of the last. */
const requestBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600];

/**
 * @param countPending deliveries of webhooks that are to be made; asked with each scrape
 * @param all of all workers, where this is one of them
 */
export function createMetrics(countPending = async () => 0, all?: MetricsOfAll): Metrics {
  const registry = new Registry();
  all?.offer(() => registry.getMetricsAsJSON());
  collectDefaultMetrics({ register: registry });
  return {
    requests: requestMetrics(registry),
    registry: registryMetrics(registry),
    admission: admissionMetrics(registry),
    fills: fillMetrics(registry),
    readCache: readCacheMetrics(registry),
    cache: cacheMetrics(registry),
    upstreams: upstreamMetrics(registry),
    scrub: scrubMetrics(registry),
    replication: replicationMetrics(registry),
    webhooks: webhookMetrics(registry, countPending),
    gc: gcMetrics(registry),
    queues: queueMetrics(registry),
    checks: checkMetrics(registry),
    objects: objectMetrics(registry),
    server: serverMetrics(registry),
    readTrafficTotals: () => readTrafficTotals(registry),
    async render() {
      return all ? AggregatorRegistry.aggregate([...(await all.gather())]).metrics() : registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function readCacheMetrics(registry: Registry): ReadCacheObserver {
  const opened = new Counter({
    name: 'entrepot_read_cache_blobs_total',
    help: 'Blobs opened for clients where there is a read cache, by where their bytes came from: cache or store.',
    labelNames: ['from'],
    registers: [registry],
  });
  return { opened: (from) => opened.inc({ from }) };
}

function scrubMetrics(registry: Registry): ScrubObserver {
  const registers = [registry];
  const blobs = new Counter({
    name: 'entrepot_scrub_blobs_total',
    help: 'Stored blobs that were read again: sound, corrupt, or missing.',
    labelNames: ['verdict'],
    registers,
  });
  const read = new Counter({
    name: 'entrepot_scrub_bytes_total',
    help: 'Bytes of stored blobs that were read again.',
    registers,
  });
  return {
    verified(verdict, bytes) {
      blobs.inc({ verdict });
      read.inc(bytes);
    },
  };
}

function requestMetrics(registry: Registry): RequestObserver {
  const registers = [registry];
  const requests = new Counter({
    name: 'entrepot_requests_total',
    help: 'Requests answered, by method, pattern of the path, and status.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'entrepot_request_duration_seconds',
    help: 'Time to the last byte of the answer.',
    labelNames: ['route'],
    buckets: requestBuckets,
    registers,
  });
  const served = new Counter({
    name: 'entrepot_served_bytes_total',
    help: 'Bytes of manifests, blobs and referrers sent to clients, by the outcome of the pull.',
    labelNames: ['outcome'],
    registers,
  });
  const saved = new Counter({
    name: 'entrepot_saved_bytes_total',
    help: 'Bytes sent to clients that no upstream was asked for.',
    registers,
  });
  return {
    answered(method, route, status, seconds) {
      requests.inc({ method, route, status });
      durations.observe({ route }, seconds);
    },
    served(outcome, bytes) {
      served.inc({ outcome }, bytes);
      if (isSaved(outcome)) saved.inc(bytes);
    },
  };
}

/** Collapsed, too: only the first of those who wait costs a download. What was pushed to us has no upstream to save. */
function isSaved(outcome: Outcome): boolean {
  return outcome !== 'miss' && outcome !== 'updated' && outcome !== 'hosted';
}

function registryMetrics(registry: Registry): RegistryObserver {
  const pulls = new Counter({
    name: 'entrepot_pulls_total',
    help: 'Pulls answered, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
  const pushes = new Counter({
    name: 'entrepot_pushes_total',
    help: 'Manifests and blobs received and kept, by kind; mounted blobs are not received.',
    labelNames: ['kind'],
    registers: [registry],
  });
  return {
    pulled: (kind, outcome) => pulls.inc({ kind, outcome }),
    pushed: (kind) => pushes.inc({ kind }),
  };
}

function admissionMetrics(registry: Registry): AdmissionObserver {
  const verdicts = new Counter({
    name: 'entrepot_admission_verdicts_total',
    help: 'Images that a policy judged, by policy and verdict: admitted, warned or refused. What is answered from memory is not judged again.',
    labelNames: ['policy', 'verdict'],
    registers: [registry],
  });
  return { judged: (policy, verdict) => verdicts.inc({ policy, verdict }) };
}

function fillMetrics(registry: Registry): FillObserver {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const started = counter('entrepot_fills_started_total', 'Downloads of blobs into the store that began.');
  const followers = counter('entrepot_fill_followers_total', 'Clients that joined a fill that was running.');
  const resumed = counter('entrepot_fills_resumed_total', 'Broken transfers that were taken up again.');
  const active = gauge('entrepot_fills_active', 'Fills that are running.');
  const spool = gauge('entrepot_spool_bytes', 'Bytes in the spool.');
  const finished = new Counter({
    name: 'entrepot_fills_finished_total',
    help: 'Fills that ended, by result; uncached: nothing could be written, so bytes were passed on.',
    labelNames: ['result'],
    registers: [registry],
  });
  return {
    started() {
      started.inc();
      active.inc();
    },
    followed: () => followers.inc(),
    resumed: () => resumed.inc(),
    finished(result) {
      finished.inc({ result });
      active.dec();
    },
    spooled: (deltaBytes) => spool.inc(deltaBytes),
  };
}
