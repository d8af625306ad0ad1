/** "contains this text" the same on SQLite and PostgreSQL: the case of ASCII letters does not matter, % and _ are themselves. */
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';

export function containing(column: Expression<string>, text: string): RawBuilder<SqlBool> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`lower(${column}) like lower(${pattern}) escape '\\'`;
}
