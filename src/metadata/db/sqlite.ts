/** SQLite through node:sqlite: a connection whose write transactions exclude those of other processes from their start, and one that reads. */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  type SqliteStatement,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import { Turn } from '../../concurrency/turn.ts';
import type { AccessRevision } from '../people/access-revision.ts';
import type { DirectReads } from './prepared.ts';
import { ApartDriver, mayWrite } from './sqlite-apart.ts';
import { fileDemand, inMemory, openSqliteFile, Patience } from './sqlite-file.ts';
import { LogSync } from './sqlite-log-sync.ts';
import { isDiskFull, sqliteUnavailability } from './sqlite-unavailability.ts';
import { SqliteStatements } from './statements.ts';
import { throwOwnErrors } from './violations.ts';

const maxStatements = 256;

/** Of a file that is written to. */
export interface SqliteOptions {
  /** Makes room on a full disk, once: false where there is none to make. */
  readonly giveUpSpace?: (() => boolean) | undefined;
  /** Whether other processes write as much to it; not where left out. */
  readonly isShared?: boolean | undefined;
}

/**
 * @param file is made when absent; {@link inMemory} for a database that ends with the process
 * @param revision hears of what is written
 */
export async function sqliteDialect(
  file: string,
  revision?: AccessRevision,
  { giveUpSpace, isShared = false }: SqliteOptions = {},
): Promise<Dialect & DirectReads> {
  const database = new NodeSqliteDatabase(await openSqliteFile(file, giveUpSpace));
  // SQLite says what other connections have changed, and here is none.
  const unversioned = { version: () => undefined };
  if (file === inMemory)
    return { ...dialectOf(database, () => new ImmediateDriver(database, { revision })), ...unversioned };
  const reading = new NodeSqliteDatabase(openReadOnly(file), database.turn);
  const log = new LogSync(file);
  const demands = [fileDemand(file), () => log.demand()];
  const demandWritable = () => {
    for (const demand of demands) demand();
  };
  const writing = { revision, giveUpSpace, demandWritable };
  const driver = () =>
    new ApartDriver(new ImmediateDriver(database, writing), readingDriver(reading), log, isShared);
  return { ...dialectOf(reading, driver), createAdapter: () => new ApartAdapter() };
}

/** @throws when there is no such file */
export async function readOnlySqliteDialect(file: string): Promise<Dialect & DirectReads> {
  const database = new NodeSqliteDatabase(openReadOnly(file));
  return dialectOf(database, () => readingDriver(database));
}

function openReadOnly(file: string): DatabaseSync {
  return new DatabaseSync(file, { timeout: 0, readOnly: true });
}

/** @param direct what is read past Kysely */
function dialectOf(direct: NodeSqliteDatabase, createDriver: () => Driver): Dialect & DirectReads {
  return {
    read: (_, statement, parameters) => direct.read(statement, parameters),
    version: () => direct.version(),
    createDriver,
    createQueryCompiler: () => new SqliteStatements(),
    createAdapter: () => new TransactionalAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Its transactions begin with the first read, and lock nothing. */
function readingDriver(database: NodeSqliteDatabase): Driver {
  return new SqliteDriver({
    database,
    onCreateConnection: (connection) => waitAndTell(connection, database),
  });
}

interface NodeSqliteStatement extends SqliteStatement {
  all(parameters: readonly unknown[]): Record<string, SQLOutputValue>[];
}

type DirectRows = Record<string, SQLOutputValue>[] | undefined;

class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new LRUCache<string, NodeSqliteStatement>({ max: maxStatements });
  readonly turn: Turn;

  /** @param turn shared by connections that one thread asks */
  constructor(database: DatabaseSync, turn = new Turn()) {
    this.#database = database;
    this.turn = turn;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** What is committed. Undefined in the middle of a transaction of this connection, and what fails: that is left to the ordinary way. */
  read(statement: string, parameters: readonly unknown[]): DirectRows | Promise<DirectRows> {
    const read = () => this.#read(statement, parameters);
    return this.turn.isOver ? this.turn.next().then(read) : read();
  }

  /** Whatever another connection commits makes it another. https://www.sqlite.org/pragma.html#pragma_data_version */
  version(): number | undefined {
    const [row] = this.#read('pragma data_version', []) ?? [];
    return row && Number(row['data_version']);
  }

  #read(statement: string, parameters: readonly unknown[]): DirectRows {
    if (this.isTransaction) return undefined;
    try {
      return this.prepare(statement).all(parameters);
    } catch {
      return undefined;
    }
  }

  prepare(sql: string): NodeSqliteStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.#database.prepare(sql);
    const statement: NodeSqliteStatement = {
      reader: prepared.columns().length > 0,
      all: (parameters) => prepared.all(...parameters.map(inputValue)),
      run: (parameters) => prepared.run(...parameters.map(inputValue)),
      iterate: (parameters) => prepared.iterate(...parameters.map(inputValue)),
    };
    this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

export function inputValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint')
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite has no type for ${typeof value}`);
}

async function waitAndTell(connection: DatabaseConnection, { turn }: NodeSqliteDatabase): Promise<void> {
  const execute = connection.executeQuery.bind(connection);
  const patience = new Patience();
  connection.executeQuery = async (query, options) => {
    // SQLite answers before anything else can happen.
    if (turn.isOver) await turn.next();
    return patience.whileBusy(() => execute(query, options), mayWrite(query));
  };
  throwOwnErrors(connection, sqliteUnavailability);
}

/** A statement that found the disk full is tried again where there is room now and no more of the transaction was lost. */
function makeRoom(
  connection: DatabaseConnection,
  database: NodeSqliteDatabase,
  giveUpSpace: () => boolean,
): void {
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async (query, options) => {
    const { isTransaction } = database;
    try {
      return await execute(query, options);
    } catch (error) {
      if (!isDiskFull(error) || !giveUpSpace() || database.isTransaction !== isTransaction) throw error;
      return execute(query, options);
    }
  };
}

function demandOfWrites(
  connection: DatabaseConnection,
  database: NodeSqliteDatabase,
  demandWritable: () => void,
): void {
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async (query, options) => {
    if (!database.isTransaction && mayWrite(query)) demandWritable();
    return execute(query, options);
  };
}

interface ImmediateDriverOptions {
  readonly revision: AccessRevision | undefined;
  readonly giveUpSpace?: (() => boolean) | undefined;
  /** Throws where what is written now would not last. */
  readonly demandWritable?: () => void;
}

/** A transaction that reads first and writes later could not get the lock when another process wrote between: take it at once. */
class ImmediateDriver extends SqliteDriver {
  readonly #database: NodeSqliteDatabase;

  constructor(
    database: NodeSqliteDatabase,
    { revision, giveUpSpace, demandWritable }: ImmediateDriverOptions,
  ) {
    super({
      database,
      async onCreateConnection(connection) {
        if (giveUpSpace) makeRoom(connection, database, giveUpSpace);
        if (demandWritable) demandOfWrites(connection, database, demandWritable);
        await waitAndTell(connection, database);
        revision?.watch(connection);
      },
    });
    this.#database = database;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk makes SQLite roll back by itself.
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** SQLite can create tables in a transaction, so each start's migrations are one. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Each connection waits for its turn where it must. */
class ApartAdapter extends TransactionalAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}
