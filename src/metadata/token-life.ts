/** In a query on a table of tokens: whether one still works, or is over. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';

type TokenTable = 'access_tokens' | 'deploy_tokens' | 'job_tokens';

/** Neither revoked nor expired; or one of them. @param now epoch milliseconds */
export function isOfLife(table: TokenTable, isActive: boolean, now: number): RawBuilder<SqlBool> {
  const revoked = sql.ref(`${table}.revoked_at`);
  const expires = sql.ref(`${table}.expires_at`);
  return isActive
    ? sql<SqlBool>`(${revoked} is null and (${expires} is null or ${expires} > ${now}))`
    : sql<SqlBool>`(${revoked} is not null or ${expires} <= ${now})`;
}
