/** Tokens that upstreams' token services issued to us, until shortly before they expire. One exchange at a time per key. */
import { LRUCache } from 'lru-cache';

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
  readonly #pending = new Map<string, Promise<string>>();

  /** @param now epoch milliseconds. */
  constructor(now: () => number) {
    this.#tokens = new LRUCache({ max: maxTokens, ttlResolution: 0, perf: { now } });
  }

  /** The token kept, or what one run of `issue` gives to all who ask meanwhile; its error is theirs too and is not kept. */
  async get(key: string, issue: () => Promise<IssuedToken>): Promise<string> {
    const token = this.#tokens.get(key);
    if (token !== undefined) return token;
    const pending = this.#pending.get(key) ?? this.#issue(key, issue);
    return pending;
  }

  /** Forgets a token that was not accepted, unless another has taken its place. */
  reject(key: string, token: string): void {
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
  }

  #issue(key: string, issue: () => Promise<IssuedToken>): Promise<string> {
    const run = issue()
      .then(({ token, lifetimeMs }) => {
        const life = Math.min(lifetimeMs, maxLifetimeMs);
        this.#tokens.set(key, token, {
          ttl: Math.max(1, Math.floor(life - Math.min(maxMarginMs, life / 10))),
        });
        return token;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, run);
    return run;
  }
}
