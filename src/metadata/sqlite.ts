/** SQLite through node:sqlite: one connection, whose write transactions exclude those of other processes from their start. */
import { closeSync, constants, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setImmediate } from 'node:timers';
import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type SelectModifierNode,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import type { AccessRevision } from './access-revision.ts';
import { resultCode, sqliteBusy, sqliteFull, sqliteUnavailability } from './sqlite-unavailability.ts';
import { throwOwnErrors } from './violations.ts';

/** How long statements wait for another process, all of them together. SQLite's own waiting would stop the event loop. */
const busyTimeoutMs = 10_000;
const busyRetryMs = 5;
const maxTurnMs = 10;
const maxStatements = 256;

export const inMemory = ':memory:';

/**
 * @param file is made when absent; {@link inMemory} for a database that ends with the process
 * @param revision hears of what is written
 * @param giveUpSpace as of DatabaseOptions
 */
export async function sqliteDialect(
  file: string,
  revision?: AccessRevision,
  giveUpSpace?: () => boolean,
): Promise<Dialect> {
  if (file !== inMemory) createPrivately(file);
  const database = new NodeSqliteDatabase(await openFile(file));
  return {
    createDriver: () => new ImmediateDriver(database, revision, giveUpSpace),
    createQueryCompiler: () => new LocklessCompiler(),
    createAdapter: () => new TransactionalAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** @throws when there is no such file */
export async function readOnlySqliteDialect(file: string): Promise<Dialect> {
  const database = new NodeSqliteDatabase(new DatabaseSync(file, { timeout: 0, readOnly: true }));
  return {
    // Its transactions begin with the first read, and lock nothing.
    createDriver: () => new SqliteDriver({ database, onCreateConnection }),
    createQueryCompiler: () => new LocklessCompiler(),
    createAdapter: () => new TransactionalAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/** Only for our eyes; SQLite gives its -wal and -shm files the same mode. */
function createPrivately(file: string): void {
  // A FIFO of that name is refused, and not waited for.
  const { O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  closeSync(openSync(file, O_WRONLY | O_CREAT | O_NONBLOCK, 0o600));
}

async function openFile(file: string): Promise<DatabaseSync> {
  const database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    await new Patience().whileBusy(
      () => database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL'),
      true,
    );
    return database;
  } catch (cause) {
    database.close();
    throw new Error(`${file} cannot be opened as a SQLite database`, { cause });
  }
}

/**
 * Tries until the other process is done: a statement that found the database busy has done nothing. All wait one after another for the
 * one connection, so once one has waited in vain the next try but once, until one that may write gets through.
 */
class Patience {
  #busySince = 0;
  #busyAt: number | undefined;

  async whileBusy<T>(run: () => T | Promise<T>, mayWrite: boolean): Promise<T> {
    for (;;) {
      try {
        const result = await run();
        if (mayWrite) this.#busyAt = undefined;
        return result;
      } catch (error) {
        if (resultCode(error) !== sqliteBusy || this.#isOver()) throw error;
        await sleep(busyRetryMs);
      }
    }
  }

  #isOver(): boolean {
    const now = performance.now();
    if (this.#busyAt === undefined || now - this.#busyAt > busyTimeoutMs) this.#busySince = now;
    this.#busyAt = now;
    return now - this.#busySince > busyTimeoutMs;
  }
}

/** SQLite answers before anything else can happen: after statements for so long, everybody else gets a turn. */
class Turns {
  #startedAt: number | undefined;

  async next(): Promise<void> {
    const now = performance.now();
    if (this.#startedAt === undefined) {
      this.#startedAt = now;
      setImmediate(() => {
        this.#startedAt = undefined;
      });
    } else if (now - this.#startedAt > maxTurnMs) await others();
  }
}

class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new LRUCache<string, SqliteStatement>({ max: maxStatements });

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.#database.prepare(sql);
    const statement: SqliteStatement = {
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

function inputValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint')
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite has no type for ${typeof value}`);
}

async function onCreateConnection(connection: DatabaseConnection): Promise<void> {
  const execute = connection.executeQuery.bind(connection);
  const patience = new Patience();
  const turns = new Turns();
  connection.executeQuery = async (query, options) => {
    await turns.next();
    return patience.whileBusy(() => execute(query, options), !query.sql.startsWith('select'));
  };
  throwOwnErrors(connection, sqliteUnavailability);
}

/** What found the disk full is tried again where there is room now and no more of the transaction was lost. */
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
      if (resultCode(error) !== sqliteFull || !giveUpSpace() || database.isTransaction !== isTransaction)
        throw error;
      return execute(query, options);
    }
  };
}

/** A transaction that reads first and writes later could not get the lock when another process wrote between: take it at once. */
class ImmediateDriver extends SqliteDriver {
  readonly #database: NodeSqliteDatabase;

  constructor(
    database: NodeSqliteDatabase,
    revision: AccessRevision | undefined,
    giveUpSpace: (() => boolean) | undefined,
  ) {
    super({
      database,
      async onCreateConnection(connection) {
        if (giveUpSpace) makeRoom(connection, database, giveUpSpace);
        await onCreateConnection(connection);
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

/** SQLite locks the database and not rows: `for update` is left out. */
class LocklessCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct') super.visitSelectModifier(node);
  }
}

/** SQLite can create tables in a transaction, so each start's migrations are one. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
