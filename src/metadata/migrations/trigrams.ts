/**
 * PostgreSQL's indexes of texts that are searched. They need the extension pg_trgm, which may not be there, or not be allowed: then
 * searches read all that they look through, until it is and this runs again.
 */
import { type Kysely, sql } from 'kysely';
import type { Log } from '../../observe/log.ts';
import { searchedTexts } from './searched.ts';

/** https://www.postgresql.org/docs/15/errcodes-appendix.html: not available, not allowed, or in a schema that is not looked into. */
const absent: readonly unknown[] = ['0A000', '42501', '42704', '58P01'];

const indexes = searchedTexts.map(({ table, text }, index) => ({
  name: `${table}_search_${index}`,
  table,
  text,
}));

/** Refusals come as what the database is not available for, with their cause. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && absent.includes(error.code)) || isAbsence(error.cause);
}

/** Makes those that are missing. Writes to their tables wait meanwhile, which takes some ten seconds for a million rows. */
export async function ensureTrigrams<T>(db: Kysely<T>, log: Log): Promise<void> {
  const names = indexes.map(({ name }) => name);
  const known = await sql<{ readonly indexname: string }>`
    select indexname from pg_indexes
    where schemaname = current_schema() and indexname in (${sql.join(names)})`.execute(db);
  if (known.rows.length === names.length) return;
  try {
    await db.transaction().execute(async (tx) => {
      // Two processes may start at once.
      await sql`select pg_advisory_xact_lock(hashtext('entrepot.trigrams'))`.execute(tx);
      await sql`create extension if not exists pg_trgm`.execute(tx);
      for (const { name, table, text } of indexes)
        await sql`create index if not exists ${sql.ref(name)} on ${sql.ref(table)} using gin (lower(${sql.raw(text)}) gin_trgm_ops)`.execute(
          tx,
        );
    });
  } catch (error) {
    if (!isAbsence(error)) throw error;
    log.warn(
      { err: error },
      'searches are slow on large lists: let the database have the extension pg_trgm (create extension pg_trgm), and start again or run `entrepot migrate`',
    );
  }
}
