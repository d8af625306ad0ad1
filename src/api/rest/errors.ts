/** What went wrong, as GitLab says it. Both its shapes are here: `error` for parameters, `message` for the rest. */
import { z } from 'zod';
import { RefusedError } from '../../management/acting/refused-error.ts';
import type { Endpoint } from '../../management/endpoint/endpoint.ts';
import type { ErrorStatus } from '../../management/endpoint/error-statuses.ts';
import { UnavailableError } from '../../oci/unavailable.ts';
import { TooManyRequests } from '../rate-limits.ts';
import { UnreadableBody } from './body.ts';

export interface Answer {
  readonly status: number;
  readonly body: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

const faultsByName = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** Parameters are told of in `error`, the rest in `message`: a sentence, or what is wrong with each attribute. */
export const errorResponse = z
  .union([
    z.object({ message: z.union([z.string(), faultsByName]) }),
    z.object({
      error: z.string(),
      error_description: z.string().optional(),
      scope: z.string().optional().meta({ description: 'Of the token, that would do' }),
    }),
  ])
  .meta({ id: 'Error' });

/** Whatever an endpoint may answer with besides its success. */
export function errorStatusesOf({
  method,
  pathParams,
  errors,
}: Pick<Endpoint, 'method' | 'pathParams' | 'errors'>): readonly ErrorStatus[] {
  const hasBody = method !== 'GET' && method !== 'DELETE';
  const statuses = new Set<ErrorStatus>([400, 401, 403, 429, 503, ...errors]);
  if (hasBody) for (const status of [408, 411, 413, 415] as const) statuses.add(status);
  if (hasBody || Object.keys(pathParams.shape).length > 0) statuses.add(404);
  if (method !== 'GET') statuses.add(409);
  if (method === 'DELETE') statuses.add(412);
  return [...statuses].sort((a, b) => a - b);
}

export const routeUnknown: Answer = { status: 404, body: { error: '404 Not Found' } };
const tooMany: Answer = {
  status: 429,
  body: { message: { error: 'This endpoint has been requested too many times. Try again later.' } },
};
const tooOften = {
  message: { error: 'This endpoint has been requested too many times. Try again later.' },
};
const failed: Answer = { status: 500, body: { message: '500 Internal Server Error' } };

/** @param allowed the methods that the path has */
export function methodNotAllowed(allowed: readonly string[]): Answer {
  return { status: 405, body: { message: '405 Method Not Allowed' }, headers: { Allow: allowed.join(', ') } };
}

/** As {@link methodNotAllowed}, for whoever asks for the methods. */
export function methodsOf(allowed: readonly string[]): Answer {
  return { status: 204, body: undefined, headers: { Allow: ['OPTIONS', ...allowed].join(', ') } };
}

/** Anything that is neither refused nor the client's fault is a bug, and nothing of it is shown. */
export function answerTo(error: unknown): Answer {
  if (error instanceof RefusedError) return refused(error);
  if (error instanceof UnavailableError) return unavailable(error);
  if (error instanceof TooManyRequests) return tooMany;
  return error instanceof UnreadableBody ? unreadable(error) : failed;
}

function unavailable({ message, retryAfterSeconds }: UnavailableError): Answer {
  return {
    status: 503,
    body: { message: `503 Service Unavailable - ${message}` },
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}

function refused({ kind, detail, faults }: RefusedError): Answer {
  switch (kind) {
    case 'unauthorized':
      return { status: 401, body: { message: '401 Unauthorized' } };
    case 'invalid-token':
      return { status: 401, body: { error: 'invalid_token', error_description: detail } };
    case 'insufficient-scope':
      return {
        status: 403,
        body: {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: detail,
        },
      };
    case 'forbidden':
      return { status: 403, body: { message: detail ? `403 Forbidden - ${detail}` : '403 Forbidden' } };
    case 'not-found':
      return { status: 404, body: { message: detail ? `404 ${detail} Not Found` : '404 Not found' } };
    case 'turned-off':
      return { status: 404, body: { message: `404 Not Found - ${detail}` } };
    case 'parameters':
      return { status: 400, body: { error: detail } };
    case 'invalid':
      return { status: 400, body: { message: faults } };
    case 'unprocessable':
      return { status: 422, body: { message: faults } };
    case 'bad-request':
      return { status: 400, body: { message: detail ? `400 Bad request - ${detail}` : '400 Bad request' } };
    case 'repeated':
      return { status: 400, body: { message: detail } };
    case 'conflict':
      return { status: 409, body: { message: detail ?? '409 Conflict' } };
    case 'precondition-failed':
      return { status: 412, body: { message: '412 Precondition Failed' } };
    case 'throttled':
      return { status: 429, body: tooOften, headers: { 'Retry-After': detail ?? '1' } };
    case 'unavailable':
      return { status: 503, body: { message: `503 Service Unavailable - ${detail}` } };
  }
}

function unreadable({ status }: UnreadableBody): Answer {
  switch (status) {
    case 408:
      return { status, body: { message: '408 Request Timeout - the body did not come in time' } };
    case 411:
      return { status, body: { message: '411 Length Required' } };
    case 413:
      return { status, body: { message: '413 Request Entity Too Large' } };
    case 415:
      return { status, body: { error: 'The provided content-type is not supported.' } };
    default:
      return { status: 400, body: { error: 'message body does not match declared format' } };
  }
}
