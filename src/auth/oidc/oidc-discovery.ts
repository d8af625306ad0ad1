/**
 * Where people sign in at an OpenID provider, and where codes are exchanged: what its discovery document says. Asked for again every ten
 * minutes; while the provider is down, what it said last is good for another day, and it is asked at most once per interval.
 * https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 */
import { z } from 'zod';
import type { Log } from '../../observe/log.ts';
import type { FetchJson } from './remote-keys.ts';

/** After an attempt that failed. */
const intervalMs = 10_000;
const believedMs = 10 * 60_000;
const maxStaleMs = 24 * 3_600_000;
const timeoutMs = 5_000;

const endpoint = z.url({ protocol: /^https?$/ });
const metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
});

export interface Provider {
  readonly authorizationEndpoint: URL;
  readonly tokenEndpoint: URL;
  /** How the client shows its secret. */
  readonly secretIn: 'header' | 'form';
}

export interface OidcDiscoveryOptions {
  /** As in the `iss` of its tokens. */
  readonly issuer: string;
  readonly fetchJson: FetchJson;
  readonly log: Log;
  /** epoch ms */
  readonly now: () => number;
}

export class OidcDiscovery {
  readonly #options: OidcDiscoveryOptions;
  #known: { readonly provider: Provider; readonly at: number } | undefined;
  #failed: { readonly error: unknown; readonly at: number } | undefined;
  #asking: Promise<Provider> | undefined;

  constructor(options: OidcDiscoveryOptions) {
    this.#options = options;
  }

  /** @throws Error where the provider cannot be asked, or says what is not acceptable */
  async find(): Promise<Provider> {
    const { now } = this.#options;
    if (this.#known && now() - this.#known.at < believedMs) return this.#known.provider;
    try {
      return await this.#askInTurn();
    } catch (error) {
      if (!this.#known || now() - this.#known.at > maxStaleMs) throw error;
      return this.#known.provider;
    }
  }

  /** Once, whoever waits for it, and not soon after it failed. */
  #askInTurn(): Promise<Provider> {
    const { issuer, log, now } = this.#options;
    if (this.#asking) return this.#asking;
    if (this.#failed && now() - this.#failed.at < intervalMs) return Promise.reject(this.#failed.error);
    this.#asking = this.#ask()
      .catch((error: unknown) => {
        this.#failed = { error, at: now() };
        log.warn(
          { err: error, issuer },
          'the discovery document of the OpenID provider could not be fetched',
        );
        throw error;
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #ask(): Promise<Provider> {
    const { issuer, fetchJson, now } = this.#options;
    const at = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const said = metadata.parse(await fetchJson(at, AbortSignal.timeout(timeoutMs)));
    if (said.issuer !== issuer) throw new Error('the discovery document is that of another issuer');
    // OpenID's default, where nothing is said: https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
    const methods = said.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const provider: Provider = {
      authorizationEndpoint: endpointOf(at, said.authorization_endpoint),
      tokenEndpoint: endpointOf(at, said.token_endpoint),
      secretIn: methods.includes('client_secret_basic') ? 'header' : 'form',
    };
    this.#known = { provider, at: now() };
    return provider;
  }
}

/** @throws Error where it would take what is secret from https to http */
function endpointOf(document: URL, text: string): URL {
  const url = new URL(text);
  if (document.protocol === 'https:' && url.protocol !== 'https:') {
    throw new Error('the discovery document leads from https to http');
  }
  return url;
}
