/** Tokens whose signatures were verified, remembered until they expire, so that a pull pays for one signature. */

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { upTo } from '../../cache/up-to.ts';

const maxRemembered = 10_000;
/** How many grants all of them may have together, some 200 bytes each: a token may have hundreds. */
const maxGrants = 100_000;

interface Bearer {
  readonly access: readonly object[];
  readonly refused: readonly object[];
}

interface Verified<T> {
  readonly bearer: T;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export class VerifiedTokens<T extends Bearer> {
  readonly #verified = new LRUCache<string, Verified<T>>({
    ...upTo(maxRemembered),
    maxSize: maxGrants,
    sizeCalculation: ({ bearer }) => 1 + bearer.access.length + bearer.refused.length,
  });
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  find(token: string): T | undefined {
    const verified = this.#verified.get(keyOf(token));
    return verified && verified.expiresAt > this.#now() ? verified.bearer : undefined;
  }

  add(token: string, verified: Verified<T>): void {
    this.#verified.set(keyOf(token), verified);
  }
}

/** A hash is the key, so that neither a memory dump nor the time of a comparison tells the token. */
function keyOf(token: string): string {
  return hash('sha256', token, 'base64');
}
