/** What several processes may share and may lose at any moment: in Redis, through Keyv. Without Redis they tell each other through the records. */

import Keyv from 'keyv';
import { withinTime } from '../concurrency/within-time.ts';
import type { Log } from '../observe/log.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import { connectRedis } from './redis.ts';
import { addInRedis, type SharedCounters } from './redis-counters.ts';

/** A pull is not kept waiting longer than this for what is only a belief. */
const answerMs = 250;
/** How long a cache that failed is left alone. */
const pauseMs = 5000;

export interface SharedCache {
  /** Undefined for the unknown and when the cache cannot be reached. */
  find(key: string): Promise<string | undefined>;
  remember(key: string, value: string, ttlMs: number): Promise<void>;
  /** Undefined where there is nobody to share with. */
  readonly counters: SharedCounters | undefined;
  /** Whether it answers. @throws UnavailableError */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** @param url redis:// or rediss:// */
export async function createSharedCache(url: string, log: Log): Promise<SharedCache> {
  const redis = await connectRedis(url, log, answerMs);
  const keyv = new Keyv<string>({ store: redis.store, namespace: 'entrepot', throwOnErrors: true });
  keyv.on('error', () => undefined); // thrown as well
  const answered = <T>(work: Promise<T>) => withinTime(work, answerMs, (message) => new Error(message));
  let pausedUntil = 0;
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (performance.now() < pausedUntil || !redis.isReady()) return undefined;
    try {
      return await answered(work());
    } catch (cause) {
      pausedUntil = performance.now() + pauseMs;
      // That the connection broke is said where it does.
      const err = new UnavailableError('Redis does not answer as it should', { cause });
      if (redis.isReady()) log.warn({ err }, 'the shared cache failed: going on without it');
      return undefined;
    }
  };
  return {
    find: (key) => attempt(() => keyv.get(key)),
    async remember(key, value, ttlMs) {
      await attempt(() => keyv.set(key, value, ttlMs));
    },
    counters: {
      add: async (changes, windowMs) =>
        (await attempt(() => addInRedis(redis.store, changes, windowMs))) ?? new Map(),
    },
    async check() {
      try {
        // Keyv finds nothing where there is no connection, and does not complain.
        if (!redis.isReady()) throw new Error('there is no connection');
        await answered(keyv.get('probe'));
      } catch (cause) {
        throw new UnavailableError('the shared cache cannot be reached: each process believes for itself', {
          cause,
        });
      }
    },
    async close() {
      redis.close();
    },
  };
}
