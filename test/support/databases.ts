/** Runs the same tests on SQLite and, where a server is at hand, on PostgreSQL; each database is new and goes with its test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/metadata/db/database.ts';
import { createDatabase } from './postgres-database.ts';
import { silentLog } from './silent-log.ts';

/** A superuser's URL, e.g. postgres://postgres@127.0.0.1:5432/postgres: databases are created and dropped beside it. */
const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;

/** Where a database is; the same one each time it is opened. */
export interface DatabasePlace {
  readonly url: string | undefined;
  readonly file: string;
}

export interface EachDatabase {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** A new place, empty, until the test ends. Only inside a test. */
  createPlace(): Promise<DatabasePlace>;
  /** Opens a new database, or again that of a place; closed when the test ends. Only inside a test. */
  open(place?: DatabasePlace): Promise<Database>;
  /** What the opened databases take for the time; epoch milliseconds. */
  readonly clock: { now: number };
}

/** Describes the promises twice. `open` is {@link EachDatabase.open}, all else is in `database`. */
export function describeEachDatabase(
  name: string,
  define: (open: EachDatabase['open'], database: EachDatabase) => void,
): void {
  describe(`${name} (SQLite)`, () => defineWith(define, 'SQLite', createSqlitePlace));
  const postgresTitle = `${name} (PostgreSQL)`;
  if (postgresUrl === undefined) {
    describe.skip(`${postgresTitle}: not reachable, TEST_POSTGRES_URL is not set`, () =>
      defineWith(define, 'PostgreSQL', createSqlitePlace));
  } else {
    describe(postgresTitle, () => defineWith(define, 'PostgreSQL', () => createPostgresPlace(postgresUrl)));
  }
}

function defineWith(
  define: (open: EachDatabase['open'], database: EachDatabase) => void,
  name: EachDatabase['name'],
  createPlace: EachDatabase['createPlace'],
): void {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const open: EachDatabase['open'] = async (place) => {
    const { url, file } = place ?? (await createPlace());
    const database = await openDatabase({ url, file, log: silentLog, now: () => clock.now });
    onTestFinished(() => database.close());
    return database;
  };
  define(open, { name, createPlace, open, clock });
}

async function createSqlitePlace(): Promise<DatabasePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-database-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { url: undefined, file: join(directory, 'entrepot.db') };
}

async function createPostgresPlace(serverUrl: string): Promise<DatabasePlace> {
  const { url, drop } = await createDatabase(serverUrl);
  onTestFinished(drop);
  return { url, file: ':memory:' };
}
