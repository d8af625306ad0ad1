/**
 * What the records said of someone, believed for a second from when they were asked, or until this process changes them. Many requests
 * cost one query a second; what was given or taken away counts at once where it was acknowledged, and within the second at other processes.
 */

import { LRUCache } from 'lru-cache';
import { upTo } from '../../cache/up-to.ts';
import type { AccessRevision } from '../../metadata/people/access-revision.ts';

const believedMs = 1000;
const maxRemembered = 10_000;

export interface Belief<V> {
  readonly value: V;
  /** When it ends; epoch milliseconds. What is concluded from several beliefs holds until the first of them ends. */
  readonly until: number;
}

export interface BeliefsOptions {
  /** The revision of the records. */
  readonly revision: Pick<AccessRevision, 'current'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Asks the records. */
type Look<V> = () => Promise<V | undefined>;

export class Beliefs<V extends NonNullable<unknown>> {
  readonly #revision: BeliefsOptions['revision'];
  readonly #answers: LRUCache<string, Belief<V>, Look<V>>;

  constructor({ revision, now }: BeliefsOptions) {
    this.#revision = revision;
    this.#answers = new LRUCache<string, Belief<V>, Look<V>>({
      ...upTo(maxRemembered),
      ttl: believedMs,
      ttlResolution: 0,
      perf: { now },
      fetchMethod: async (_key, _stale, { context: look, options }) => {
        const until = now() + believedMs;
        const value = await look();
        // Time runs from the question and not from the answer: the records may have been slow. 1 since an entry lives through its last ms.
        options.ttl = Math.max(1, until - now() - 1);
        return value === undefined ? undefined : { value, until };
      },
    });
  }

  /** Whoever comes at the same time asks once. What is not found is not remembered, so that it is found as soon as it is there. */
  find(key: string, look: Look<V>): Promise<Belief<V> | undefined> {
    const revised = `${this.#revision.current} ${key}`;
    // Most often it is known, and a question that could be asked costs more than that it need not be.
    const known = this.#answers.get(revised);
    return known ? Promise.resolve(known) : this.#answers.fetch(revised, { context: look });
  }
}
