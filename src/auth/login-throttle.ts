/** Slows guessing down: after some failures in a minute, an account is closed to an address until the minute is over. */
import { LRUCache } from 'lru-cache';

const maxFailures = 10;
const windowMs = 60_000;
const maxRemembered = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

export class LoginThrottle {
  readonly #now: () => number;
  readonly #failures = new LRUCache<string, Failures>({ max: maxRemembered });

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds until the next attempt is heard; undefined: it is heard now. */
  findWaitSeconds(account: string, address: string | undefined): number | undefined {
    const failures = this.#current(account, address);
    if (!failures || failures.count < maxFailures) return undefined;
    return Math.ceil((failures.since + windowMs - this.#now()) / 1000);
  }

  noteFailure(account: string, address: string | undefined): void {
    const failures = this.#current(account, address);
    if (failures) failures.count += 1;
    else this.#failures.set(keyOf(account, address), { count: 1, since: this.#now() });
  }

  noteSuccess(account: string, address: string | undefined): void {
    this.#failures.delete(keyOf(account, address));
  }

  #current(account: string, address: string | undefined): Failures | undefined {
    const failures = this.#failures.get(keyOf(account, address));
    return failures && failures.since + windowMs > this.#now() ? failures : undefined;
  }
}

function keyOf(account: string, address: string | undefined): string {
  return `${address ?? ''} ${account}`;
}
