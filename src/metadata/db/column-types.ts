/** In what the tables of SQLite and of PostgreSQL differ. */
import { type ColumnDefinitionBuilder, type Expression, type RawBuilder, sql } from 'kysely';

export interface ColumnTypes {
  /** Up to 2^53. */
  readonly integer: 'integer' | 'bigint';
  /** Compared byte by byte. */
  readonly text: 'text' | RawBuilder<unknown>;
  readonly bytes: 'blob' | 'bytea';
  /** An integer primary key that is never given twice. */
  id(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder;
  /** What follows the column list. */
  readonly tableEnd: Expression<unknown>;
  /** Whether a column can become nullable where it is; else its table must be made anew. */
  readonly canDropNotNull: boolean;
}

export const sqliteTypes: ColumnTypes = {
  integer: 'integer',
  text: 'text',
  bytes: 'blob',
  id: (column) => column.primaryKey().autoIncrement(),
  tableEnd: sql`strict`,
  canDropNotNull: false,
};

export const postgresTypes: ColumnTypes = {
  integer: 'bigint',
  text: sql`text collate "C"`,
  bytes: 'bytea',
  id: (column) => column.primaryKey().generatedAlwaysAsIdentity(),
  tableEnd: sql``,
  canDropNotNull: true,
};
