/** Runs the same tests on SQLite and, where a server is at hand, on PostgreSQL; each database is new and goes with its test. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { type Database, openDatabase } from '../../src/metadata/db/database.ts';
import { createDatabase } from './postgres-database.ts';
import { silentLog } from './silent-log.ts';
import { type DataTemplate, findEmpty } from './templates.ts';

/** A superuser's URL, e.g. postgres://postgres@127.0.0.1:5432/postgres: databases are created and dropped beside it. */
const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;

/** Where a database is; the same one each time it is opened. */
export interface DatabasePlace {
  readonly url: string | undefined;
  readonly file: string;
}

export interface EachDatabase {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** A new place, empty or a copy, until the test ends. Only inside a test. */
  createPlace(template?: DataTemplate): Promise<DatabasePlace>;
  /** A superuser's URL; undefined: SQLite. */
  readonly serverUrl: string | undefined;
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
  describe(`${name} (SQLite)`, () => defineWith(define, undefined));
  const postgresTitle = `${name} (PostgreSQL)`;
  if (postgresUrl === undefined) {
    describe.skip(`${postgresTitle}: not reachable, TEST_POSTGRES_URL is not set`, () =>
      defineWith(define, ''));
  } else {
    describe(postgresTitle, () => defineWith(define, postgresUrl));
  }
}

/** As {@link describeEachDatabase}, on SQLite alone: where the other would do the same, only slower. */
export function describeSqlite(
  name: string,
  define: (open: EachDatabase['open'], database: EachDatabase) => void,
): void {
  describe(name, () => defineWith(define, undefined));
}

/**
 * A new one in memory, closed when the test ends: for what goes by records, and not by what is different of databases. It waits for no disk,
 * so that tests may stop the time. Only inside a test.
 */
export async function openSqlite(now: () => number): Promise<Database> {
  const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now });
  onTestFinished(() => database.close());
  return database;
}

function defineWith(
  define: (open: EachDatabase['open'], database: EachDatabase) => void,
  serverUrl: string | undefined,
): void {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const createPlace: EachDatabase['createPlace'] = (template) =>
    serverUrl === undefined ? createSqlitePlace(template) : createPostgresPlace(serverUrl, template);
  const open: EachDatabase['open'] = async (place) => {
    const { url, file } = place ?? (await createPlace(await findEmpty(serverUrl)));
    const database = await openDatabase({ url, file, log: silentLog, now: () => clock.now });
    onTestFinished(() => database.close());
    return database;
  };
  const name = serverUrl === undefined ? 'SQLite' : 'PostgreSQL';
  define(open, { name, createPlace, open, clock, serverUrl });
}

async function createSqlitePlace(template: DataTemplate | undefined): Promise<DatabasePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-database-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'entrepot.db');
  if (template) await copyFile(join(template.directory, 'entrepot.db'), file);
  return { url: undefined, file };
}

async function createPostgresPlace(
  serverUrl: string,
  template: DataTemplate | undefined,
): Promise<DatabasePlace> {
  const { url, drop } = await createDatabase(serverUrl, { template: template?.database });
  onTestFinished(drop);
  return { url, file: ':memory:' };
}
