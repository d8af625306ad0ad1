/**
 * What a status says where another was hoped for:
 *
 * | status        | kind         | |
 * |---------------|--------------|---|
 * | 404, 410      | not-found    | |
 * | 401, 403      | unauthorized | after a token exchange; Docker Hub says so of repositories that do not exist |
 * | 429           | rate-limited | |
 * | 408, 5xx      | unavailable  | |
 * | anything else | invalid      | 400 too: what stands in front of a registry says that as well, and it must not make us forget |
 */
import type { Answer } from '../outbound/answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { parseRetryAfter } from '../outbound/retry-after.ts';

/**
 * Whether whoever answered had been sent the credentials, or there were none, or they were kept from it as it did not ask for them, or as
 * a redirect led there and they are not for it.
 */
export type CredentialsUse = 'sent' | 'none' | 'kept' | 'elsewhere';

const refused: Readonly<Record<CredentialsUse, (status: number, host: string) => string>> = {
  sent: (status) => `refused the credentials (${status}) or has no such repository`,
  none: (status) =>
    `refused anonymous access (${status}) or has no such repository; no credentials are configured`,
  kept: (status) =>
    `refused anonymous access (${status}) or has no such repository; it did not ask for the credentials, so they were not sent`,
  elsewhere: (status, host) =>
    `redirected to ${host}, which refused anonymous access (${status}) or has no such repository`,
};

/** @param credentials for the message */
export function toStatusError(answer: Answer, credentials: CredentialsUse, now: number): OutboundError {
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), now);
  if (status === 404 || status === 410)
    return new OutboundError('not-found', `does not have it (${status})`, { status });
  if (status === 401 || status === 403)
    return new OutboundError('unauthorized', refused[credentials](status, answer.url.host), {
      status,
      refusesCredentials: credentials === 'sent',
    });
  if (status === 429)
    return new OutboundError('rate-limited', 'limits our rate (429)', { status, retryAfterMs });
  if (status === 408 || status >= 500)
    return new OutboundError('unavailable', `failed (${status})`, { status, retryAfterMs });
  // That is how nginx says it; others do while TLS is begun.
  const isAboutTls = status === 400 && answer.url.protocol === 'https:';
  const advice = isAboutTls ? '; it may want a client certificate (client_certificate and client_key)' : '';
  return new OutboundError('invalid', `gave an answer that makes no sense here (${status})${advice}`, {
    status,
  });
}

/** Of where a registry redirected to: it has what was asked for, and we cannot get at it. */
export function refusedElsewhere({ status, url }: Answer): OutboundError {
  return new OutboundError('invalid', `redirected to ${url.host}, which refused us (${status})`, { status });
}
