/** Long work that leaves the thread to others every few milliseconds, however long each of its steps takes. */
import { setImmediate as others } from 'node:timers/promises';

const turnMs = 10;

export class Turn {
  #endsAt = performance.now() + turnMs;

  /** Asked between steps: whether it is time for {@link next}. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** After all others who wait. */
  async next(): Promise<void> {
    await others();
    this.#endsAt = performance.now() + turnMs;
  }
}
