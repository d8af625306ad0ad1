/** What endpoints of projects are signed with, and the headers they are sent, as records keep them: sealed. */
import { z } from 'zod';
import type { SecretBox } from '../../auth/credentials/secret-box.ts';
import type { Webhook } from '../../metadata/webhooks/webhooks.ts';

export interface WebhookCredentials {
  readonly secret: string | undefined;
  /** The headers' values by their names. */
  readonly headers: Readonly<Record<string, string>>;
}

type Address = Pick<Webhook, 'projectId' | 'url'>;
type Sealed = Pick<Webhook, 'secretSealed' | 'headersSealed' | 'headerNames'>;

const headersSchema = z.record(z.string(), z.string());

export class WebhookSecrets {
  readonly #box: SecretBox;

  constructor(box: SecretBox) {
    this.#box = box;
  }

  /** What is sealed is good for this project and URL only. */
  seal(address: Address, { secret, headers }: WebhookCredentials): Sealed {
    const headerNames = Object.keys(headers);
    return {
      secretSealed: secret === undefined ? undefined : this.#box.seal(secret, contextOf(address, 'secret')),
      headersSealed:
        headerNames.length === 0
          ? undefined
          : this.#box.seal(JSON.stringify(headers), contextOf(address, 'headers')),
      headerNames,
    };
  }

  /** @throws Error where the secret key is another one, or what is sealed is another's */
  open(webhook: Address & Sealed): WebhookCredentials {
    const { secretSealed, headersSealed } = webhook;
    return {
      secret:
        secretSealed === undefined ? undefined : this.#box.open(secretSealed, contextOf(webhook, 'secret')),
      headers:
        headersSealed === undefined
          ? {}
          : headersSchema.parse(JSON.parse(this.#box.open(headersSealed, contextOf(webhook, 'headers')))),
    };
  }
}

function contextOf({ projectId, url }: Address, what: 'secret' | 'headers'): string {
  return `webhook ${what} ${projectId} ${url}`;
}
