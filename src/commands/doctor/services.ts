/** What the server stands on: its database, its store, the cache that processes share. */
import { createStores } from '../../app/storage.ts';
import { connectRedis } from '../../cache/redis.ts';
import type { Config } from '../../config/config.ts';
import { databaseFile } from '../../config/data-directory.ts';
import { withoutPassword } from '../../config/format-config.ts';
import { type Database, describeDatabase } from '../../metadata/db/database.ts';
import type { Log } from '../../observe/log.ts';
import { type Finding, fault, findings, ok, warning } from './finding.ts';

const maxClockMs = 5000;
const connectMs = 5000;

/** @returns nothing where it is to be made yet */
export async function lookAtDatabase(
  config: Config,
  log: Log,
  now: () => number,
): Promise<readonly Finding[]> {
  const { url } = config.database;
  const name = url === undefined ? databaseFile(config.dataDirectory) : withoutPassword(url);
  const mend =
    url === undefined
      ? 'data_directory holds it: restore a backup, or give its user the right to read it'
      : 'database.url names it: it is to run, be reachable from here, and let this user in';
  return findings('database', mend, async () => {
    const file = databaseFile(config.dataDirectory);
    const { version, clockMs, missing } = await describeDatabase({ url, file, log });
    const found = ok('database', `${name}: ${version.split(' on ')[0]}`);
    const behind =
      missing.length === 0
        ? []
        : [
            warning(
              'database',
              `${missing.length} migrations are missing`,
              'the next start makes them, or entrepot migrate',
            ),
          ];
    // SQLite has the clock of this machine.
    const clock = url === undefined ? [] : [clockFinding('the database', clockMs, now())];
    return [found, ...behind, ...clock];
  });
}

/** @param other epoch milliseconds, by the clock of what is named */
export function clockFinding(name: string, other: number, now: number): Finding {
  const apart = Math.abs(now - other);
  const text = `${(apart / 1000).toFixed(1)} s apart from ${name}`;
  if (apart <= maxClockMs) return ok('clock', text);
  return fault('clock', text, 'let both be set by NTP: tokens and leases go by the clock');
}

export async function lookAtStorage(
  config: Config,
  database: Database,
  log: Log,
): Promise<readonly Finding[]> {
  return findings('storage', 'entrepot storage check and docs/storage.md say more', async () => {
    const stores = await createStores(config, database, log);
    try {
      await stores.identity.check();
      return [ok('storage', `${config.storage.driver} is the store of this database`)];
    } finally {
      await stores.store.close();
    }
  });
}

export async function lookAtRedis({ sharedCache: { url } }: Config, log: Log): Promise<readonly Finding[]> {
  if (url === undefined) return [];
  const { host } = new URL(url);
  const redis = await connectRedis(url, log, connectMs);
  try {
    if (redis.isReady()) return [ok('Redis', `${host} answers`)];
    return [
      fault('Redis', `${host} cannot be reached`, 'shared_cache.url names it: it is to run and let us in'),
    ];
  } finally {
    redis.close();
  }
}
