/** What is counted of requests to upstreams. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BreakerState } from '../../upstreams/upstream.ts';
import type { UpstreamObserver } from '../../upstreams/upstream-observer.ts';

/** In seconds. */
const upstreamBuckets = [0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const breakerStates: readonly BreakerState[] = ['closed', 'half-open', 'open'];

export function upstreamMetrics(registry: Registry): UpstreamObserver {
  const registers = [registry];
  const requests = new Counter({
    name: 'entrepot_upstream_requests_total',
    help: 'Requests to upstreams, by kind and result.',
    labelNames: ['upstream', 'kind', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: 'entrepot_upstream_request_duration_seconds',
    help: "Time to the end of an upstream's answer, for blobs to its headers.",
    labelNames: ['upstream', 'kind'],
    buckets: upstreamBuckets,
    registers,
  });
  const timeOuts = new Counter({
    name: 'entrepot_upstream_timeouts_total',
    help: 'What was not waited for any longer, by the setting that limits it.',
    labelNames: ['upstream', 'limit'],
    registers,
  });
  const fetched = new Counter({
    name: 'entrepot_fetched_bytes_total',
    help: 'Bytes of blobs received from upstreams.',
    labelNames: ['upstream'],
    registers,
  });
  const breakers = new Gauge({
    name: 'entrepot_upstream_breaker',
    help: '1 for the state that the breaker is in, 0 for the others; of workers, 1 for each state that one is in.',
    labelNames: ['upstream', 'state'],
    aggregator: 'max',
    registers,
  });
  const limits = new Gauge({
    name: 'entrepot_upstream_quota_limit',
    help: 'Requests that the upstream allows in its window.',
    labelNames: ['upstream'],
    aggregator: 'max',
    registers,
  });
  const remaining = new Gauge({
    name: 'entrepot_upstream_quota_remaining',
    help: 'Requests that the upstream still allows.',
    labelNames: ['upstream'],
    aggregator: 'min',
    registers,
  });
  return {
    request(upstream, kind, result, seconds) {
      requests.inc({ upstream, kind, result });
      durations.observe({ upstream, kind }, seconds);
    },
    timedOut: (upstream, limit) => timeOuts.inc({ upstream, limit }),
    bytes: (upstream, count) => fetched.inc({ upstream }, count),
    breaker(upstream, state) {
      for (const each of breakerStates) breakers.set({ upstream, state: each }, Number(each === state));
    },
    quota(upstream, quota) {
      if (quota.limit !== undefined) limits.set({ upstream }, quota.limit);
      if (quota.remaining !== undefined) remaining.set({ upstream }, quota.remaining);
    },
    forgotten(upstream) {
      for (const state of breakerStates) breakers.remove({ upstream, state });
      for (const gauge of [limits, remaining]) gauge.remove({ upstream });
    },
  };
}
