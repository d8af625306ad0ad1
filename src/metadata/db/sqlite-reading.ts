/** Kysely for what is read of SQLite in threads: each statement sees what is committed when it begins, and there are no transactions. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
} from 'kysely';
import { inputValue } from './sqlite.ts';
import { inMemory } from './sqlite-file.ts';
import { Readers } from './sqlite-readers.ts';
import { sqliteUnavailability } from './sqlite-unavailability.ts';
import { SqliteStatements } from './statements.ts';
import { throwOwnErrors } from './violations.ts';

/** Undefined for a database that no other connection sees. */
export function sqliteReadingDialect(file: string): Dialect | undefined {
  if (file === inMemory) return undefined;
  return {
    createDriver: () => new ReadingDriver(new Readers(file)),
    createQueryCompiler: () => new SqliteStatements(),
    createAdapter: () => new ReadingAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class ReadingDriver implements Driver {
  readonly #readers: Readers;
  readonly #connection: DatabaseConnection;

  constructor(readers: Readers) {
    this.#readers = readers;
    this.#connection = {
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        // A statement gives what it selects.
        return { rows: (await readers.read(sql, parameters.map(inputValue))) as R[] };
      },
      streamQuery: refuse,
    };
    throwOwnErrors(this.#connection, sqliteUnavailability);
  }

  async init(): Promise<void> {}

  /** As many at a time as are asked for: the readers put them in order. */
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {}

  beginTransaction = refuse;
  commitTransaction = refuse;
  rollbackTransaction = refuse;

  destroy(): Promise<void> {
    return this.#readers.close();
  }
}

class ReadingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function refuse(): never {
  throw new Error('only single statements are read so');
}
