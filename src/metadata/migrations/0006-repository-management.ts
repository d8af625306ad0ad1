/** What managing repositories asks for: when they were published and pulled, how big they are, and deletions that go on in the background. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';
import { sizeOfManifest } from '../hosted/repository-sizes.ts';

export function repositoryManagement({ integer, text, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  const counted = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);

  return {
    async up(db: Kysely<unknown>) {
      const add = (table: string, name: string, type: typeof integer | typeof text, build = plain) =>
        db.schema.alterTable(table).addColumn(name, type, build).execute();

      await add('repositories', 'status', text);
      await add('repositories', 'delete_failures', integer, counted);
      await add('repositories', 'published_at', integer);
      await add('repositories', 'pulled_at', integer);
      await add('repositories', 'size_bytes', integer);
      await add('repositories', 'sized_at', integer);
      await add('repositories', 'cleanup_started_at', integer);
      await add('repository_manifests', 'size_bytes', integer, counted);
      await add('repository_manifests', 'pulled_at', integer);
      await add('repository_manifests', 'pulls_count', integer, counted);
      await add('tags', 'pulled_at', integer);
      await add('tags', 'pulls_count', integer, counted);
      await sql`
        update repositories set published_at =
          (select max(updated_at) from tags where tags.repository_id = repositories.id)`.execute(db);
      await sql`
        update repository_manifests set size_bytes =
          ${sizeOfManifest(sql.ref('repository_manifests.repository_id'), sql.ref('repository_manifests.digest'))}`.execute(
        db,
      );
      await db.schema
        .createIndex('repositories_by_status')
        .on('repositories')
        .column('status')
        .where(sql.ref('status'), 'is not', null)
        .execute();
      await db.schema
        .createIndex('tags_by_repository_id_updated_at')
        .on('tags')
        .columns(['repository_id', 'updated_at'])
        .execute();

      await db.schema
        .createTable('tag_deletions')
        .modifyEnd(tableEnd)
        .addColumn('id', integer, id)
        .addColumn('repository_id', integer, (column) =>
          column.notNull().references('repositories.id').onDelete('cascade'),
        )
        .addColumn('criteria', text, required)
        .addColumn('requested_at', integer, required)
        .addColumn('actor_id', integer)
        .addColumn('actor_name', text, required)
        .addColumn('actor_address', text)
        .addColumn('actor_level', integer, required)
        .addColumn('cut_at', integer)
        .addColumn('cut_name', text)
        .addColumn('deleted_count', integer, counted)
        .addColumn('finished_at', integer)
        .execute();
      await db.schema
        .createIndex('tag_deletions_by_repository_id')
        .on('tag_deletions')
        .columns(['repository_id', 'requested_at'])
        .execute();
      await db.schema
        .createIndex('tag_deletions_unfinished')
        .on('tag_deletions')
        .column('id')
        .where(sql.ref('finished_at'), 'is', null)
        .execute();
    },
  };
}

function plain(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column;
}
