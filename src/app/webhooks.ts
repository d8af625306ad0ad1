/** Webhooks: from what is recorded of events to requests to endpoints. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { SecretBox } from '../auth/credentials/secret-box.ts';
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { WebhookSecrets } from '../management/webhooks/webhook-secrets.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { createResolve } from '../outbound/address-guard.ts';
import { DeliveryExpiry } from '../webhooks/delivery-expiry.ts';
import { DeliveryWorker } from '../webhooks/delivery-worker.ts';
import { PullEvents } from '../webhooks/pull-events.ts';
import { Resending } from '../webhooks/resending.ts';
import { WebhookEndpoints } from '../webhooks/webhook-endpoints.ts';
import type { WebhookObserver } from '../webhooks/webhook-observer.ts';
import { WebhookSender } from '../webhooks/webhook-sender.ts';
import type { Outbound } from './outbound.ts';

export interface WebhookParts {
  readonly config: Config;
  readonly database: Database;
  readonly outbound: Outbound;
  readonly secretBox: SecretBox;
  /** What endpoints of the configuration are signed with. */
  readonly secret: string | undefined;
  readonly metrics: { readonly webhooks: WebhookObserver };
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly log: Log;
  readonly now: () => number;
}

export function createWebhooks(parts: WebhookParts) {
  const { config, database, outbound, secretBox, secret, metrics, readOnlyReason, log, now } = parts;
  const observer = metrics.webhooks;
  const { webhooks, http } = config;
  const { maxParallel, maxQueuedPulls, allowedNetworks, timeoutMs, backoffMs, maxRetries } = webhooks;
  const secrets = new WebhookSecrets(secretBox);
  const endpoints = new WebhookEndpoints({
    records: database,
    configured: webhooks.endpoints.map(({ headers, disabled, ...endpoint }) => ({
      ...endpoint,
      headers: Object.fromEntries(headers.map((header) => [header.name, header.reveal()])),
      isDisabled: disabled,
    })),
    secret,
    patience: { timeoutMs, backoffMs, maxRetries },
    open: (webhook) => secrets.open(webhook),
  });
  const sender = new WebhookSender({
    allowedNetworks,
    resolve: createResolve(),
    findProxy: outbound.findProxy,
    trust: outbound.trust,
    userAgent: `entrepot/${version}`,
    now,
  });
  const host = http.externalUrl === undefined ? hostname() : new URL(http.externalUrl).host;
  const delivering = {
    records: database,
    sender,
    source: { addr: host, instanceID: randomUUID() },
    observer,
    log,
    now,
  };
  const worker = new DeliveryWorker({
    ...delivering,
    endpoints,
    readOnlyReason,
    maxLanes: maxParallel,
  });
  const pulls = new PullEvents({
    database,
    readOnlyReason,
    observer,
    log,
    maxQueued: maxQueuedPulls,
  });
  return {
    pulls,
    secrets,
    resender: new Resending(delivering, endpoints),
    tasks: [new DeliveryExpiry(database, webhooks.keepMs, now)],
    async start(): Promise<void> {
      await endpoints.start();
      await pulls.start();
      worker.start();
    },
    /** Once nothing is pulled any more. */
    async close(): Promise<void> {
      await pulls.close();
      await worker.close();
      await sender.close();
    },
  };
}
