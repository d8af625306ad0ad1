/** When the bytes of blobs were verified last, and what was found wrong with them. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function scrub({ integer, text, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('blobs')
        .addColumn('verified_at', integer, (column) => column.notNull().defaultTo(0))
        .execute();
      await sql`update blobs set verified_at = created_at`.execute(db);
      await db.schema.createIndex('blobs_by_verified_at').on('blobs').columns(['verified_at']).execute();
      await db.schema
        .createTable('storage_findings')
        .modifyEnd(tableEnd)
        .addColumn('id', integer, id)
        .addColumn('kind', text, required)
        .addColumn('digest', text, required)
        .addColumn('storage_key', text, required)
        .addColumn('size', integer, required)
        .addColumn('hosted', integer, required)
        .addColumn('state', text, required)
        .addColumn('found_at', integer, required)
        .addColumn('settled_at', integer)
        .addUniqueConstraint('storage_findings_storage_key', ['storage_key'])
        .execute();
      await db.schema
        .createIndex('storage_findings_by_state')
        .on('storage_findings')
        .columns(['state'])
        .execute();
    },
  };
}
