/** Concurrent identical requests share one run and one outcome, errors included. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();

  /** @returns the shared outcome, and whether somebody else had started the run. */
  run(key: string, work: () => Promise<T>): { readonly outcome: Promise<T>; readonly joined: boolean } {
    const running = this.#running.get(key);
    if (running) return { outcome: running, joined: true };
    const outcome = work().finally(() => this.#running.delete(key));
    this.#running.set(key, outcome);
    return { outcome, joined: false };
  }
}
