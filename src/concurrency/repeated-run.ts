/**
 * What is done again and again: one run at a time, however often it is asked for, and after a failure not before a pause is over, which
 * doubles with each failure. All loops of the server that go by the clock are one of these, so that what fails never fails at full speed.
 */
export interface RepeatedRunOptions {
  readonly run: () => Promise<void>;
  /** From one run to the next, where nobody asks. */
  readonly everyMs: number;
  /** Each time; to be logged. @param pauseMs until the next try */
  readonly onFailure: (error: unknown, pauseMs: number) => void;
}

const firstPauseMs = 1000;
/** How long it may take to notice that the fault is over. */
const maxPauseMs = 30_000;

export class RepeatedRun {
  readonly #options: RepeatedRunOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isAskedAgain = false;
  #pauseMs = 0;
  #pausedUntil = 0;

  constructor(options: RepeatedRunOptions) {
    this.#options = options;
  }

  /** From time to time, from now on. */
  start(): void {
    this.#timer = setInterval(() => this.ask(), this.#options.everyMs).unref();
  }

  /** A run that begins from now on, unless it has just failed. Never waits for it. */
  ask(): void {
    if (performance.now() < this.#pausedUntil) return;
    if (this.#running) this.#isAskedAgain = true;
    else this.#begin();
  }

  /** Resolves after a whole run that begins from now on, be it in a pause; also where it fails. */
  flush(): Promise<void> {
    if (!this.#running) return this.#begin();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#running ?? this.#begin();
    });
    return this.#next;
  }

  /** Something failed that a run began: none is begun until a pause is over. @returns the pause */
  pause(): number {
    if (performance.now() >= this.#pausedUntil) {
      this.#pauseMs = Math.min(maxPauseMs, this.#pauseMs * 2 || firstPauseMs);
      this.#pausedUntil = performance.now() + this.#pauseMs;
    }
    return this.#pauseMs;
  }

  /** No run any more but by {@link flush}; waits for the one that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#pausedUntil = Number.POSITIVE_INFINITY;
    await this.#running;
  }

  #begin(): Promise<void> {
    this.#running = this.#once();
    return this.#running;
  }

  async #once(): Promise<void> {
    this.#isAskedAgain = false;
    try {
      await this.#options.run();
      if (performance.now() >= this.#pausedUntil) this.#pauseMs = 0;
    } catch (error) {
      this.#options.onFailure(error, this.pause());
    }
    this.#running = undefined;
    if (this.#isAskedAgain) this.ask();
  }
}
