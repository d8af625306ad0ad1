/** PostgreSQL through a pool of pg. */
import { Socket } from 'node:net';
import { type Dialect, PostgresDialect, type PostgresDialectConfig, type QueryCompiler } from 'kysely';
import pg from 'pg';
import type { Log } from '../../observe/log.ts';
import type { AccessRevision } from '../people/access-revision.ts';
import { endsConnection, postgresUnavailability } from './postgres-unavailability.ts';
import type { DirectReads } from './prepared.ts';
import type { Row } from './record-rows.ts';
import { PostgresStatements } from './statements.ts';
import { throwOwnErrors } from './violations.ts';

const connectTimeoutMs = 10_000;
/** Far over what any of our statements needs: whoever waits this long is told instead. */
const statementTimeoutMs = 30_000;
/** A connection on which nothing moved for so long is cut: its server does not even answer any more. */
const answerTimeoutMs = 35_000;
/** A transaction of ours that died with its process must not hold its locks. */
const idleInTransactionMs = 60_000;
/** For so long after a connection broke, others are tried before they are used: what broke it may have broken all. */
const suspiciousMs = 5000;
const maxLifetimeSeconds = 30 * 60;

/**
 * 'lists' for what may take long while others wait, which has connections of its own; 'unlimited' for migrations, which may take long and
 * wait for those of another process; 'reading only' for what takes long and must not be able to write.
 */
export type Patience = 'limited' | 'lists' | 'unlimited' | 'reading only';

/** A server keeps ten in all. */
const maxConnections: Readonly<Record<Patience, number>> = {
  limited: 7,
  lists: 3,
  unlimited: 10,
  'reading only': 10,
};

const readingOnly = '-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read';

/** @param revision hears of what is written */
export function postgresDialect(
  url: string,
  log: Log,
  patience: Patience,
  revision?: AccessRevision,
): Dialect & DirectReads {
  const limits = { statement_timeout: statementTimeoutMs, stream: () => impatientSocket() };
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'entrepot',
    max: maxConnections[patience],
    connectionTimeoutMillis: connectTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    maxLifetimeSeconds,
    keepAlive: true,
    types: { getTypeParser },
    ...(patience === 'limited' || patience === 'lists' ? limits : {}),
    ...(patience === 'reading only' ? { options: readingOnly, idle_in_transaction_session_timeout: 0 } : {}),
  });
  let brokeAt = Number.NEGATIVE_INFINITY;
  // When a connection breaks, in use or idle, its queries fail by themselves and the pool makes a new one when asked.
  pool.on('connect', (client) => {
    client.once('error', (error) => {
      brokeAt = performance.now();
      log.warn({ err: postgresUnavailability(error) ?? error }, 'a database connection broke');
    });
    client.on('error', () => undefined);
  });
  pool.on('error', () => undefined);
  const connectToLive = () => connect(pool, () => performance.now() - brokeAt < suspiciousMs);
  const unavailabilityOf = (error: unknown) => {
    if (endsConnection(error)) brokeAt = performance.now();
    return postgresUnavailability(error);
  };
  return new StatingDialect(connectToLive, unavailabilityOf, {
    pool: {
      options: pool.options,
      connect: connectToLive,
      end: () => pool.end(),
    },
    async onCreateConnection(connection) {
      throwOwnErrors(connection, unavailabilityOf);
      revision?.watch(connection);
    },
  });
}

class StatingDialect extends PostgresDialect implements DirectReads {
  readonly #connect: () => Promise<pg.PoolClient>;
  readonly #unavailabilityOf: typeof postgresUnavailability;

  constructor(
    connect: () => Promise<pg.PoolClient>,
    unavailabilityOf: typeof postgresUnavailability,
    config: PostgresDialectConfig,
  ) {
    super(config);
    this.#connect = connect;
    this.#unavailabilityOf = unavailabilityOf;
  }

  /** pg sends the statement once for each connection, which knows it by its name then. @throws UnavailableError */
  async read(name: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const client = await this.#connect();
    try {
      return (await client.query<Row>({ name, text, values: [...values] })).rows;
    } catch (error) {
      throw this.#unavailabilityOf(error) ?? error;
    } finally {
      client.release();
    }
  }

  version(): undefined {
    return undefined;
  }

  override createQueryCompiler(): QueryCompiler {
    return new PostgresStatements();
  }
}

/** @throws UnavailableError */
async function connect(pool: pg.Pool, isSuspicious: () => boolean): Promise<pg.PoolClient> {
  for (let tries = 0; ; tries += 1) {
    const client = await pool.connect().catch((error: unknown) => {
      throw postgresUnavailability(error) ?? error;
    });
    if (!isSuspicious() || tries === pool.options.max || (await isAlive(client))) return client;
    client.release(true);
  }
}

async function isAlive(client: pg.PoolClient): Promise<boolean> {
  return client.query('select 1').then(
    () => true,
    () => false,
  );
}

/** pg's own limit of a query would give the connection back to the pool, where the next would wait for the answer, too. */
function impatientSocket(): Socket {
  const socket = new Socket();
  return socket.setTimeout(answerTimeoutMs, () =>
    socket.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)),
  );
}

/** All our integers are below 2^53. */
const getTypeParser: typeof pg.types.getTypeParser = (id: number, format?: 'text' | 'binary') =>
  id === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(id, format);
