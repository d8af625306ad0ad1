/** A bearer token for one scope. https://distribution.github.io/distribution/spec/auth/token/ */
import { z } from 'zod';
import type { IssuedToken } from '../cache/upstream-tokens.ts';
import type { Answer } from '../outbound/answer.ts';
import { readJsonAnswer } from '../outbound/json-answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Transport } from '../outbound/transport.ts';
import { type CredentialsUse, toStatusError } from './status-error.ts';
import type { BasicCredentials } from './upstream.ts';

export const maxTokenBytes = 1024 * 1024;
/** The specification's, for services that do not say. */
const defaultLifetimeSeconds = 60;

const headerText = /^[\x21-\x7e]+$/;
const tokenText = z.string().trim().regex(headerText).optional().catch(undefined);
const answerSchema = z.object({
  token: tokenText,
  access_token: tokenText,
  expires_in: z.coerce.number().positive().catch(defaultLifetimeSeconds),
});
/** What services answer that refuse one scope for another. */
const scopeRefusals = [400, 401, 403, 404];

export interface TokenRequest {
  /** Already judged by {@link parseRealm}. */
  readonly realm: URL;
  readonly service: string | undefined;
  /** What is asked for is the first. */
  readonly scopes: readonly [string, ...string[]];
  readonly credentials: BasicCredentials | undefined;
  /** Whether it is for where a redirect led: that must not get what the upstream's own headers would fetch. */
  readonly isAway: boolean;
}

/** The same for other scopes. */
type ScopesRequest = Omit<TokenRequest, 'scopes'> & { readonly scopes: readonly string[] };

/** A token for all scopes or, of a service that refuses one for another, for what is asked for or for all others. @throws OutboundError */
export async function exchangeToken(
  transport: Transport,
  request: TokenRequest,
  now: number,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const ask = (scopes: readonly string[]) => askForToken(transport, { ...request, scopes }, now, signal);
  const [first, ...others] = request.scopes;
  try {
    return await ask(request.scopes);
  } catch (error) {
    if (!isScopeRefusal(error) || others.length === 0) throw error;
    return ask([first]).catch((second: unknown) =>
      isScopeRefusal(second) ? ask(others) : Promise.reject(second),
    );
  }
}

function isScopeRefusal(error: unknown): boolean {
  return error instanceof OutboundError && scopeRefusals.includes(error.status ?? 0);
}

/** Where the service redirects to another origin, that is asked without the credentials. */
async function askForToken(
  transport: Transport,
  { realm, service, scopes, credentials, isAway }: ScopesRequest,
  now: number,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials) url.searchParams.set('account', credentials.username);
  const headers = credentials ? { authorization: basicAuthorization(credentials) } : {};
  const repository = scopes.join(' ');
  const asked = { method: 'GET', url, headers, repository, isAway, redirects: 'follow' } as const;
  const answer = await transport.request(asked, signal);
  if (answer.status >= 300) {
    answer.discard();
    const here = credentials === undefined ? 'none' : 'sent';
    throw refusal(answer, answer.url.origin === url.origin ? here : 'elsewhere', now);
  }
  const said = answerSchema.safeParse(
    (await readJsonAnswer(answer, maxTokenBytes, 'an answer of its token service')).json,
  );
  const token = said.data?.token ?? said.data?.access_token;
  if (token === undefined)
    throw new OutboundError('invalid', 'has a token service that answered without a token');
  return { token, lifetimeMs: (said.data?.expires_in ?? defaultLifetimeSeconds) * 1000 };
}

export function basicAuthorization({ username, password }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

type Refused = Exclude<CredentialsUse, 'kept'>;

const refused: Readonly<Record<Refused, string>> = {
  sent: 'refused the credentials',
  none: 'refused an anonymous token; no credentials are configured',
  elsewhere: 'redirected to another origin, where credentials are not sent, and refused a token there',
};

function refusal(answer: Answer, credentials: Refused, now: number): OutboundError {
  const { kind, status, retryAfterMs, refusesCredentials } = toStatusError(answer, credentials, now);
  if (kind === 'unauthorized') {
    const message = `has a token service that ${refused[credentials]} (${status})`;
    return new OutboundError(kind, message, { status, refusesCredentials });
  }
  // A token service that is not there says nothing of the repository.
  const blamed = kind === 'not-found' ? 'invalid' : kind;
  return new OutboundError(blamed, `has a token service that answered ${status}`, { status, retryAfterMs });
}
