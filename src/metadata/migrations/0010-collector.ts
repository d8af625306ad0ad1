/** What the collector looks at: links and payloads too, with what came of it; and what was left behind before there was one. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function collector({ integer, text, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  const counted = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);

  return {
    async up(db: Kysely<unknown>) {
      for (const table of ['blob_reviews', 'manifest_reviews']) {
        await db.schema.alterTable(table).addColumn('review_count', integer, counted).execute();
        await db.schema.alterTable(table).addColumn('last_error', text).execute();
        await db.schema.alterTable(table).addColumn('claimed_until', integer).execute();
      }
      await db.schema.alterTable('repository_manifests').addColumn('pushed_at', integer).execute();
      await db.schema.alterTable('repository_manifests').addColumn('subject_gone_at', integer).execute();

      const reviews = (name: string) =>
        db.schema
          .createTable(name)
          .modifyEnd(tableEnd)
          .addColumn('digest', text, required)
          .addColumn('review_after', integer, required)
          .addColumn('event', text, required)
          .addColumn('created_at', integer, required)
          .addColumn('review_count', integer, counted)
          .addColumn('last_error', text)
          .addColumn('claimed_until', integer);
      const index = (table: string, column: string) =>
        db.schema.createIndex(`${table}_by_${column}`).on(table).column(column).execute();

      const linkKey: ('repository_id' | 'digest')[] = ['repository_id', 'digest'];
      await reviews('link_reviews')
        .addColumn('repository_id', integer, required)
        .addPrimaryKeyConstraint('link_reviews_key', linkKey)
        .addForeignKeyConstraint('link_reviews_link', linkKey, 'repository_blobs', linkKey, (constraint) =>
          constraint.onDelete('cascade'),
        )
        .execute();
      await reviews('payload_reviews').addPrimaryKeyConstraint('payload_reviews_key', ['digest']).execute();
      for (const table of ['link_reviews', 'payload_reviews']) await index(table, 'review_after');

      await db.schema
        .createTable('gc_runs')
        .modifyEnd(tableEnd)
        .addColumn('id', integer, id)
        .addColumn('started_at', integer, required)
        .addColumn('ended_at', integer, required)
        .addColumn('reviewed', integer, required)
        .addColumn('manifests', integer, required)
        .addColumn('links', integer, required)
        .addColumn('blobs', integer, required)
        .addColumn('bytes', integer, required)
        .addColumn('payloads', integer, required)
        .addColumn('failed', integer, required)
        .execute();
      await index('gc_runs', 'started_at');

      await findLeftBehind(db);
    },
  };
}

/** Links that waited for a review of their blob, and what was orphaned while nothing noted it: the latter can go at once. */
async function findLeftBehind(db: Kysely<unknown>): Promise<void> {
  await sql`
    insert into link_reviews (repository_id, digest, review_after, event, created_at)
    select link.repository_id, link.digest, due.review_after, due.event, due.created_at
    from repository_blobs as link inner join blob_reviews as due on due.digest = link.digest`.execute(db);
  await sql`
    insert into blob_reviews (digest, review_after, event, created_at)
    select digest, created_at, 'upgrade', created_at from blobs
    where not exists (select 1 from repository_blobs as link where link.digest = blobs.digest)
      and not exists (select 1 from cache_entries as entry where entry.digest = blobs.digest and entry.kind = 'blob')
      and not exists (select 1 from blob_reviews as due where due.digest = blobs.digest)`.execute(db);
  await sql`
    insert into payload_reviews (digest, review_after, event, created_at)
    select digest, created_at, 'upgrade', created_at from manifests
    where not exists (select 1 from repository_manifests as link where link.digest = manifests.digest)
      and not exists (
        select 1 from cache_entries as entry where entry.digest = manifests.digest and entry.kind <> 'blob'
      )`.execute(db);
}
