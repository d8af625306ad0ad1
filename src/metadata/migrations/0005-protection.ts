/** Which repositories and tags of a project are guarded, and from whom. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function protection(types: ColumnTypes): Migration {
  const { integer, text, id, tableEnd } = types;
  const required = (column: ColumnDefinitionBuilder) => column.notNull();

  return {
    async up(db: Kysely<unknown>) {
      const createRules = (table: string, pattern: string) =>
        db.schema
          .createTable(table)
          .modifyEnd(tableEnd)
          .addColumn('id', integer, id)
          .addColumn('project_id', integer, (column) =>
            column.notNull().references('projects.id').onDelete('cascade'),
          )
          .addColumn(pattern, text, required)
          .addColumn('push_level', integer)
          .addColumn('delete_level', integer)
          .addColumn('created_at', integer, required)
          // Its index finds the rules of a project, too.
          .addUniqueConstraint(`${table}_project_id_${pattern}`, ['project_id', pattern]);

      await createRules('repository_protection_rules', 'path_pattern')
        .addCheckConstraint(
          'repository_protection_rules_levels',
          sql`push_level is not null or delete_level is not null`,
        )
        .execute();
      await createRules('tag_protection_rules', 'tag_name_pattern')
        .addCheckConstraint('tag_protection_rules_levels', sql`(push_level is null) = (delete_level is null)`)
        .execute();
    },
  };
}
