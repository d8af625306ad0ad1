/** What several processes may share and may lose at any moment: Keyv, in memory or in Redis. */
import KeyvRedis from '@keyv/redis';
import Keyv, { type KeyvMapType } from 'keyv';
import { LRUCache } from 'lru-cache';
import type { Log } from '../log.ts';

const maxKeysInMemory = 50_000;

export interface SharedCache {
  /** Undefined for the unknown and when the cache cannot be reached. */
  find(key: string): Promise<string | undefined>;
  remember(key: string, value: string, ttlMs: number): Promise<void>;
  close(): Promise<void>;
}

/** @param url redis:// or rediss://; undefined for memory */
export function createSharedCache(url: string | undefined, log: Log): SharedCache {
  const namespace = 'entrepot';
  const keyv = url
    ? new Keyv<string>({ store: new KeyvRedis(url), namespace })
    : new Keyv<string>({ store: createMemoryStore(), namespace });
  keyv.on('error', (error: unknown) => log.warn({ err: error }, 'shared cache failed; going on without it'));
  return {
    async find(key) {
      return keyv.get(key).catch(() => undefined);
    },
    async remember(key, value, ttlMs) {
      await keyv.set(key, value, ttlMs).catch(() => false);
    },
    close: () => keyv.disconnect(),
  };
}

/** A Map as Keyv wants it, that forgets what is used least. Keyv ends what is too old itself. */
function createMemoryStore(): KeyvMapType {
  const cache = new LRUCache<string, NonNullable<unknown>>({ max: maxKeysInMemory });
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    delete: (key) => cache.delete(key),
    clear: () => cache.clear(),
    has: (key) => cache.has(key),
  };
}
