import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import { UnavailableError } from '../../oci/unavailable.ts';
import { isDiskFull } from './sqlite-unavailability.ts';

/** PostgreSQL ends one of two transactions that wait for each other, and nothing of that one was done. */
const deadlock = '40P01';
const maxTries = 5;
const maxPauseMs = 50;

/**
 * Runs in the transaction that `db` is, or else in one of its own. One of its own that was ended by a deadlock runs again: whatever
 * `run` does outside the database must bear that.
 */
export async function inTransaction<Tables, T>(
  db: Kysely<Tables>,
  run: (tx: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  if (db.isTransaction) return run(db);
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute((tx: Transaction<Tables>) => run(tx));
    } catch (error) {
      if (tries === maxTries || !(isDeadlock(error) || (tries === 1 && isFull(error)))) throw error;
      await sleep(Math.random() * maxPauseMs);
    }
  }
}

/** SQLite may have been given room meanwhile, and have ended the transaction all the same. */
function isFull(error: unknown): boolean {
  return error instanceof UnavailableError && isDiskFull(error.cause);
}

function isDeadlock(error: unknown): boolean {
  const cause = error instanceof UnavailableError ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === deadlock;
}
