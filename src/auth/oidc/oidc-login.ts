/**
 * People who sign in at an OpenID provider. What must be the same when they come back is sealed into a cookie, so that it is their own
 * browser that comes back, and any process can receive it.
 */
import { z } from 'zod';
import type { SecretBox } from '../credentials/secret-box.ts';
import type { OidcClient } from './oidc-client.ts';
import { OidcLoginError } from './oidc-login-error.ts';
import type { OidcPerson } from './oidc-person.ts';

/** How long signing in over there may take. */
export const loginSeconds = 600;
const sealedFor = 'oidc-login';

export interface OidcLoginOptions {
  readonly client: OidcClient;
  readonly secretBox: SecretBox;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const journeySchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  redirectUri: z.string(),
  expiresAt: z.number(),
});
type Journey = z.infer<typeof journeySchema>;

export class OidcLogin {
  readonly #options: OidcLoginOptions;

  constructor(options: OidcLoginOptions) {
    this.#options = options;
  }

  /** Begins a sign-in: where to send them, and what their browser keeps until they come back. @throws OidcLoginError unavailable */
  async begin(
    redirectUri: string,
    returnTo: string,
  ): Promise<{ readonly url: URL; readonly sealed: string }> {
    const { client, secretBox, now } = this.#options;
    const expiresAt = now() + loginSeconds * 1000;
    const journey: Journey = { ...client.createSecrets(), returnTo, redirectUri, expiresAt };
    const url = await client.urlFor(journey);
    return { url, sealed: secretBox.seal(JSON.stringify(journey), sealedFor) };
  }

  /**
   * @param sealed what {@link begin} gave, as their browser kept it
   * @param answer the query of the address at which they come back, each name once
   * @throws OidcLoginError
   */
  async finish(
    sealed: string | undefined,
    answer: URLSearchParams,
  ): Promise<{ readonly person: OidcPerson; readonly returnTo: string }> {
    const journey = this.#open(sealed);
    if (!journey || answer.get('state') !== journey.state) {
      throw new OidcLoginError('interrupted', 'This sign-in was not begun in this browser, or too long ago.');
    }
    return { person: await this.#options.client.identify(answer, journey), returnTo: journey.returnTo };
  }

  #open(sealed: string | undefined): Journey | undefined {
    const { secretBox, now } = this.#options;
    if (sealed === undefined) return undefined;
    try {
      const journey = journeySchema.parse(JSON.parse(secretBox.open(sealed, sealedFor)));
      return journey.expiresAt > now() ? journey : undefined;
    } catch {
      return undefined;
    }
  }
}
