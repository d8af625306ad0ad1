/** What a client is told when no upstream had what it asked for. */
import { OciError, type OciErrorCode } from '../oci/errors.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { Source } from './source.ts';

/** One upstream's "no". */
export interface Answer {
  readonly source: Source;
  readonly error: OutboundError;
}

/** Whether GET may say otherwise than HEAD: not where nobody was reached, and not for the price of being asked again too soon. */
export function mayDiffer({ kind, unreachable, busy }: OutboundError): boolean {
  return kind !== 'rate-limited' && !unreachable && !busy;
}

/** @throws the error itself when it is none of an upstream's: that is a bug and no answer. */
export function answerOf(source: Source, error: unknown): Answer {
  if (error instanceof OutboundError) return { source, error };
  throw error;
}

/**
 * @param what was asked for: "blob sha256:…"
 * @returns the error that says most about why there is no answer: a limit before an outage before nonsense before absence,
 * because absence is only certain when every upstream said so
 */
export function refusalOf(code: OciErrorCode, what: string, answers: readonly Answer[]): OciError {
  const errors = answers.map((answer) => answer.error);
  const isAbsent = errors.every(({ kind }) => kind === 'not-found' || kind === 'unauthorized');
  const outcome = isAbsent ? 'was not found' : 'could not be fetched';
  const detail = `${what} ${outcome}: ${answers.map(describe).join('; ')}`;
  const limited = errors.filter((error) => error.kind === 'rate-limited');
  if (limited.length > 0) {
    const waitMs = Math.min(...limited.map((error) => error.retryAfterMs ?? defaultRetryAfterMs));
    const headers = { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) };
    return new OciError('TOOMANYREQUESTS', { detail, headers });
  }
  const away = errors.filter((error) => error.kind === 'unavailable');
  if (away.length > 0) return new OciError('UNAVAILABLE', { detail, status: statusOf(away) });
  if (errors.some((error) => error.kind === 'invalid')) {
    return new OciError('UNAVAILABLE', { detail, status: 502 });
  }
  return new OciError(code, { detail });
}

const defaultRetryAfterMs = 60_000;

function statusOf(errors: readonly OutboundError[]): number {
  if (errors.every((error) => error.unreachable)) return 503;
  return errors.some((error) => error.timedOut) ? 504 : 502;
}

function describe({ source, error }: Answer): string {
  return `upstream ${source.upstream.settings.id} (${source.upstream.settings.name}): ${error.message}`;
}
