/**
 * People who sign in at an OpenID provider: authorization code with PKCE. What must be the same when they come back is sealed into a
 * cookie, so that it is their own browser that comes back, and any process can receive it.
 * https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, https://www.rfc-editor.org/rfc/rfc9700
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { jwtVerify } from 'jose';
import { z } from 'zod';
import type { Log } from '../../observe/log.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import { OidcDiscovery, type Provider } from './oidc-discovery.ts';
import { type OidcPerson, personOf } from './oidc-person.ts';
import { type FetchJson, RemoteKeys } from './remote-keys.ts';

/** How long signing in over there may take. */
export const loginSeconds = 600;
const timeoutMs = 10_000;
const clockToleranceSeconds = 5;
const maxShownLength = 255;
const algorithms = ['RS256', 'ES256', 'PS256', 'EdDSA'];
const sealedFor = 'oidc-login';

/** Bounds what it reads, follows no redirects, and heeds the signal. */
export type PostForm = (
  url: URL,
  form: { readonly fields: URLSearchParams; readonly headers: Readonly<Record<string, string>> },
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: unknown }>;

export interface OidcLoginOptions {
  /** As in the `iss` of its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  readonly secretBox: SecretBox;
  readonly fetchJson: FetchJson;
  readonly postForm: PostForm;
  readonly log: Log;
  /** epoch ms */
  readonly now: () => number;
}

/**
 * unavailable: the provider could not be asked; interrupted: not begun in this browser, or too long ago; denied: the provider, or the
 * person there, said no; untrusted: what came back is not to be believed.
 */
export type OidcFault = 'unavailable' | 'interrupted' | 'denied' | 'untrusted';

export class OidcLoginError extends Error {
  override readonly name = 'OidcLoginError';
  readonly fault: OidcFault;

  constructor(fault: OidcFault, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.fault = fault;
  }
}

/** The query of the address at which they come back. */
export interface Callback {
  readonly state: string | undefined;
  readonly code: string | undefined;
  readonly error: string | undefined;
  /** https://www.rfc-editor.org/rfc/rfc9207 */
  readonly iss: string | undefined;
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

const tokens = z.object({ id_token: z.string().max(65_536) });

export class OidcLogin {
  readonly #options: OidcLoginOptions;
  readonly #discovery: OidcDiscovery;
  readonly #keys: RemoteKeys;

  constructor(options: OidcLoginOptions) {
    this.#options = options;
    this.#discovery = new OidcDiscovery(options);
    this.#keys = new RemoteKeys({ ...options, jwksUrl: undefined });
  }

  /** Where to send them, and what their browser keeps until they come back. @throws OidcLoginError unavailable */
  async begin(
    redirectUri: string,
    returnTo: string,
  ): Promise<{ readonly url: URL; readonly sealed: string }> {
    const { clientId, scopes, secretBox, now } = this.#options;
    const { authorizationEndpoint } = await this.#findProvider();
    const journey: Journey = {
      state: random(),
      nonce: random(),
      verifier: random(),
      returnTo,
      redirectUri,
      expiresAt: now() + loginSeconds * 1000,
    };
    const url = new URL(authorizationEndpoint);
    const query = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state: journey.state,
      nonce: journey.nonce,
      code_challenge: hash('sha256', journey.verifier, 'base64url'),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return { url, sealed: secretBox.seal(JSON.stringify(journey), sealedFor) };
  }

  /** @param sealed of {@link begin}, as their browser kept it. @throws OidcLoginError */
  async finish(
    sealed: string | undefined,
    { state, code, error, iss }: Callback,
  ): Promise<{ readonly person: OidcPerson; readonly returnTo: string }> {
    const journey = this.#open(sealed);
    if (!journey || state === undefined || !isSame(state, journey.state)) {
      throw new OidcLoginError('interrupted', 'This sign-in was not begun in this browser, or too long ago.');
    }
    if (iss !== undefined && iss !== this.#options.issuer) {
      throw new OidcLoginError('untrusted', 'The answer is that of another issuer.');
    }
    if (error !== undefined || code === undefined) {
      const said =
        error === undefined ? 'sent no code' : `said ${JSON.stringify(error.slice(0, maxShownLength))}`;
      throw new OidcLoginError('denied', `The OpenID provider ${said}.`);
    }
    const idToken = await this.#exchange(code, journey);
    return { person: await this.#verify(idToken, journey.nonce), returnTo: journey.returnTo };
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

  async #findProvider(): Promise<Provider> {
    try {
      return await this.#discovery.find();
    } catch (cause) {
      throw new OidcLoginError('unavailable', 'The OpenID provider cannot be reached.', { cause });
    }
  }

  /** https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
  async #exchange(code: string, { verifier, redirectUri }: Journey): Promise<string> {
    const { postForm, log, issuer } = this.#options;
    const provider = await this.#findProvider();
    const client = this.#authentication(provider);
    const fields = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...client.fields,
    });
    const signal = AbortSignal.timeout(timeoutMs);
    const form = { fields, headers: client.headers };
    const { status, body } = await postForm(provider.tokenEndpoint, form, signal).catch((cause: unknown) => {
      throw new OidcLoginError('unavailable', 'The OpenID provider cannot be reached.', { cause });
    });
    const answer = tokens.safeParse(body);
    if (status === 200 && answer.success) return answer.data.id_token;
    log.warn({ issuer, status, error: errorOf(body) }, 'the OpenID provider did not exchange a code');
    throw new OidcLoginError('denied', 'The OpenID provider did not exchange its code for an ID token.');
  }

  #authentication({ secretIn }: Provider) {
    const { clientId, clientSecret } = this.#options;
    if (clientSecret === undefined) return { fields: { client_id: clientId }, headers: {} };
    if (secretIn === 'form') {
      return { fields: { client_id: clientId, client_secret: clientSecret }, headers: {} };
    }
    // Encoded as in a form, before it is Basic: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    const pair = [clientId, clientSecret].map((text) =>
      new URLSearchParams([['', text]]).toString().slice(1),
    );
    return {
      fields: {},
      headers: { authorization: `Basic ${Buffer.from(pair.join(':')).toString('base64')}` },
    };
  }

  async #verify(idToken: string, nonce: string): Promise<OidcPerson> {
    const { issuer, clientId, now } = this.#options;
    try {
      const { payload } = await jwtVerify(idToken, this.#keys.get, {
        algorithms,
        issuer,
        audience: clientId,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['sub', 'aud', 'exp', 'iat', 'nonce'],
        currentDate: new Date(now()),
      });
      if (typeof payload['nonce'] !== 'string' || !isSame(payload['nonce'], nonce)) {
        throw new Error('its nonce is that of another sign-in');
      }
      const others = [payload.aud].flat().length > 1;
      if (payload['azp'] === undefined ? others : payload['azp'] !== clientId) {
        throw new Error('it was made for another client');
      }
      return personOf(payload, this.#options);
    } catch (cause) {
      // Of any kind: a published key may be no usable one, say.
      throw new OidcLoginError('untrusted', 'The ID token is not to be believed.', { cause });
    }
  }
}

function random(): string {
  return randomBytes(32).toString('base64url');
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}

function errorOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
}
