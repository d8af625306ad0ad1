/**
 * What came of a request to another server, where it is not what was asked for: of an upstream, its token service, a token issuer. Whoever
 * knows what a status means to them says so by the kind; without an answer it is `unavailable`, and what breaks a limit or a rule `invalid`.
 */
export type OutboundErrorKind = 'not-found' | 'unauthorized' | 'rate-limited' | 'unavailable' | 'invalid';

export interface OutboundErrorOptions {
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number | undefined;
  /** How long we were asked to stay away, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** True where the time-out was ours, so that the client is told 504 and not 502. */
  readonly timedOut?: boolean;
  /** The setting whose time-out it was; the message ends with it. */
  readonly limit?: string | undefined;
  /** True where nothing was asked because we had no connection left for it: that says nothing about how the other server is doing. */
  readonly busy?: boolean;
  /** True where no connection was made or the breaker is open, so that the client is told 503. */
  readonly unreachable?: boolean;
  /** True where credentials were sent, and it was for them that it was refused. */
  readonly refusesCredentials?: boolean;
  readonly cause?: unknown;
}

/** `message` says what the other server did, without its name and without secrets: "refused the credentials (401)". */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly kind: OutboundErrorKind;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly timedOut: boolean;
  readonly limit: string | undefined;
  readonly busy: boolean;
  readonly unreachable: boolean;
  readonly refusesCredentials: boolean;

  constructor(kind: OutboundErrorKind, message: string, options: OutboundErrorOptions = {}) {
    super(options.limit === undefined ? message : `${message} (${options.limit})`, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.timedOut = options.timedOut ?? options.limit !== undefined;
    this.limit = options.limit;
    this.busy = options.busy ?? false;
    this.unreachable = options.unreachable ?? false;
    this.refusesCredentials = options.refusesCredentials ?? false;
  }

  /** Whether an answer came and said no, in whatever way: neither that it failed, nor that it was asked too much. */
  get isRefusal(): boolean {
    return this.status !== undefined && this.kind !== 'unavailable' && this.kind !== 'rate-limited';
  }
}
