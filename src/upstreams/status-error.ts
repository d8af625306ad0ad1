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

/** @param hasCredentials whether any are configured, for the message. */
export function toStatusError(answer: Answer, hasCredentials: boolean, now: number): OutboundError {
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), now);
  if (status === 404 || status === 410)
    return new OutboundError('not-found', `does not have it (${status})`, { status });
  if (status === 401 || status === 403) return unauthorized(status, hasCredentials);
  if (status === 429)
    return new OutboundError('rate-limited', 'limits our rate (429)', { status, retryAfterMs });
  if (status === 408 || status >= 500)
    return new OutboundError('unavailable', `failed (${status})`, { status, retryAfterMs });
  return new OutboundError('invalid', `gave an answer that makes no sense here (${status})`, { status });
}

export function unauthorized(status: number, hasCredentials: boolean): OutboundError {
  const message = hasCredentials
    ? `refused the credentials (${status}) or has no such repository`
    : `refused anonymous access (${status}) or has no such repository; no credentials are configured`;
  return new OutboundError('unauthorized', message, { status });
}
