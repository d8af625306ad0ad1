/** What tokens of all kinds have in common: they still work or are over, are revoked, and are used. */
import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Tables } from '../db/schema.ts';

type TokenTable = 'access_tokens' | 'deploy_tokens' | 'job_tokens';

/** In a query: neither revoked nor expired; or one of them. @param now epoch milliseconds */
export function isOfLife(table: TokenTable, isActive: boolean, now: number): RawBuilder<SqlBool> {
  const revoked = sql.ref(`${table}.revoked_at`);
  const expires = sql.ref(`${table}.expires_at`);
  return isActive
    ? sql<SqlBool>`(${revoked} is null and (${expires} is null or ${expires} > ${now}))`
    : sql<SqlBool>`(${revoked} is not null or ${expires} <= ${now})`;
}

/** False when there is no such token or it was revoked before. @param now epoch milliseconds */
export async function revokeToken(
  db: Kysely<Tables>,
  table: TokenTable,
  id: number,
  now: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable(table)
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}
