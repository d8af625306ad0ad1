/** What middleware learns of a request and hands on to the handlers, as `ctx.state`. */
import type { ParameterizedContext } from 'koa';
import type { Identity } from '../auth/rights/identity.ts';
import type { Log } from '../observe/log.ts';
import type { OciError } from '../oci/errors.ts';
import type { Outcome } from '../oci/repository.ts';

export interface RequestState {
  requestId: string;
  /** Writes the request's id with each line. */
  log: Log;
  /** The client's, as trusted proxies tell it. */
  address: string | undefined;
  /** scheme://host as the client sees us, without a trailing slash. */
  externalUrl: string;
  /** Of the client: aborted once they have left before the end of the answer. */
  readonly left: AbortSignal;
  identity: Identity;
  /** The pattern of the endpoint of /v2 that answers, for metrics; only once it is known who asks. */
  route?: string | undefined;
  /** Of a request to /api/v4 that was counted: to be told who asks. */
  identified?: ((identity: Identity) => void) | undefined;
  /** How a pull was answered. */
  outcome?: Outcome | undefined;
  /** Why there was none, for the log. */
  refusal?: OciError | undefined;
  /** Of the body so far; undefined where the answer's Content-Length says it. */
  sentBytes?: number | undefined;
}

export type RequestContext = ParameterizedContext<RequestState>;
