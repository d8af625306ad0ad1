/** The one error that leaves this folder. */
export type UpstreamErrorKind = 'not-found' | 'unauthorized' | 'rate-limited' | 'unavailable' | 'invalid';

export interface UpstreamErrorOptions {
  /** The HTTP status the upstream answered with, where it answered. */
  readonly status?: number | undefined;
  /** How long the upstream asked us to stay away, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** True where the time-out was ours, so that the client is told 504 and not 502. */
  readonly timedOut?: boolean;
  /** The setting whose time-out it was; the message ends with it. */
  readonly limit?: string | undefined;
  /** True where it was not asked because we had no connection left for it: that says nothing about how it is doing. */
  readonly busy?: boolean;
  /** True where no connection was made or the breaker is open, so that the client is told 503. */
  readonly unreachable?: boolean;
  readonly cause?: unknown;
}

/** `message` says what happened without the upstream's name and without secrets: "refused the credentials (401)". */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamErrorKind;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly timedOut: boolean;
  readonly limit: string | undefined;
  readonly busy: boolean;
  readonly unreachable: boolean;

  constructor(kind: UpstreamErrorKind, message: string, options: UpstreamErrorOptions = {}) {
    super(options.limit === undefined ? message : `${message} (${options.limit})`, { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.timedOut = options.timedOut ?? options.limit !== undefined;
    this.limit = options.limit;
    this.busy = options.busy ?? false;
    this.unreachable = options.unreachable ?? false;
  }
}
