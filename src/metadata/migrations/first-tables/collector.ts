/** What the collector is to look at, what it did, and what is wrong with stored bytes. */
import { counted, linkKey, primaryKey, required, type Tables, withOwner } from '../tables.ts';

export async function createCollector(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await reviews(tables, 'manifest_reviews')
    .addColumn('repository_id', integer, required)
    .addPrimaryKeyConstraint('manifest_reviews_key', linkKey)
    .addForeignKeyConstraint('manifest_reviews_manifest', linkKey, 'repository_manifests', linkKey, withOwner)
    .execute();
  await reviews(tables, 'link_reviews')
    .addColumn('repository_id', integer, required)
    .addPrimaryKeyConstraint('link_reviews_key', linkKey)
    .addForeignKeyConstraint('link_reviews_link', linkKey, 'repository_blobs', linkKey, withOwner)
    .execute();
  await reviews(tables, 'payload_reviews')
    .addPrimaryKeyConstraint('payload_reviews_key', ['digest'])
    .execute();
  await reviews(tables, 'blob_reviews', primaryKey).execute();
  for (const table of ['manifest_reviews', 'link_reviews', 'payload_reviews', 'blob_reviews'])
    await tables.index(table, ['review_after']).execute();

  await tables
    .table('gc_runs')
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
  await tables.index('gc_runs', ['started_at']).execute();

  await tables
    .table('storage_findings')
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
  await tables.index('storage_findings', ['state']).execute();
}

function reviews(tables: Tables, name: string, digest = required) {
  const { integer, text } = tables.types;
  return tables
    .table(name)
    .addColumn('digest', text, digest)
    .addColumn('review_after', integer, required)
    .addColumn('event', text, required)
    .addColumn('created_at', integer, required)
    .addColumn('review_count', integer, counted)
    .addColumn('last_error', text)
    .addColumn('claimed_until', integer);
}
