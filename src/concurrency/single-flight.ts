/**
 * Concurrent identical requests share one run and one outcome, errors included. A run that everyone who waited for it has left is told
 * to stop, and whoever comes then starts another.
 */
import { untilAborted } from './until-aborted.ts';

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly stopping: AbortController;
  waiting: number;
}

export class SingleFlight<T> {
  readonly #running = new Map<string, Flight<T>>();

  /**
   * @param work heeds its signal, which is given once nobody waits any more
   * @param signal of who leaves; without one, they stay to the end
   * @returns the shared outcome, or the signal's reason, and whether somebody else had started the run.
   */
  run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): { readonly outcome: Promise<T>; readonly joined: boolean } {
    const running = this.#running.get(key);
    return {
      outcome: this.#wait(key, running ?? this.#start(key, work), signal),
      joined: running !== undefined,
    };
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stopping = new AbortController();
    const flight = { stopping, waiting: 0, outcome: work(stopping.signal) };
    const forget = () => this.#forget(key, flight);
    // Also where nobody is left to hear of its failure.
    flight.outcome.then(forget, forget);
    this.#running.set(key, flight);
    return flight;
  }

  async #wait(key: string, flight: Flight<T>, signal: AbortSignal | undefined): Promise<T> {
    flight.waiting += 1;
    try {
      return await untilAborted(flight.outcome, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#forget(key, flight)) flight.stopping.abort(new Error('nobody waits'));
    }
  }

  /** Whether it was still running. */
  #forget(key: string, flight: Flight<T>): boolean {
    return this.#running.get(key) === flight && this.#running.delete(key);
  }
}
