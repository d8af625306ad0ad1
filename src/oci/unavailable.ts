/**
 * What the server itself stands on is not to be had at the moment: its database, its disk, open files. Nothing is wrong with
 * the request, so every exit answers 503 with Retry-After; `message` is the cause in a sentence and is sent.
 */
export class UnavailableError extends Error {
  override readonly name: string = 'UnavailableError';
  /** When asking again makes sense, in seconds. */
  readonly retryAfterSeconds: number;

  constructor(
    message: string,
    options: { readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds ?? defaultRetryAfterSeconds;
  }
}

const defaultRetryAfterSeconds = 5;
