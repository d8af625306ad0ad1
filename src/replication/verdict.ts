/** What a failure means for a tag, and for all others that go to the same registry or come from it. */
import { OciError } from '../oci/errors.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { SourceFault } from './image-source.ts';

export interface Verdict {
  /** For people. */
  readonly reason: string;
  /** Nothing else of the registry is to be asked for now. */
  readonly isOfAll: boolean;
  /** It was asked too often, which counts as no failure. */
  readonly isLimited: boolean;
  /** Until it is tried again; undefined: it is not. */
  readonly waitMs: number | undefined;
  readonly isBug: boolean;
}

/** Doubled each time: half an hour in all. */
export const firstPauseMs = 60_000;
export const maxTries = 5;
const limitedMs = 60_000;
const maxReasonLength = 1000;

/** @param tries that failed before */
export function verdictOn(error: unknown, tries: number): Verdict {
  const cause = error instanceof SourceFault ? error.cause : error;
  const backOffMs = tries < maxTries ? firstPauseMs * 2 ** tries : undefined;
  const told = { reason: reasonOf(error), isOfAll: false, isLimited: false, isBug: false };
  if (cause instanceof OutboundError) {
    const { kind, retryAfterMs = 0, unreachable } = cause;
    if (kind === 'rate-limited')
      return { ...told, isOfAll: true, isLimited: true, waitMs: retryAfterMs || limitedMs };
    const mayPass = kind === 'unavailable';
    const waitMs = mayPass ? backOffMs && Math.max(backOffMs, retryAfterMs) : undefined;
    return { ...told, isOfAll: unreachable, waitMs };
  }
  if (cause instanceof OciError) return ofOciError(cause, told, backOffMs);
  if (error instanceof SourceFault) return { ...told, waitMs: backOffMs };
  return { ...told, isBug: true, waitMs: backOffMs };
}

function ofOciError(error: OciError, told: Omit<Verdict, 'waitMs'>, backOffMs: number | undefined): Verdict {
  const seconds = Number(error.headers['Retry-After'] ?? 0);
  if (error.code === 'TOOMANYREQUESTS')
    return { ...told, isOfAll: true, isLimited: true, waitMs: seconds * 1000 || limitedMs };
  return {
    ...told,
    waitMs: error.status >= 500 ? backOffMs && Math.max(backOffMs, seconds * 1000) : undefined,
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof OutboundError) return `the other registry ${error.message}`.slice(0, maxReasonLength);
  const isTold = error instanceof SourceFault || error instanceof OciError;
  return isTold
    ? error.message.slice(0, maxReasonLength)
    : 'an error in this server, of which its log says more';
}
