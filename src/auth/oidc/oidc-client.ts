/**
 * What we are to an OpenID provider, with authorization code and PKCE. The protocol is oauth4webapi's, over our own transport; keys
 * and time are ours, so that a provider that is down, or a key that is new, costs nobody more than it must.
 * https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc9700
 */
import { jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { Log } from '../../observe/log.ts';
import { discover, endpoint, type FetchJson } from './oidc-discovery.ts';
import { OidcLoginError } from './oidc-login-error.ts';
import { type OidcPerson, type PersonClaims, personOf } from './oidc-person.ts';
import { RemoteDocument } from './remote-document.ts';
import { RemoteKeys } from './remote-keys.ts';

const timeoutMs = 10_000;
const clockTolerance = 5;
const maxShownLength = 255;
const algorithms = ['RS256', 'ES256', 'PS256', 'EdDSA'];

/** Posts a form. It bounds what it reads, follows no redirects, and heeds the signal. */
export type PostForm = (
  url: URL,
  form: { readonly fields: URLSearchParams; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: unknown }>;

/** `issuer`: as in the `iss` of its tokens. */
export interface OidcClientOptions extends PersonClaims {
  readonly clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly fetchJson: FetchJson;
  readonly postForm: PostForm;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Secrets of one sign-in, which the provider repeats or proves, and nobody else can. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** One sign-in, the same on the way there and on the way back. */
export interface SignInJourney extends SignInSecrets {
  readonly redirectUri: string;
}

/** The part of the document that is used: oauth4webapi goes by all that it is given. */
const metadata = z.object({
  issuer: z.string(),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  // OpenID's default holds where nothing is said: https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
  token_endpoint_auth_methods_supported: z.array(z.string()).default(['client_secret_basic']),
  authorization_response_iss_parameter_supported: z
    .boolean()
    .nullish()
    .transform((said) => said === true),
});
type Metadata = z.infer<typeof metadata>;

const tokens = z.object({ id_token: z.string().max(65_536) });

export class OidcClient {
  readonly #options: OidcClientOptions;
  readonly #metadata: RemoteDocument<Metadata>;
  readonly #keys: RemoteKeys;

  constructor(options: OidcClientOptions) {
    const { issuer, fetchJson, log, now } = options;
    this.#options = options;
    this.#metadata = new RemoteDocument({
      fetch: (signal) => discover(metadata, issuer, fetchJson, signal),
      onFailure: (err) =>
        log.warn({ err, issuer }, 'the discovery document of the OpenID provider could not be fetched'),
      now,
    });
    this.#keys = new RemoteKeys({ ...options, jwksUrl: undefined });
  }

  createSecrets(): SignInSecrets {
    return {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
  }

  /** The address where somebody signs in. @throws OidcLoginError unavailable */
  async urlFor({ state, nonce, verifier, redirectUri }: SignInJourney): Promise<URL> {
    const { clientId, scopes } = this.#options;
    const { authorization_endpoint } = await this.#findMetadata();
    const url = new URL(authorization_endpoint);
    const query = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /** Who signed in. @param answer the query with which they come back, each name once. @throws OidcLoginError */
  async identify(answer: URLSearchParams, journey: SignInJourney): Promise<OidcPerson> {
    const server = {
      ...(await this.#findMetadata()),
      id_token_signing_alg_values_supported: algorithms,
    };
    const code = this.#validate(server, answer, journey);
    return this.#verify(server, await this.#exchange(server, code, journey), journey);
  }

  /** The client with our clock, which oauth4webapi knows by how far it is from the system's. */
  get #client(): oauth.Client {
    const { clientId, now } = this.#options;
    return {
      client_id: clientId,
      [oauth.clockSkew]: Math.round((now() - Date.now()) / 1000),
      [oauth.clockTolerance]: clockTolerance,
    };
  }

  async #findMetadata(): Promise<Metadata> {
    try {
      return await this.#metadata.get();
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  /** Checks the answer and gives the parameters with the code. https://www.rfc-editor.org/rfc/rfc9207 */
  #validate(server: Metadata, answer: URLSearchParams, { state }: SignInJourney): URLSearchParams {
    try {
      // oauth4webapi would take an empty issuer for none.
      if (answer.get('iss') === '') throw new Error('its issuer is empty');
      const valid = oauth.validateAuthResponse(server, this.#client, answer, state);
      if (valid.has('code')) return valid;
    } catch (cause) {
      if (!(cause instanceof oauth.AuthorizationResponseError))
        throw new OidcLoginError('untrusted', 'The answer is that of another issuer.', { cause });
      const said = JSON.stringify(cause.error.slice(0, maxShownLength));
      throw new OidcLoginError('denied', `The OpenID provider said ${said}.`);
    }
    throw new OidcLoginError('denied', 'The OpenID provider sent no code.');
  }

  /** https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
  #exchange(
    server: Metadata,
    code: URLSearchParams,
    { verifier, redirectUri }: SignInJourney,
  ): Promise<Response> {
    const { clientSecret } = this.#options;
    const isBasic = server.token_endpoint_auth_methods_supported.includes('client_secret_basic');
    const withSecret = isBasic ? basic : oauth.ClientSecretPost;
    const shown = clientSecret === undefined ? oauth.None() : withSecret(clientSecret);
    return oauth.authorizationCodeGrantRequest(server, this.#client, shown, code, redirectUri, verifier, {
      // An issuer without TLS may be asked; from one with TLS, discovery leads nowhere else.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, { body, headers }) => this.#post(new URL(url), { fields: body, headers }),
    });
  }

  async #post(url: URL, form: Parameters<PostForm>[1]): Promise<Response> {
    const { postForm, log, issuer } = this.#options;
    const answer = await postForm(url, form, AbortSignal.timeout(timeoutMs)).catch((cause: unknown) => {
      throw unavailable(cause);
    });
    const { status, body } = answer;
    const said = tokens.safeParse(body);
    // oauth4webapi demands what belongs to an access token, which we have no use for.
    if (status === 200 && said.success)
      return Response.json({ ...said.data, access_token: 'unused', token_type: 'bearer' });
    log.warn({ issuer, status, error: errorOf(body) }, 'the OpenID provider did not exchange a code');
    throw new OidcLoginError('denied', 'The OpenID provider did not exchange its code for an ID token.');
  }

  async #verify(server: Metadata, answer: Response, { nonce }: SignInJourney): Promise<OidcPerson> {
    const { clientId, now } = this.#options;
    try {
      const demands = { expectedNonce: nonce, requireIdToken: true };
      const said = await oauth.processAuthorizationCodeResponse(server, this.#client, answer, demands);
      // oauth4webapi has checked what the claims say; here it is checked whose they are, and that they hold by our clock.
      const { payload } = await jwtVerify(said.id_token ?? '', this.#keys.get, {
        algorithms,
        clockTolerance,
        currentDate: new Date(now()),
      });
      if (payload['azp'] !== undefined && payload['azp'] !== clientId) {
        throw new Error('it was made for another client');
      }
      return personOf(payload, this.#options);
    } catch (cause) {
      // An error of any kind may come: a published key may be no usable one, say.
      throw new OidcLoginError('untrusted', 'The ID token is not to be believed.', { cause });
    }
  }
}

/**
 * Basic credentials are encoded as in a form first: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1. oauth4webapi encodes what need
 * not be, such as the hyphens of a UUID, and some providers do not undo it.
 */
function basic(secret: string): oauth.ClientAuth {
  return (_server, { client_id }, _body, headers) => {
    const pair = [client_id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1));
    headers.set('authorization', `Basic ${Buffer.from(pair.join(':')).toString('base64')}`);
  };
}

function unavailable(cause: unknown): OidcLoginError {
  return new OidcLoginError('unavailable', 'The OpenID provider cannot be reached.', { cause });
}

function errorOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
}
