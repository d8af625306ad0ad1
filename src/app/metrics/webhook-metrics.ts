/** What is counted of webhooks: what GitLab's registry counts of its notifications. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { WebhookObserver } from '../../webhooks/webhook-observer.ts';

/** In seconds: most endpoints answer at once, and none is waited for longer than a minute. */
const requestBuckets = [0.01, 0.05, 0.25, 1, 5, 15, 60];
/** From within a poll to after the last retry. */
const delayBuckets = [0.5, 1, 5, 30, 300, 3600, 86_400];

/** @param countPending asked with each scrape */
export function webhookMetrics(registry: Registry, countPending: () => Promise<number>): WebhookObserver {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'entrepot_webhook_deliveries_total',
    help: 'Events that endpoints were told, or that were given up (lost).',
    labelNames: ['endpoint', 'action', 'result'],
    registers,
  });
  const responses = new Counter({
    name: 'entrepot_webhook_responses_total',
    help: 'Tries, by the status that the endpoint answered; none: it did not.',
    labelNames: ['endpoint', 'code'],
    registers,
  });
  const retries = new Counter({
    name: 'entrepot_webhook_retries_total',
    help: 'Tries that were not the first of their event.',
    labelNames: ['endpoint'],
    registers,
  });
  const durations = new Histogram({
    name: 'entrepot_webhook_request_duration_seconds',
    help: 'How long endpoints took to answer.',
    labelNames: ['endpoint'],
    buckets: requestBuckets,
    registers,
  });
  const delays = new Histogram({
    name: 'entrepot_webhook_delay_seconds',
    help: 'From an event to when its endpoint was told.',
    labelNames: ['endpoint'],
    buckets: delayBuckets,
    registers,
  });
  const lostPulls = new Counter({
    name: 'entrepot_webhook_pulls_lost_total',
    help: 'Pulls that endpoints are not told of, since there were too many at once.',
    registers,
  });
  new Gauge({
    name: 'entrepot_webhook_pending',
    help: 'Deliveries that are to be made, of all processes.',
    aggregator: 'max',
    registers,
    async collect() {
      // Unknown while the database is away, which is no reason to tell nothing of all else.
      this.set(await countPending().catch(() => Number.NaN));
    },
  });
  return {
    tried(endpoint, status, seconds) {
      responses.inc({ endpoint, code: status ?? 'none' });
      durations.observe({ endpoint }, seconds);
    },
    finished(endpoint, action, result, seconds) {
      deliveries.inc({ endpoint, action, result });
      if (result === 'delivered') delays.observe({ endpoint }, seconds);
    },
    retried: (endpoint) => retries.inc({ endpoint }),
    pullsLost: (count) => lostPulls.inc(count),
  };
}
