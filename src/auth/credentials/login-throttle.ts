/**
 * Slows guessing down: after some failures in a minute, an account is closed to an address until the minute is over, and so are
 * all accounts to an address that failed at many. Never an account to everyone: others could lock its owner out.
 */
import { RateCounter } from '../../cache/rate-counter.ts';
import type { SharedCounters } from '../../cache/redis-counters.ts';
import { clientNetwork } from './client-network.ts';

const maxFailures = 10;
/** An office, or a cluster, may be behind one address. */
const maxFailuresOfAddress = 100;
const windowMs = 60_000;

/** A guess that is being looked at; it counts as a failure until it is known to be right. */
export interface Attempt {
  succeed(): void;
}

export class LoginThrottle {
  readonly #failures: RateCounter;
  readonly #now: () => number;

  /** @param shared where several processes count together */
  constructor(now: () => number, shared?: SharedCounters) {
    this.#now = now;
    this.#failures = new RateCounter({ name: 'login', windowMs, shared, now });
  }

  /** Seconds until the next attempt is heard; undefined: it is heard now. */
  findWaitSeconds(account: string, address: string | undefined): number | undefined {
    const waits = [
      this.#waitMs(accountKey(account, address), maxFailures),
      this.#waitMs(addressKey(address), maxFailuresOfAddress),
    ];
    const waitMs = Math.max(...waits);
    return waitMs > 0 ? Math.ceil(waitMs / 1000) : undefined;
  }

  /** Counts an attempt before it is known how it ends, or many at the same time would all be heard. */
  begin(account: string, address: string | undefined): Attempt {
    const keys = { account: accountKey(account, address), address: addressKey(address) };
    this.#failures.count(keys.account);
    this.#failures.count(keys.address);
    return {
      succeed: () => {
        this.#failures.forget(keys.account);
        this.#failures.takeBack(keys.address);
      },
    };
  }

  close(): void {
    this.#failures.close();
  }

  #waitMs(key: string, most: number): number {
    const rate = this.#failures.find(key);
    return rate && rate.total >= most ? rate.endsAt - this.#now() : 0;
  }
}

function accountKey(account: string, address: string | undefined): string {
  return `${clientNetwork(address)} ${account}`;
}

function addressKey(address: string | undefined): string {
  return clientNetwork(address);
}
