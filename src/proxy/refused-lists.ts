/** Lists that upstreams gave and that are none, or over a limit: believed as briefly as any list, so that they are not fetched anew with each request. */

import { LRUCache } from 'lru-cache';
import { upTo } from '../cache/up-to.ts';
import { OutboundError } from '../outbound/outbound-error.ts';

const maxRemembered = 10_000;

export class RefusedLists {
  readonly #errors: LRUCache<string, OutboundError>;

  /** @param now epoch milliseconds */
  constructor(ttlMs: number, now: () => number) {
    this.#errors = new LRUCache({
      ...upTo(maxRemembered),
      ttl: Math.max(1, ttlMs),
      ttlResolution: 0,
      perf: { now },
    });
  }

  /** What `list` gives. @throws OutboundError the one of before where that said that the list is unusable */
  async get<T>(key: string, list: () => Promise<T>): Promise<T> {
    const known = this.#errors.get(key);
    if (known) throw known;
    try {
      return await list();
    } catch (error) {
      if (error instanceof OutboundError && error.kind === 'invalid') this.#errors.set(key, error);
      throw error;
    }
  }
}
