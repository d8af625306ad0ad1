/** What middleware learns of a request and hands on to the handlers, as `ctx.state`. */
import type { ParameterizedContext } from 'koa';
import type { Identity } from '../auth/rights/identity.ts';
import type { Log } from '../observe/log.ts';
import type { OciError } from '../oci/errors.ts';
import type { UpstreamChoice } from '../oci/registry-host.ts';
import type { Outcome } from '../oci/repository.ts';
import type { Mirror } from './mirrors.ts';

export interface RequestState {
  requestId: string;
  /** It writes the request's id with each line. */
  log: Log;
  /** The client's address, as trusted proxies tell it. */
  address: string | undefined;
  /** The scheme://host by which the client sees us, without a trailing slash. */
  externalUrl: string;
  /** What comes before a path in a `Location` of ours: the same, or nothing. */
  readonly locationBase: string;
  /** Aborted once the client has left before the end of the answer. */
  readonly left: AbortSignal;
  identity: Identity;
  /** The mirror that it came to; undefined: it came to the server itself. */
  readonly mirror: Mirror | undefined;
  /** Of a client of a mirror. */
  choice?: UpstreamChoice | undefined;
  /** The pattern of the endpoint of /v2 that answers, for metrics; only once it is known who asks. */
  route?: string | undefined;
  /** Told who asks, where a request to /api/v4 was counted. */
  identified?: ((identity: Identity) => void) | undefined;
  /** How a pull was answered. */
  outcome?: Outcome | undefined;
  /** Why the request was refused, for the log. */
  refusal?: OciError | undefined;
  /** How much of the body was sent so far; undefined where the answer's Content-Length says it. */
  sentBytes?: number | undefined;
}

export type RequestContext = ParameterizedContext<RequestState>;
