/** Work that is done from time to time, by one process at a time. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function jobs({ integer, text, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('jobs')
        .modifyEnd(tableEnd)
        .addColumn('name', text, (column) => column.primaryKey().notNull())
        .addColumn('every_ms', integer, required)
        .addColumn('next_run_at', integer, required)
        .addColumn('woken', integer, required)
        .addColumn('owner', text)
        .addColumn('leased_until', integer)
        .addColumn('started_at', integer)
        .addColumn('ended_at', integer)
        .addColumn('failures', integer, required)
        .addColumn('error', text)
        .addColumn('result', text)
        .execute();
    },
  };
}
