/** Which process fetches a blob that several are asked for. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, primaryKey, required, Tables } from './tables.ts';

export function fillLeases(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      await new Tables(db, types)
        .table('fill_leases')
        .addColumn('key', text, primaryKey)
        .addColumn('owner', text, required)
        .addColumn('address', text, required)
        .addColumn('fence', integer, required)
        .addColumn('expires_at', integer, required)
        .execute();
    },
  };
}
