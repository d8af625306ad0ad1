/** `entrepot migrate`: brings the database up to date, for those who start their servers only then. */
import { databaseFile } from '../config/data-directory.ts';
import { migrate } from '../metadata/db/database.ts';
import type { CommandContext } from './command.ts';

/** @throws Error where the database cannot be reached or was migrated by a newer version */
export async function bringUpToDate({ config, log }: CommandContext): Promise<string> {
  const { database, dataDirectory } = config;
  await migrate({ url: database.url, file: databaseFile(dataDirectory), log });
  return 'The database is up to date.\n';
}
