/** Repositories that are pushed to: what they link, their tags, and uploads. */
import { sql } from 'kysely';
import { counted, kept, linkKey, owner, primaryKey, required, type Tables, withOwner } from '../tables.ts';

export async function createHosted(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('repositories')
    .addColumn('id', integer, id)
    .addColumn('project_id', integer, owner('projects.id'))
    .addColumn('name', text, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addColumn('status', text)
    .addColumn('delete_failures', integer, counted)
    .addColumn('published_at', integer)
    .addColumn('pulled_at', integer)
    .addColumn('size_bytes', integer)
    .addColumn('sized_at', integer)
    .addColumn('cleanup_started_at', integer)
    .addUniqueConstraint('repositories_name', ['name'])
    .execute();
  await tables.index('repositories', ['project_id']).execute();
  await tables.index('repositories', ['status']).where(sql.ref('status'), 'is not', null).execute();

  await tables
    .table('repository_blobs')
    .addColumn('repository_id', integer, owner('repositories.id'))
    .addColumn('digest', text, kept('blobs.digest'))
    .addColumn('created_at', integer, required)
    .addPrimaryKeyConstraint('repository_blobs_key', linkKey)
    .execute();
  await tables.index('repository_blobs', ['digest']).execute();

  await tables
    .table('repository_manifests')
    .addColumn('repository_id', integer, owner('repositories.id'))
    .addColumn('digest', text, kept('manifests.digest'))
    .addColumn('media_type', text, required)
    .addColumn('subject', text)
    .addColumn('artifact_type', text)
    .addColumn('annotations', text)
    .addColumn('created_at', integer, required)
    .addColumn('size_bytes', integer, counted)
    .addColumn('pulled_at', integer)
    .addColumn('pulls_count', integer, counted)
    .addColumn('pushed_at', integer)
    .addColumn('subject_gone_at', integer)
    .addPrimaryKeyConstraint('repository_manifests_key', linkKey)
    .execute();
  await tables.index('repository_manifests', ['digest']).execute();
  await tables
    .index('repository_manifests', ['repository_id', 'subject'])
    .where(sql.ref('subject'), 'is not', null)
    .execute();

  await tables
    .table('tags')
    .addColumn('repository_id', integer, required)
    .addColumn('name', text, required)
    .addColumn('digest', text, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addColumn('pulled_at', integer)
    .addColumn('pulls_count', integer, counted)
    .addPrimaryKeyConstraint('tags_key', ['repository_id', 'name'])
    .addForeignKeyConstraint('tags_manifest', linkKey, 'repository_manifests', linkKey, withOwner)
    .execute();
  await tables.index('tags', linkKey).execute();
  await tables.index('tags', ['repository_id', 'updated_at']).execute();
  await tables.index('tags', ['repository_id', 'updated_at', 'name']).execute();

  await tables
    .table('deleted_tags')
    .addColumn('id', integer, id)
    .addColumn('repository_id', integer, required)
    .addColumn('name', text, required)
    .addColumn('digest', text, required)
    .addColumn('deleted_at', integer, required)
    .addColumn('deleted_by', text, required)
    .addColumn('published_at', integer, required)
    .addForeignKeyConstraint('deleted_tags_manifest', linkKey, 'repository_manifests', linkKey, withOwner)
    .execute();
  await tables.index('deleted_tags', linkKey, 'deleted_tags_by_manifest').execute();
  await tables
    .index('deleted_tags', ['repository_id', 'name', 'deleted_at'], 'deleted_tags_by_name')
    .execute();

  await tables
    .table('uploads')
    .addColumn('id', text, primaryKey)
    .addColumn('project_id', integer, owner('projects.id'))
    .addColumn('repository', text, required)
    .addColumn('writer', text, required)
    .addColumn('started_at', integer, required)
    .addColumn('expires_at', integer, required)
    .addColumn('finished_digest', text)
    .execute();
  await tables.index('uploads', ['project_id']).execute();
  await tables.index('uploads', ['expires_at']).execute();
  // Only uploads that go on are counted by their writer: a busy one leaves many finished ones.
  await tables.index('uploads', ['writer']).where(sql.ref('finished_digest'), 'is', null).execute();
}
