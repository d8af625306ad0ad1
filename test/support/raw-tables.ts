/** The tables of a database as they are, for tests that write or read past the records. */
import { Kysely } from 'kysely';
import { postgresDialect } from '../../src/metadata/db/postgres.ts';
import { sqliteDialect } from '../../src/metadata/db/sqlite.ts';
import type { DatabasePlace } from './databases.ts';
import { silentLog } from './silent-log.ts';

export async function withTables<T>(
  { url, file }: DatabasePlace,
  use: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  const dialect = url === undefined ? await sqliteDialect(file) : postgresDialect(url, silentLog, 'limited');
  const db = new Kysely<unknown>({ dialect });
  try {
    return await use(db);
  } finally {
    await db.destroy();
  }
}
