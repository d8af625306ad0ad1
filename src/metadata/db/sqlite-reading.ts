/** Kysely for what is read of SQLite in threads: each statement sees what is committed when it begins, and there are no transactions. */
import { statSync } from 'node:fs';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
} from 'kysely';
import type { DirectReads } from './prepared.ts';
import { inputValue } from './sqlite.ts';
import { inMemory } from './sqlite-file.ts';
import { Readers } from './sqlite-readers.ts';
import { sqliteUnavailability } from './sqlite-unavailability.ts';
import { SqliteStatements } from './statements.ts';
import { throwOwnErrors } from './violations.ts';

/** Of a smaller database everything is read in milliseconds, and no thread is started for it. */
const smallBytes = 8 * 1024 * 1024;

/** Undefined for a database that no other connection sees. @param direct for what takes no time */
export function sqliteReadingDialect(file: string, direct: DirectReads): Dialect | undefined {
  if (file === inMemory) return undefined;
  return {
    createDriver: () => new ReadingDriver(file, new Readers(file), direct),
    createQueryCompiler: () => new SqliteStatements(),
    createAdapter: () => new ReadingAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class ReadingDriver implements Driver {
  readonly #readers: Readers;
  readonly #connection: DatabaseConnection;

  constructor(file: string, readers: Readers, direct: DirectReads) {
    this.#readers = readers;
    this.#connection = {
      async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
        const here = isSmall(file) ? await direct.read('', sql, parameters) : undefined;
        // A statement gives what it selects.
        return { rows: (here ?? (await readers.read(sql, parameters.map(inputValue)))) as R[] };
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

function isSmall(file: string): boolean {
  const [records, recent] = [file, `${file}-wal`].map((each) => statSync(each, { throwIfNoEntry: false }));
  return (records?.size ?? 0) + (recent?.size ?? 0) < smallBytes;
}

class ReadingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function refuse(): never {
  throw new Error('only single statements are read so');
}
