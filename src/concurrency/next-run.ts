/** One run at a time, each for all who asked before it began: what they are given is of after they asked. */
export class NextRun<T> {
  readonly #run: () => Promise<T>;
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | undefined;

  constructor(run: () => Promise<T>) {
    this.#run = run;
  }

  /** What the next run gives, or throws. */
  ask(): Promise<T> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const run = this.#run();
      this.#running = run.catch(() => undefined);
      return run;
    });
    return this.#next;
  }

  /** Waits for the run that is under way. */
  async settle(): Promise<void> {
    await this.#running;
  }
}
