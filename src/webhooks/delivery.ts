/** One try to tell an endpoint of an event, and what is recorded of it. */

import type { Records } from '../metadata/db/records.ts';
import type {
  DeliveryAttempt,
  DeliveryState,
  WebhookDelivery,
} from '../metadata/webhooks/webhook-deliveries.ts';
import type { Log } from '../observe/log.ts';
import type { Post } from '../outbound/poster.ts';
import { type EventSource, signRequest } from './signed-request.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';
import type { WebhookObserver } from './webhook-observer.ts';

/** How an endpoint took it. */
export interface Reply {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** The beginning of its body. */
  readonly body: string | undefined;
  /** Why it did not take it, without secrets; undefined: it did. */
  readonly error: string | undefined;
  /** Whether it is likely that it would take nothing else now either. */
  readonly isDown: boolean;
  /** How long it asked us to stay away. */
  readonly retryAfterMs: number | undefined;
}

export interface WebhookSender {
  /** Never throws. @param signal ends it as if the endpoint were down */
  send(request: Post, timeoutMs: number, signal: AbortSignal): Promise<Reply>;
}

export interface DeliveryOptions {
  readonly records: Pick<Records, 'webhookDeliveries'>;
  readonly sender: WebhookSender;
  readonly source: EventSource;
  readonly observer: WebhookObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * @returns undefined where the signal ended it: whether it arrived is not known, and it is as if it had not been tried
 */
export async function tryDelivery(
  { records, sender, source, observer, log, now }: DeliveryOptions,
  endpoint: WebhookEndpoint,
  delivery: WebhookDelivery,
  signal: AbortSignal,
): Promise<{ readonly state: DeliveryState; readonly reply: Reply } | undefined> {
  const { id, action, attempts, createdAt, deliveryId } = delivery;
  const { label, timeoutMs, maxRetries } = endpoint;
  const at = now();
  const startedAt = performance.now();
  if (attempts > 0) observer.retried(label);
  const reply = await sender.send(signRequest(delivery, endpoint, source), timeoutMs, signal);
  if (reply.error !== undefined && signal.aborted) return undefined;
  const durationMs = Math.round(performance.now() - startedAt);
  observer.tried(label, reply.status, durationMs / 1000);
  const state = stateAfter(delivery, reply, maxRetries);
  const attempt: DeliveryAttempt = {
    at,
    durationMs,
    status: reply.status,
    body: reply.body,
    error: reply.error,
  };
  await records.webhookDeliveries.recordAttempt(id, state, attempt);
  if (state === delivery.state) return { state, reply };
  observer.finished(label, action, state === 'delivered' ? 'delivered' : 'lost', (now() - createdAt) / 1000);
  if (state === 'dead')
    log.warn(
      {
        webhook: endpoint.id,
        endpoint: label,
        delivery: deliveryId,
        tries: attempts + 1,
        error: reply.error,
      },
      'an event was given up: its endpoint did not take it',
    );
  return { state, reply };
}

/** What arrived or was given up before is sent again by someone, once. */
function stateAfter(
  { state, attempts }: WebhookDelivery,
  { error }: Reply,
  maxRetries: number,
): DeliveryState {
  if (error === undefined) return 'delivered';
  if (state !== 'pending') return state;
  return attempts < maxRetries ? 'pending' : 'dead';
}
