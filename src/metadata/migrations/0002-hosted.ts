/** Projects and their repositories, what is pushed to them, and what may have become of use to nobody. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function hosted(types: ColumnTypes): Migration {
  const { integer, text, id, tableEnd } = types;
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  /** A column whose row goes when the row that it names goes. */
  const owner = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.notNull().references(target).onDelete('cascade');
  /** A column that keeps the row that it names from being removed. */
  const kept = (target: string) => (column: ColumnDefinitionBuilder) => column.notNull().references(target);

  return {
    async up(db: Kysely<unknown>) {
      const createTable = (name: string) => db.schema.createTable(name).modifyEnd(tableEnd);
      const index = (table: string, columns: string[]) =>
        db.schema
          .createIndex(`${table}_by_${columns.join('_')}`)
          .on(table)
          .columns(columns);

      await db.schema.alterTable('groups').addColumn('quota_bytes', integer).execute();
      await letBlobsHaveNoSha1(db, types);

      await createTable('projects')
        .addColumn('id', integer, id)
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('name', text, required)
        .addColumn('path', text, required)
        .addColumn('full_path', text, required)
        .addColumn('description', text)
        .addColumn('visibility', text, required)
        .addColumn('quota_bytes', integer)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('projects_full_path', ['full_path'])
        .execute();
      await index('projects', ['group_id']).execute();

      await createTable('repositories')
        .addColumn('id', integer, id)
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('name', text, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('repositories_name', ['name'])
        .execute();
      await index('repositories', ['project_id']).execute();

      await createTable('repository_blobs')
        .addColumn('repository_id', integer, owner('repositories.id'))
        .addColumn('digest', text, kept('blobs.digest'))
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('repository_blobs_key', ['repository_id', 'digest'])
        .execute();
      await index('repository_blobs', ['digest']).execute();

      await createTable('repository_manifests')
        .addColumn('repository_id', integer, owner('repositories.id'))
        .addColumn('digest', text, kept('manifests.digest'))
        .addColumn('media_type', text, required)
        .addColumn('subject', text)
        .addColumn('artifact_type', text)
        .addColumn('annotations', text)
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('repository_manifests_key', ['repository_id', 'digest'])
        .execute();
      await index('repository_manifests', ['digest']).execute();
      await index('repository_manifests', ['repository_id', 'subject'])
        .where(sql.ref('subject'), 'is not', null)
        .execute();

      const manifestKey: ('repository_id' | 'digest')[] = ['repository_id', 'digest'];
      await createTable('tags')
        .addColumn('repository_id', integer, required)
        .addColumn('name', text, required)
        .addColumn('digest', text, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addPrimaryKeyConstraint('tags_key', ['repository_id', 'name'])
        .addForeignKeyConstraint(
          'tags_manifest',
          manifestKey,
          'repository_manifests',
          manifestKey,
          (constraint) => constraint.onDelete('cascade'),
        )
        .execute();
      await index('tags', manifestKey).execute();

      await createTable('uploads')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('repository', text, required)
        .addColumn('writer', text, required)
        .addColumn('started_at', integer, required)
        .addColumn('expires_at', integer, required)
        .addColumn('finished_digest', text)
        .execute();
      await index('uploads', ['project_id']).execute();
      await index('uploads', ['expires_at']).execute();
      // Of those that go on: a busy writer leaves many finished ones.
      await index('uploads', ['writer']).where(sql.ref('finished_digest'), 'is', null).execute();

      await createTable('blob_reviews')
        .addColumn('digest', text, (column) => column.primaryKey().notNull())
        .addColumn('review_after', integer, required)
        .addColumn('event', text, required)
        .addColumn('created_at', integer, required)
        .execute();
      await index('blob_reviews', ['review_after']).execute();

      await createTable('manifest_reviews')
        .addColumn('repository_id', integer, required)
        .addColumn('digest', text, required)
        .addColumn('review_after', integer, required)
        .addColumn('event', text, required)
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('manifest_reviews_key', manifestKey)
        .addForeignKeyConstraint(
          'manifest_reviews_manifest',
          manifestKey,
          'repository_manifests',
          manifestKey,
          (constraint) => constraint.onDelete('cascade'),
        )
        .execute();
      await index('manifest_reviews', ['review_after']).execute();
    },
  };
}

/** What is pushed is hashed once, for its digest. */
async function letBlobsHaveNoSha1(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  if (types.canDropNotNull) {
    await db.schema
      .alterTable('blobs')
      .alterColumn('sha1', (column) => column.dropNotNull())
      .execute();
    return;
  }
  const { integer, text, tableEnd } = types;
  await db.schema
    .createTable('blobs_anew')
    .modifyEnd(tableEnd)
    .addColumn('digest', text, (column) => column.primaryKey().notNull())
    .addColumn('size', integer, (column) => column.notNull())
    .addColumn('storage_key', text, (column) => column.notNull())
    .addColumn('sha1', text)
    .addColumn('created_at', integer, (column) => column.notNull())
    .execute();
  const columns = sql`digest, size, storage_key, sha1, created_at`;
  await sql`insert into blobs_anew (${columns}) select ${columns} from blobs`.execute(db);
  await db.schema.dropTable('blobs').execute();
  await db.schema.alterTable('blobs_anew').renameTo('blobs').execute();
}
