/** The processes that share a database. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, primaryKey, required, Tables } from './tables.ts';

export function processes(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      await new Tables(db, types)
        .table('processes')
        .addColumn('id', text, primaryKey)
        .addColumn('name', text, required)
        .addColumn('version', text, required)
        .addColumn('address', text)
        .addColumn('started_at', integer, required)
        .addColumn('last_seen_at', integer, required)
        .execute();
    },
  };
}
