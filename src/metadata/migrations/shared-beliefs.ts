/** What processes believe and tell each other where there is no Redis. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, primaryKey, required, Tables } from './tables.ts';

export function sharedBeliefs(types: ColumnTypes): Migration {
  const { integer, text, id } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await tables
        .table('shared_beliefs')
        .addColumn('id', integer, id)
        .addColumn('key', text, required)
        .addColumn('value', text, required)
        .addColumn('ends_at', integer, required)
        .execute();
      await tables.index('shared_beliefs', ['ends_at']).execute();
      await tables
        .table('shared_counts')
        .addColumn('key', text, primaryKey)
        .addColumn('total', integer, required)
        .addColumn('ends_at', integer, required)
        .execute();
      await tables.index('shared_counts', ['ends_at']).execute();
    },
  };
}
