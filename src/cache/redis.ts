/** The connection to Redis, which comes and goes by itself: each is said once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type KeyvRedis from '@keyv/redis';
import type { Log } from '../observe/log.ts';
import { UnavailableError } from '../oci/unavailable.ts';

const maxPauseMs = 5000;
/** A connection is asked something so often, and given up when nothing comes back for so long. */
const pingMs = 5000;
const silenceMs = 15_000;

export interface RedisStore {
  readonly store: KeyvRedis<string>;
  /** Whether commands can be sent now. */
  readonly isReady: () => boolean;
  close(): void;
}

/**
 * Loaded when it is needed: most servers are spared the memory. Never fails: what cannot be reached is tried again, after pauses that grow.
 * @param waitMs for the first connection, at most
 */
export async function connectRedis(url: string, log: Log, waitMs: number): Promise<RedisStore> {
  const { default: Store, createClient } = await import('@keyv/redis');
  const client = createClient({
    url,
    disableOfflineQueue: true,
    pingInterval: pingMs,
    socket: {
      connectTimeout: maxPauseMs,
      socketTimeout: silenceMs,
      reconnectStrategy: (retries) => Math.min(maxPauseMs, 50 * 2 ** Math.min(retries, 10)),
    },
  });
  const address = new URL(url).host;
  let isAway = false;
  client.on('error', (cause) => {
    if (!isAway) {
      const err = new UnavailableError('Redis cannot be reached', { cause });
      log.warn({ err, address }, 'the shared cache is away: going on without it, trying to reach it again');
    }
    isAway = true;
  });
  client.on('ready', () => {
    if (isAway) log.info({ address }, 'the shared cache is back');
    isAway = false;
  });
  const connected = client.connect().catch(() => undefined);
  await Promise.race([connected, sleep(waitMs, undefined, { ref: false })]);
  const store = new Store<string>(client, { throwOnErrors: true });
  return {
    store,
    isReady: () => client.isReady,
    close() {
      if (client.isOpen) client.destroy();
    },
  };
}
