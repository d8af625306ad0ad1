/** Puts together what the configuration and the records say of endpoints. */
import type { Records } from '../metadata/db/records.ts';
import type { Webhook } from '../metadata/webhooks/webhooks.ts';
import type { EventFilter } from '../oci/registry-event.ts';
import type { FindEndpoint, WebhookEndpoint } from './webhook-endpoint.ts';

/** Of the configuration. */
export interface ConfiguredEndpoint extends EventFilter {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined, here and below: as for all. */
  readonly timeoutMs: number | undefined;
  readonly backoffMs: number | undefined;
  readonly maxRetries: number | undefined;
  readonly isDisabled: boolean;
}

export type Patience = Pick<WebhookEndpoint, 'timeoutMs' | 'backoffMs' | 'maxRetries'>;

export interface WebhookEndpointsOptions {
  readonly records: Pick<Records, 'webhooks'>;
  readonly configured: readonly ConfiguredEndpoint[];
  /** What those of the configuration are signed with. */
  readonly secret: string | undefined;
  /** Of endpoints that say nothing themselves. */
  readonly patience: Patience;
  /** What is sealed of a project's. @throws Error where it does not open */
  readonly open: (webhook: Webhook) => Pick<WebhookEndpoint, 'secret' | 'headers'>;
}

/** In metrics, since there may be any number of them. */
const projectLabel = 'project';

export class WebhookEndpoints implements FindEndpoint {
  readonly #options: WebhookEndpointsOptions;

  constructor(options: WebhookEndpointsOptions) {
    this.#options = options;
  }

  /** Brings the records up to the configuration. */
  start(): Promise<void> {
    return this.#options.records.webhooks.configure(this.#options.configured);
  }

  async find(id: number): Promise<WebhookEndpoint | undefined> {
    const webhook = await this.#options.records.webhooks.find(id);
    return webhook && !webhook.isDisabled ? this.endpointOf(webhook) : undefined;
  }

  /** Undefined where the configuration here has no such endpoint. @throws Error where its secrets do not open */
  endpointOf(webhook: Webhook): WebhookEndpoint | undefined {
    const { configured, secret, patience, open } = this.#options;
    if (webhook.projectId !== undefined)
      return {
        id: webhook.id,
        label: projectLabel,
        url: new URL(webhook.url),
        ...open(webhook),
        ...patienceOf(webhook, patience),
      };
    const found = configured.find(({ name }) => name === webhook.name);
    return (
      found && {
        id: webhook.id,
        label: found.name,
        url: new URL(found.url),
        secret,
        headers: found.headers,
        ...patienceOf(found, patience),
      }
    );
  }
}

function patienceOf(
  { timeoutMs, backoffMs, maxRetries }: Pick<Webhook, keyof Patience>,
  patience: Patience,
): Patience {
  return {
    timeoutMs: timeoutMs ?? patience.timeoutMs,
    backoffMs: backoffMs ?? patience.backoffMs,
    maxRetries: maxRetries ?? patience.maxRetries,
  };
}
