/**
 * What another server publishes, as we go by it: asked for again every ten minutes, so that what is taken back ends; while the server is
 * down, what it said last is good for another day. However many want it, the server is asked at most once per interval.
 */

/** Time between two attempts, whatever became of the first. */
const intervalMs = 10_000;
/** Time for all that an attempt asks for. */
const timeoutMs = 5_000;
const believedMs = 10 * 60_000;
const maxStaleMs = 24 * 3_600_000;

export interface RemoteDocumentOptions<T> {
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  /** Called at each failure, to log it. */
  readonly onFailure: (error: unknown) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class RemoteDocument<T> {
  readonly #options: RemoteDocumentOptions<T>;
  #value: T | undefined;
  #failure: unknown;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(options: RemoteDocumentOptions<T>) {
    this.#options = options;
  }

  /** @throws the last attempt's error, where nothing is known that is still good */
  async get(): Promise<T> {
    if (this.#ageMs() > believedMs) await this.renew();
    if (this.#value === undefined || this.#ageMs() > maxStaleMs) throw this.#failure;
    return this.#value;
  }

  /** Asks again, unless that was done a moment ago. It never fails: what was known before stays. */
  async renew(): Promise<void> {
    if (!this.#asking && this.#options.now() - this.#askedAt < intervalMs) return;
    this.#asking ??= this.#ask().finally(() => {
      this.#askedAt = this.#options.now();
      this.#asking = undefined;
    });
    await this.#asking;
  }

  #ageMs(): number {
    return this.#options.now() - this.#fetchedAt;
  }

  async #ask(): Promise<void> {
    const { fetch, onFailure, now } = this.#options;
    try {
      this.#value = await fetch(AbortSignal.timeout(timeoutMs));
      this.#fetchedAt = now();
    } catch (error) {
      this.#failure = error;
      onFailure(error);
    }
  }
}
