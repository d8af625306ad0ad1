/** The one exit for errors: on /v2 and wherever nothing nearer deals with them, as the OCI specification says them. */
import type { Middleware } from 'koa';
import type { Log } from '../observe/log.ts';
import { OciError, type OciErrorCode, ociErrors } from '../oci/errors.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { RequestContext, RequestState } from './state.ts';

export const answerErrors: Middleware<RequestState> = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    answerError(ctx, error);
  }
};

function answerError(ctx: RequestContext, error: unknown): void {
  const refusal = refusalOf(error);
  ctx.state.refusal = refusal;
  logFault(ctx.state.log, error, refusal.code === 'UNKNOWN');
  if (ctx.headerSent) {
    ctx.state.log.warn({ err: error }, 'an answer broke off');
    // A short body is the only way left to tell the client.
    ctx.respond = false;
    ctx.res.destroy();
    return;
  }
  const { code, status, headers } = refusal;
  for (const header of contentHeaders) ctx.remove(header);
  ctx.status = status;
  ctx.message = reasonOf(refusal) ?? ctx.message;
  ctx.respond = true;
  ctx.set({ 'Cache-Status': `entrepot; detail=${code}`, 'Content-Type': 'application/json', ...headers });
  ctx.body = JSON.stringify({ errors: entriesOf(refusal) });
}

/** Logs what the server could not answer, for those who run it; nothing where the fault is the client's. */
export function logFault(log: Log, error: unknown, isBug: boolean): void {
  if (error instanceof UnavailableError) log.error({ err: error }, 'a request could not be answered');
  else if (isBug) log.error({ err: error }, 'a request failed unexpectedly');
}

/**
 * Docker, podman and containerd show people the message alone, so that is where the sentence has to be; crane, oras and buildx show the
 * detail after it, so there is none that would say it again.
 */
function entriesOf({ code, details }: OciError): readonly object[] {
  const messages = details.length === 0 ? [ociErrors[code].message] : details;
  return messages.map((message) => ({ code, message }));
}

/** The text of the status line, which HTTP leaves to us: of 503 and others, clients written in Go show nothing else. */
function reasonOf({ detail }: OciError): string | undefined {
  return detail?.replace(/[^\x20-\x7e]+/g, ' ').slice(0, maxReasonLength);
}

const maxReasonLength = 300;

/** Headers that may have been set for a body that failed before its first byte. */
const contentHeaders = [
  'Accept-Ranges',
  'Cache-Control',
  'Content-Length',
  'Content-Range',
  'Docker-Content-Digest',
  'ETag',
];

/** Anything that is neither an answer nor the client's fault is a bug, and nothing of it is sent. */
function refusalOf(error: unknown): OciError {
  if (error instanceof OciError) return error;
  if (error instanceof UnavailableError) return unavailable(error);
  const status = clientFault(error);
  if (status === undefined) return new OciError('UNKNOWN', { cause: error });
  return new OciError(codes[status] ?? 'UNSUPPORTED', { status, cause: error });
}

function unavailable(error: UnavailableError): OciError {
  const headers = { 'Retry-After': String(error.retryAfterSeconds) };
  return new OciError('UNAVAILABLE', { detail: error.message, headers, cause: error });
}

const codes: Readonly<Record<number, OciErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  413: 'SIZE_INVALID',
  429: 'TOOMANYREQUESTS',
};

/** The status of koa's and its parsers' errors about what a client sent. */
function clientFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error) || !error.expose)
    return undefined;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
