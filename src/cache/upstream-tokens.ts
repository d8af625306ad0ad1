/** Tokens that upstreams' token services issued to us, until shortly before they expire. One exchange at a time per key. */

import { LRUCache } from 'lru-cache';
import { SingleFlight } from '../concurrency/single-flight.ts';
import { upTo } from './up-to.ts';

const maxTokens = 5000;
/** Tokens are given up this long before their end, or a tenth of their life where that is shorter. */
const maxMarginMs = 30_000;
/** However long a service says a token lives. */
const maxLifetimeMs = 60 * 60 * 1000;

export interface IssuedToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

export class UpstreamTokens {
  readonly #tokens: LRUCache<string, string>;
  readonly #exchanges = new SingleFlight<string>();

  /** @param now epoch milliseconds. */
  constructor(now: () => number) {
    this.#tokens = new LRUCache({ ...upTo(maxTokens), ttlResolution: 0, perf: { now } });
  }

  /** The token kept, or what one run of `issue` gives to all who ask meanwhile; its error is theirs too and is not kept. */
  async get(
    key: string,
    issue: (signal: AbortSignal) => Promise<IssuedToken>,
    signal?: AbortSignal,
  ): Promise<string> {
    const token = this.#tokens.get(key);
    if (token !== undefined) return token;
    return this.#exchanges.run(key, async (unwanted) => this.#keep(key, await issue(unwanted)), signal)
      .outcome;
  }

  /** Forgets a token that was not accepted, unless another has taken its place. */
  reject(key: string, token: string): void {
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
  }

  #keep(key: string, { token, lifetimeMs }: IssuedToken): string {
    const life = Math.min(lifetimeMs, maxLifetimeMs);
    const ttl = Math.max(1, Math.floor(life - Math.min(maxMarginMs, life / 10)));
    this.#tokens.set(key, token, { ttl });
    return token;
  }
}
