import type { WebhookDelivery } from '../metadata/webhooks/webhook-deliveries.ts';
import type { Webhook } from '../metadata/webhooks/webhooks.ts';
import { type DeliveryOptions, tryDelivery } from './delivery.ts';
import type { WebhookEndpoints } from './webhook-endpoints.ts';

/** Sends one delivery when someone asks for it, whatever else its endpoint is to be told. */
export class Resending {
  readonly #options: DeliveryOptions;
  readonly #endpoints: Pick<WebhookEndpoints, 'endpointOf'>;

  constructor(options: DeliveryOptions, endpoints: Pick<WebhookEndpoints, 'endpointOf'>) {
    this.#options = options;
    this.#endpoints = endpoints;
  }

  /** How it was taken; undefined where the endpoint cannot be told anything. @throws Error where its secrets do not open */
  async resend(
    webhook: Webhook,
    delivery: WebhookDelivery,
  ): Promise<{ readonly status: number | undefined; readonly error: string | undefined } | undefined> {
    const endpoint = this.#endpoints.endpointOf(webhook);
    // Bounded by the endpoint's time-out.
    const never = new AbortController().signal;
    return endpoint && (await tryDelivery(this.#options, endpoint, delivery, never))?.reply;
  }
}
