/** Names that are taken for a while by a rename, and tags by when they were pushed. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function renames({ integer, text, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('rename_leases')
        .modifyEnd(tableEnd)
        .addColumn('path', text, required)
        .addColumn('project_id', integer, (column) =>
          column.notNull().references('projects.id').onDelete('cascade'),
        )
        .addColumn('holder', text, required)
        .addColumn('state', text, required)
        .addColumn('expires_at', integer, required)
        .addPrimaryKeyConstraint('rename_leases_path_project_id', ['path', 'project_id'])
        .execute();
      await db.schema
        .createIndex('rename_leases_by_project_id')
        .on('rename_leases')
        .column('project_id')
        .execute();
      await db.schema
        .createIndex('tags_by_repository_id_updated_at_name')
        .on('tags')
        .columns(['repository_id', 'updated_at', 'name'])
        .execute();
    },
  };
}
