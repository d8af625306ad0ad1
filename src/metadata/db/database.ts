/** The records, on SQLite or PostgreSQL. */
import { type Dialect, Kysely, type LogConfig, sql } from 'kysely';
import type { Log } from '../../observe/log.ts';
import type { ReviewTimes } from '../collector/enqueue-reviews.ts';
import { listMissing, migrateToLatest } from '../migrations/migrate.ts';
import { postgresTypes, sqliteTypes } from '../migrations/tables.ts';
import { ensureTrigrams } from '../migrations/trigrams.ts';
import { AccessRevision } from '../people/access-revision.ts';
import { inTransaction } from './in-transaction.ts';
import type { Patience } from './postgres.ts';
import { type DirectReads, PreparedReads } from './prepared.ts';
import { RecordRows } from './record-rows.ts';
import { type OtherWays, Records } from './records.ts';
import { readOnlySqliteDialect, type SqliteOptions, sqliteDialect } from './sqlite.ts';
import { sqliteReadingDialect } from './sqlite-reading.ts';
import type { Tables } from './tables.ts';

export type OnStatement = (statement: string, ms: number, error: unknown) => void;

export interface DatabaseOptions extends SqliteOptions {
  /** `postgres://…`; undefined for SQLite. */
  readonly url: string | undefined;
  /** SQLite's file, made when absent, or `:memory:`. */
  readonly file: string;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The delay of {@link ReviewTimes}; a day where left out. */
  readonly reviewDelayMs?: (() => number) | undefined;
  /** Told of each statement that has ended, without its values, and how long it took in milliseconds. */
  readonly onStatement?: OnStatement | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;

export class Database extends Records {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #times: ReviewTimes;
  readonly #reads: PreparedReads;
  readonly revision: AccessRevision;

  constructor(
    db: Kysely<Tables>,
    times: ReviewTimes,
    ways: Pick<OtherWays, 'reading'> & { readonly direct: DirectReads },
    revision = new AccessRevision(),
  ) {
    const reads = new PreparedReads(db, ways.direct);
    super(db, times, { ...ways, reads });
    this.#reads = reads;
    this.revision = revision;
    this.#db = db;
    this.#reading = ways.reading ?? db;
    this.#times = times;
  }

  /**
   * All of what `run` changes through `tx`, or nothing when it throws. SQLite has one connection that writes, which it holds:
   * `run` must use `tx` alone, and must not wait for anything slow. It may run again, where PostgreSQL ended a deadlock.
   */
  transaction<T>(run: (tx: Records) => Promise<T>): Promise<T> {
    return inTransaction(this.#db, (tx) => run(this.#within(tx)));
  }

  /**
   * As {@link transaction}, once in the life of an installation, however many processes start at once: the others wait for
   * the one that runs, and run themselves should it fail. True when it was this call.
   */
  firstStart(run: (tx: Records) => Promise<void>): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const first = await tx
        .insertInto('instance')
        .values({ key: 'first_start', value: String(this.#times.now()) })
        .onConflict((conflict) => conflict.doNothing())
        .returning('key')
        .executeTakeFirst();
      if (first) await run(this.#within(tx));
      return first !== undefined;
    });
  }

  #within(tx: Kysely<Tables>): Records {
    return new Records(tx, this.#times, { reads: this.#reads.within(tx) });
  }

  /** @throws when the database does not answer */
  async check(): Promise<void> {
    await sql`select 1`.execute(this.#db);
  }

  async close(): Promise<void> {
    // The last connection to close, which writes, tidies the files of SQLite.
    await this.#reading.destroy();
    if (this.#reading !== this.#db) await this.#db.destroy();
  }
}

/** Opens the database and brings its tables up to date. @throws when either fails */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const revision = new AccessRevision();
  if (options.url !== undefined) {
    await migrate(options);
    const dialect = await dialectOf(options.url, options.log, 'limited', revision);
    const reading = recordsThrough(await dialectOf(options.url, options.log, 'lists'), options);
    const ways = { direct: dialect, reading };
    return new Database(recordsThrough(dialect, options), timesOf(options), ways, revision);
  }
  const dialect = await sqliteDialect(options.file, revision, options);
  const db = recordsThrough(dialect, options);
  try {
    noteMigrations(await migrateToLatest(db, sqliteTypes), options.log);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const reading = sqliteReadingDialect(options.file, dialect);
  const ways = { direct: dialect, ...(reading && { reading: recordsThrough(reading, options) }) };
  return new Database(db, timesOf(options), ways, revision);
}

/**
 * Opens the database for reading alone: it refuses to write, whatever is asked of it. The tables are taken as they are, and transactions
 * see the same all the time.
 * @throws when there is no database
 */
export async function openReadOnlyDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, file, log } = options;
  const dialect =
    url === undefined ? await readOnlySqliteDialect(file) : await dialectOf(url, log, 'reading only');
  return new Database(recordsThrough(dialect), timesOf(options), { direct: dialect });
}

export interface DatabaseDescription {
  /** As it says it itself. */
  readonly version: string;
  /** Its clock, in epoch milliseconds. */
  readonly clockMs: number;
  /** Names of the migrations that the next start makes. */
  readonly missing: readonly string[];
}

/** What it is, without changing anything. @throws when there is no database */
export async function describeDatabase({
  url,
  file,
  log,
}: Pick<DatabaseOptions, 'url' | 'file' | 'log'>): Promise<DatabaseDescription> {
  const dialect =
    url === undefined ? await readOnlySqliteDialect(file) : await dialectOf(url, log, 'reading only');
  const db = recordsThrough(dialect);
  try {
    const asked =
      url === undefined
        ? sql<Told>`select 'SQLite ' || sqlite_version() as version, unixepoch('subsec') as clock`
        : sql<Told>`select version() as version, extract(epoch from clock_timestamp()) as clock`;
    const { rows } = await asked.execute(db);
    const [{ version, clock } = { version: '', clock: 0 }] = rows;
    const missing = await listMissing(db, url === undefined ? sqliteTypes : postgresTypes);
    return { version, clockMs: Number(clock) * 1000, missing };
  } finally {
    await db.destroy();
  }
}

interface Told {
  readonly version: string;
  readonly clock: number | string;
}

function recordsThrough(
  dialect: Dialect,
  { onStatement }: Pick<DatabaseOptions, 'onStatement'> = {},
): Kysely<Tables> {
  const tell: LogConfig | undefined =
    onStatement &&
    ((event) => {
      const { query, queryDurationMillis } = event;
      onStatement(query.sql, queryDurationMillis, event.level === 'error' ? event.error : undefined);
    });
  return new Kysely<Tables>({ dialect, plugins: [new RecordRows()], ...(tell && { log: tell }) });
}

function timesOf({ now, reviewDelayMs = () => dayMs }: DatabaseOptions): ReviewTimes {
  return { now, delayMs: reviewDelayMs };
}

/** Brings the tables up to date and does nothing else. Returns the names of the migrations that were missing. */
export async function migrate({
  url,
  file,
  log,
}: Pick<DatabaseOptions, 'url' | 'file' | 'log'>): Promise<readonly string[]> {
  const dialect = url === undefined ? await sqliteDialect(file) : await dialectOf(url, log, 'unlimited');
  const db = recordsThrough(dialect);
  try {
    const names = await migrateToLatest(db, url === undefined ? sqliteTypes : postgresTypes);
    noteMigrations(names, log);
    if (url !== undefined) await ensureTrigrams(db, log);
    return names;
  } finally {
    await db.destroy();
  }
}

/** PostgreSQL's driver is loaded when it is needed: most servers are spared its memory. */
async function dialectOf(
  ...parameters: [url: string, log: Log, patience: Patience, revision?: AccessRevision]
): Promise<Dialect & DirectReads> {
  const { postgresDialect } = await import('./postgres.ts');
  return postgresDialect(...parameters);
}

function noteMigrations(migrations: readonly string[], log: Log): void {
  if (migrations.length > 0) log.info({ migrations }, 'the database was brought up to date');
}
