/** Runs of cleanup policies that someone asked for. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function cleanupRequests({ integer }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('cleanup_policies').addColumn('requested_at', integer).execute();
      await db.schema
        .createIndex('cleanup_policies_requested')
        .on('cleanup_policies')
        .columns(['requested_at'])
        .execute();
    },
  };
}
