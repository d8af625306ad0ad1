/** Objects that are being written into buckets, and the parts of each. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted, owner, primaryKey, required, Tables } from './tables.ts';

export function objectWrites(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await tables
        .table('object_writes')
        .addColumn('id', text, primaryKey)
        .addColumn('store', text, required)
        .addColumn('upload_id', text)
        .addColumn('claim', text)
        .addColumn('number', integer, counted)
        .addColumn('has_begun', integer, counted)
        .addColumn('parted_id', text)
        .addColumn('pieces', text, required)
        .addColumn('is_sealed', integer, counted)
        .addColumn('digest', text)
        .addColumn('storage_key', text)
        .addColumn('changed_at', integer, required)
        .addUniqueConstraint('object_writes_upload', ['store', 'upload_id'])
        .execute();
      await tables.index('object_writes', ['changed_at']).execute();
      await tables
        .table('object_parts')
        .addColumn('write_id', text, owner('object_writes.id'))
        .addColumn('number', integer, required)
        .addColumn('size', integer, required)
        .addColumn('tag', text, required)
        .addPrimaryKeyConstraint('object_parts_key', ['write_id', 'number'])
        .execute();
    },
  };
}
