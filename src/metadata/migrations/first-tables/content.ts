/** Blobs and manifests, whoever links them, and what they say of images. */
import { counted, owner, primaryKey, required, type Tables } from '../tables.ts';

export async function createContent(tables: Tables): Promise<void> {
  const { integer, text, bytes } = tables.types;

  await tables
    .table('blobs')
    .addColumn('digest', text, primaryKey)
    .addColumn('size', integer, required)
    .addColumn('storage_key', text, required)
    .addColumn('sha1', text)
    .addColumn('created_at', integer, required)
    .addColumn('verified_at', integer, counted)
    .execute();
  await tables.index('blobs', ['verified_at']).execute();

  await tables
    .table('manifests')
    .addColumn('digest', text, primaryKey)
    .addColumn('size', integer, required)
    .addColumn('sha1', text, required)
    .addColumn('created_at', integer, required)
    // Last: SQLite reads through a large value to what comes after it.
    .addColumn('payload', bytes, required)
    .execute();

  await tables
    .table('manifest_references')
    .addColumn('manifest_digest', text, owner('manifests.digest'))
    .addColumn('kind', text, required)
    .addColumn('digest', text, required)
    .addColumn('media_type', text, required)
    .addColumn('size', integer, required)
    .addPrimaryKeyConstraint('manifest_references_key', ['manifest_digest', 'kind', 'digest'])
    .execute();
  await tables.index('manifest_references', ['digest']).execute();

  await tables
    .table('image_facts')
    .addColumn('digest', text, (column) =>
      column.primaryKey().notNull().references('manifests.digest').onDelete('cascade'),
    )
    .addColumn('kind', text, required)
    .addColumn('artifact_type', text)
    .addColumn('config_digest', text)
    .addColumn('config_media_type', text)
    .addColumn('config_size', integer)
    .addColumn('config_state', text, required)
    .addColumn('total_bytes', integer)
    .addColumn('image_created_at', integer)
    .addColumn('platform', text)
    .addColumn('manifest_details', text, required)
    .addColumn('image_config', text)
    .execute();
}
