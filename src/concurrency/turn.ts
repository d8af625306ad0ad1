/** Long work that leaves the thread to others every few milliseconds, however long each of its steps takes. */
import { setImmediate } from 'node:timers';
import { setImmediate as others } from 'node:timers/promises';

const turnMs = 10;

export class Turn {
  #endsAt = 0;

  constructor() {
    this.#begin();
  }

  /** Asked between steps: whether it is time for {@link next}. Whoever was idle meanwhile has not used the time up. */
  get isOver(): boolean {
    if (this.#endsAt === 0) this.#begin();
    return performance.now() >= this.#endsAt;
  }

  /** After all others who wait. */
  async next(): Promise<void> {
    await others();
    this.#begin();
  }

  /** Until others come to their turn by themselves. */
  #begin(): void {
    this.#endsAt = performance.now() + turnMs;
    setImmediate(() => {
      this.#endsAt = 0;
    });
  }
}
