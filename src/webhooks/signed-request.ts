/** What an endpoint is sent: Docker's envelope of one event, signed with the endpoint's secret. */
import { createHmac } from 'node:crypto';
import type { WebhookDelivery } from '../metadata/webhooks/webhook-deliveries.ts';
import type { Post } from '../outbound/poster.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';

export const eventsType = 'application/vnd.docker.distribution.events.v1+json';

/** This server, as events name it. */
export interface EventSource {
  /** Host and port. */
  readonly addr: string;
  /** Of the process. */
  readonly instanceID: string;
}

export function signRequest(
  { deliveryId, action, event }: Pick<WebhookDelivery, 'deliveryId' | 'action' | 'event'>,
  { url, headers, secret }: Pick<WebhookEndpoint, 'url' | 'headers' | 'secret'>,
  source: EventSource,
): Post {
  const body = envelopeOf(event, source);
  return {
    url,
    body,
    headers: {
      ...headers,
      'content-type': eventsType,
      'x-entrepot-event': action,
      'x-entrepot-delivery': deliveryId,
      ...(secret !== undefined && { 'x-entrepot-signature': signatureOf(body, secret) }),
    },
  };
}

/** @param event JSON as it was recorded */
export function envelopeOf(event: string, source: EventSource): string {
  return JSON.stringify({ events: [{ ...JSON.parse(event), source }] });
}

export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
