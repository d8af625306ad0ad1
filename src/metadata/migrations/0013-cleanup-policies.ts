/** Cleanup policies of projects, and tags that were removed and can be restored until the collector takes their manifest. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function cleanupPolicies({ integer, text, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('cleanup_policies')
        .modifyEnd(tableEnd)
        .addColumn('project_id', integer, (column) =>
          column.primaryKey().notNull().references('projects.id').onDelete('cascade'),
        )
        .addColumn('enabled', integer, required)
        .addColumn('cadence', text, required)
        .addColumn('keep_n', integer)
        .addColumn('older_than', text)
        .addColumn('name_regex', text, required)
        .addColumn('name_regex_keep', text)
        .addColumn('next_run_at', integer, required)
        .addColumn('started_at', integer)
        .addColumn('run', text)
        .addColumn('last_run', text)
        .execute();
      await db.schema
        .createIndex('cleanup_policies_due')
        .on('cleanup_policies')
        .columns(['enabled', 'next_run_at'])
        .execute();

      const manifestKey: ('repository_id' | 'digest')[] = ['repository_id', 'digest'];
      await db.schema
        .createTable('deleted_tags')
        .modifyEnd(tableEnd)
        .addColumn('id', integer, id)
        .addColumn('repository_id', integer, required)
        .addColumn('name', text, required)
        .addColumn('digest', text, required)
        .addColumn('deleted_at', integer, required)
        .addColumn('deleted_by', text, required)
        .addColumn('published_at', integer, required)
        .addForeignKeyConstraint(
          'deleted_tags_manifest',
          manifestKey,
          'repository_manifests',
          manifestKey,
          (constraint) => constraint.onDelete('cascade'),
        )
        .execute();
      await db.schema
        .createIndex('deleted_tags_by_manifest')
        .on('deleted_tags')
        .columns(manifestKey)
        .execute();
      await db.schema
        .createIndex('deleted_tags_by_name')
        .on('deleted_tags')
        .columns(['repository_id', 'name', 'deleted_at'])
        .execute();
    },
  };
}
