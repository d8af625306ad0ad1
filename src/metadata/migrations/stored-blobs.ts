/** Blobs are found by where their bytes are, which may have been found gone, and what is found in a bucket says no digest. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted, Tables } from './tables.ts';

export function storedBlobs(types: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await new Tables(db, types).index('blobs', ['storage_key']).execute();
      await db.schema.alterTable('blobs').addColumn('was_missing', types.integer, counted).execute();
      await db.schema
        .alterTable('storage_findings')
        .alterColumn('digest', (column) => column.dropNotNull())
        .execute();
    },
  };
}
