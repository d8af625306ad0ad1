/** Lines about what any stranger can cause: one of a kind in a while, which says how many were left out before it. */
import type { Log } from '../observe/log.ts';

const silenceMs = 10_000;

export class LimitedLog {
  readonly #log: Log;
  readonly #now: () => number;
  /** By message, which are few. */
  readonly #kinds = new Map<string, { readonly saidAt: number; leftOut: number }>();

  /** @param now milliseconds of a clock that is never set back */
  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  warn(fields: object, message: string): void {
    const last = this.#kinds.get(message);
    if (last && this.#now() - last.saidAt < silenceMs) {
      last.leftOut += 1;
      return;
    }
    this.#kinds.set(message, { saidAt: this.#now(), leftOut: 0 });
    this.#log.warn({ ...fields, leftOut: last?.leftOut || undefined }, message);
  }
}
