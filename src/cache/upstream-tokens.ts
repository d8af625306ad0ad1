/**
 * Tokens that upstreams' token services issued to us, until shortly before they expire. One exchange at a time per key, and what other
 * processes have got is used here, too: they are sealed on their way.
 */
import { createHash } from 'node:crypto';

import { LRUCache } from 'lru-cache';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { SharedCache } from './shared.ts';
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

export interface SharedTokens {
  readonly cache: Pick<SharedCache, 'find' | 'remember'>;
  /** Only what was sealed for a name opens for it. */
  readonly box: {
    seal(text: string, name: string): string;
    /** @throws Error */
    open(sealed: string, name: string): string;
  };
}

export class UpstreamTokens {
  readonly #tokens: LRUCache<string, string>;
  /** By key, the last that was not accepted. */
  readonly #rejected = new LRUCache<string, string>(upTo(maxTokens));
  readonly #exchanges = new SingleFlight<string>();
  readonly #now: () => number;
  readonly #shared: SharedTokens | undefined;

  /**
   * @param now epoch milliseconds.
   * @param shared undefined: nobody else is told
   */
  constructor(now: () => number, shared?: SharedTokens) {
    this.#now = now;
    this.#shared = shared;
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
    const run = async (unwanted: AbortSignal) =>
      (await this.#findShared(key)) ?? this.#keep(key, await issue(unwanted));
    return this.#exchanges.run(key, run, signal).outcome;
  }

  /** Forgets a token that was not accepted, unless another has taken its place. */
  reject(key: string, token: string): void {
    this.#rejected.set(key, token);
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
  }

  #keep(key: string, { token, lifetimeMs }: IssuedToken): string {
    const life = Math.min(lifetimeMs, maxLifetimeMs);
    const ttl = Math.max(1, Math.floor(life - Math.min(maxMarginMs, life / 10)));
    this.#tokens.set(key, token, { ttl });
    this.#tell(key, token, ttl);
    return token;
  }

  #tell(key: string, token: string, ttl: number): void {
    if (!this.#shared) return;
    const { cache, box } = this.#shared;
    const name = nameOf(key);
    void cache.remember(name, box.seal(`${this.#now() + ttl} ${token}`, name), ttl);
  }

  /** What another process has got, unless it was not accepted here. */
  async #findShared(key: string): Promise<string | undefined> {
    if (!this.#shared) return undefined;
    const name = nameOf(key);
    const sealed = await this.#shared.cache.find(name);
    const [until, token] = sealed === undefined ? [] : this.#open(sealed, name).split(' ', 2);
    const ttl = Number(until) - this.#now();
    if (token === undefined || !(ttl >= 1) || token === this.#rejected.get(key)) return undefined;
    this.#tokens.set(key, token, { ttl });
    return token;
  }

  /** Empty for what was sealed with another key, or by another version. */
  #open(sealed: string, name: string): string {
    try {
      return this.#shared?.box.open(sealed, name) ?? '';
    } catch {
      return '';
    }
  }
}

/** Keys have credentials in them. The number is of the form of what is told. */
function nameOf(key: string): string {
  return `upstream-token 1 ${createHash('sha256').update(key).digest('base64url')}`;
}
