/** What was pulled, asked and sent, in steps of time. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, required, Tables } from './tables.ts';

export function traffic(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      await new Tables(db, types)
        .table('traffic')
        .addColumn('step_seconds', integer, required)
        .addColumn('started_at', integer, required)
        .addColumn('series', text, required)
        .addColumn('amount', integer, required)
        .addPrimaryKeyConstraint('traffic_key', ['step_seconds', 'started_at', 'series'])
        .execute();
    },
  };
}
