/** What tokens of all kinds have in common: they still work or are over, are revoked, and are used. */
import { type Generated, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Optional, Tables } from '../db/tables.ts';

export interface TokenColumns {
  id: Generated<number>;
  name: string;
  /** SHA-256 of the token in hex, unique; the token itself is kept nowhere. */
  tokenHash: string;
  /** Epoch milliseconds, as all instants here. */
  createdAt: number;
  revokedAt: Optional<number>;
}

/** The columns of tokens that last until someone ends them, unless they were given an end. */
export interface LastingTokenColumns extends TokenColumns {
  scopes: readonly string[];
  expiresAt: Optional<number>;
  lastUsedAt: Optional<number>;
}

type TokenTable = 'accessTokens' | 'deployTokens' | 'jobTokens';

/** Selects tokens that are neither revoked nor expired, or the others. @param now epoch milliseconds */
export function isOfLife(table: TokenTable, isActive: boolean, now: number): RawBuilder<SqlBool> {
  const revoked = sql.ref(`${table}.revokedAt`);
  const expires = sql.ref(`${table}.expiresAt`);
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
    .set({ revokedAt: now })
    .where('id', '=', id)
    .where('revokedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}
