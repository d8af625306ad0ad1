/** PostgreSQL through a pool of pg. */
import { type Dialect, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Log } from '../log.ts';
import type { AccessRevision } from './access-revision.ts';
import { throwViolations } from './violations.ts';

const maxConnections = 10;
const connectTimeoutMs = 10_000;
/** Far over what any of our statements needs: whoever waits this long is told instead. */
const statementTimeoutMs = 30_000;
/** For a server that does not even answer any more. */
const answerTimeoutMs = 35_000;
/** A transaction of ours that died with its process must not hold its locks. */
const idleInTransactionMs = 60_000;
const maxLifetimeSeconds = 30 * 60;

/**
 * 'unlimited' for migrations, which may take long and wait for those of another process; 'reading only' for what takes long and must
 * not be able to write.
 */
export type Patience = 'limited' | 'unlimited' | 'reading only';

const readingOnly = '-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read';

/** @param revision hears of what is written */
export function postgresDialect(
  url: string,
  log: Log,
  patience: Patience,
  revision?: AccessRevision,
): Dialect {
  const limits = { statement_timeout: statementTimeoutMs, query_timeout: answerTimeoutMs };
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'entrepot',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    maxLifetimeSeconds,
    keepAlive: true,
    types: { getTypeParser },
    ...(patience === 'limited' ? limits : {}),
    ...(patience === 'reading only' ? { options: readingOnly, idle_in_transaction_session_timeout: 0 } : {}),
  });
  // A connection that breaks while idle; the pool makes a new one when asked.
  pool.on('error', (error) => log.warn({ err: error }, 'a database connection broke'));
  return new PostgresDialect({
    pool,
    async onCreateConnection(connection) {
      await throwViolations(connection);
      revision?.watch(connection);
    },
  });
}

/** All our integers are below 2^53. */
const getTypeParser: typeof pg.types.getTypeParser = (id: number, format?: 'text' | 'binary') =>
  id === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(id, format);
