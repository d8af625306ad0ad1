/** What several processes may share and may lose at any moment: Keyv, in memory or in Redis. */

import Keyv, { type KeyvMapType } from 'keyv';
import { LRUCache } from 'lru-cache';
import { withinTime } from '../concurrency/within-time.ts';
import type { Log } from '../observe/log.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import { connectRedis } from './redis.ts';
import { addInRedis, type SharedCounters } from './redis-counters.ts';
import { upTo } from './up-to.ts';

const maxKeysInMemory = 50_000;
/** A pull is not kept waiting longer than this for what is only a belief. */
const answerMs = 250;
/** How long a cache that failed is left alone. */
const pauseMs = 5000;

export interface SharedCache {
  /** Undefined for the unknown and when the cache cannot be reached. */
  find(key: string): Promise<string | undefined>;
  remember(key: string, value: string, ttlMs: number): Promise<void>;
  /** Undefined in memory, where there is nobody to share with. */
  readonly counters: SharedCounters | undefined;
  /** Whether it answers. @throws UnavailableError */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** @param url redis:// or rediss://; undefined for memory */
export async function createSharedCache(url: string | undefined, log: Log): Promise<SharedCache> {
  const redis = url === undefined ? undefined : await connectRedis(url, log, answerMs);
  const store = redis?.store ?? createMemoryStore();
  const keyv = new Keyv<string>({ store, namespace: 'entrepot', throwOnErrors: true });
  keyv.on('error', () => undefined); // thrown as well
  const answered = <T>(work: Promise<T>) => withinTime(work, answerMs, (message) => new Error(message));
  let pausedUntil = 0;
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (performance.now() < pausedUntil || redis?.isReady() === false) return undefined;
    try {
      return await answered(work());
    } catch (cause) {
      pausedUntil = performance.now() + pauseMs;
      // That the connection broke is said where it does.
      const err = new UnavailableError('Redis does not answer as it should', { cause });
      if (redis?.isReady() !== false) log.warn({ err }, 'the shared cache failed: going on without it');
      return undefined;
    }
  };
  return {
    find: (key) => attempt(() => keyv.get(key)),
    async remember(key, value, ttlMs) {
      await attempt(() => keyv.set(key, value, ttlMs));
    },
    counters: redis && {
      add: async (changes, windowMs) =>
        (await attempt(() => addInRedis(redis.store, changes, windowMs))) ?? new Map(),
    },
    async check() {
      try {
        await answered(keyv.get('probe'));
      } catch (cause) {
        throw new UnavailableError('the shared cache cannot be reached: each process believes for itself', {
          cause,
        });
      }
    },
    async close() {
      if (redis) redis.close();
      else await keyv.disconnect();
    },
  };
}

/** A Map as Keyv wants it, that forgets what is used least. Keyv ends what is too old itself. */
function createMemoryStore(): KeyvMapType {
  const cache = new LRUCache<string, NonNullable<unknown>>(upTo(maxKeysInMemory));
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    delete: (key) => cache.delete(key),
    clear: () => cache.clear(),
    has: (key) => cache.has(key),
  };
}
