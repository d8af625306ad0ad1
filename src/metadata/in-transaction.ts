import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './schema.ts';

/** Runs in the transaction that `db` is, or else in one of its own. */
export function inTransaction<T>(db: Kysely<Tables>, run: (tx: Kysely<Tables>) => Promise<T>): Promise<T> {
  return db.isTransaction ? run(db) : db.transaction().execute((tx: Transaction<Tables>) => run(tx));
}
