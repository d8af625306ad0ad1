/** What commands work on, beside a running server or without one. */
import { createStores, type Stores } from '../app/storage.ts';
import type { Config } from '../config/config.ts';
import { databaseFile } from '../config/data-directory.ts';
import { type Database, openDatabase } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { StoreAbsent } from '../storage/store-identity.ts';
import { CommandRefused } from './command.ts';

/** Open while `run` runs. @throws what the database throws */
export async function withDatabase<T>(
  { database: { url }, dataDirectory }: Config,
  log: Log,
  run: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase({ url, file: databaseFile(dataDirectory), log, now: Date.now });
  try {
    return await run(database);
  } finally {
    await database.close();
  }
}

/** The stores of this database, without which a command does nothing. @throws CommandRefused */
export async function openStores(...parts: Parameters<typeof createStores>): Promise<Stores> {
  const stores = await createStores(...parts);
  try {
    await stores.identity.check();
    return stores;
  } catch (error) {
    if (!(error instanceof StoreAbsent)) throw error;
    throw new CommandRefused(`${stores.root ?? 'the bucket'} cannot be used: ${error.reason}`);
  }
}
