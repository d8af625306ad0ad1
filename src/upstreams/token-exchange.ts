/** A bearer token for one scope. https://distribution.github.io/distribution/spec/auth/token/ */
import { z } from 'zod';
import type { IssuedToken } from '../cache/upstream-tokens.ts';
import type { Answer } from '../outbound/answer.ts';
import { readJsonAnswer } from '../outbound/json-answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Transport } from '../outbound/transport.ts';
import { toStatusError } from './status-error.ts';
import type { UpstreamSettings } from './upstream.ts';

export const maxTokenBytes = 1024 * 1024;
/** The specification's, for services that do not say. */
const defaultLifetimeSeconds = 60;

const headerText = /^[\x21-\x7e]+$/;
const tokenText = z.string().regex(headerText).optional().catch(undefined);
const answerSchema = z.object({
  token: tokenText,
  access_token: tokenText,
  expires_in: z.number().positive().catch(defaultLifetimeSeconds),
});

export interface TokenRequest {
  /** Already judged by {@link parseRealm}. */
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: UpstreamSettings['credentials'];
}

/** @throws OutboundError */
export async function exchangeToken(
  transport: Transport,
  { realm, service, scopes, credentials }: TokenRequest,
  now: number,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials) url.searchParams.set('account', credentials.username);
  const headers = credentials ? { authorization: basicAuthorization(credentials) } : {};
  const repository = scopes.join(' ');
  const asked = { method: 'GET', url, headers, repository, redirects: 'refuse' } as const;
  const answer = await transport.request(asked, signal);
  if (answer.status !== 200) {
    answer.discard();
    throw refusal(answer, credentials !== undefined, now);
  }
  const said = answerSchema.safeParse(
    (await readJsonAnswer(answer, maxTokenBytes, 'an answer of its token service')).json,
  );
  const token = said.data?.token ?? said.data?.access_token;
  if (token === undefined)
    throw new OutboundError('invalid', 'has a token service that answered without a token');
  return { token, lifetimeMs: (said.data?.expires_in ?? defaultLifetimeSeconds) * 1000 };
}

export function basicAuthorization({
  username,
  password,
}: NonNullable<UpstreamSettings['credentials']>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function refusal(answer: Answer, hasCredentials: boolean, now: number): OutboundError {
  const { kind, status, retryAfterMs } = toStatusError(answer, hasCredentials, now);
  if (kind === 'unauthorized') {
    const refused = hasCredentials
      ? 'refused the credentials'
      : 'refused an anonymous token; no credentials are configured';
    return new OutboundError(kind, `has a token service that ${refused} (${status})`, { status });
  }
  // A token service that is not there says nothing of the repository.
  const blamed = kind === 'not-found' ? 'invalid' : kind;
  return new OutboundError(blamed, `has a token service that answered ${status}`, { status, retryAfterMs });
}
