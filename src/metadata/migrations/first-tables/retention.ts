/** What bounds a cache: limits, pins, policies, and how often it answered. */
import { sql } from 'kysely';
import { counted, owner, required, type Tables } from '../tables.ts';

export async function createRetention(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('group_caches')
    .addColumn('group_id', integer, (column) =>
      column.primaryKey().references('groups.id').onDelete('cascade'),
    )
    .addColumn('max_bytes', integer)
    .addColumn('evicted_at', integer)
    .addColumn('evicted_entries', integer, counted)
    .addColumn('evicted_bytes', integer, counted)
    .execute();

  await tables
    .table('cache_pins')
    .addColumn('id', integer, id)
    .addColumn('registry_id', integer, owner('virtual_registries.id'))
    .addColumn('image', text, required)
    .addColumn('tag', text)
    .addColumn('digest', text)
    .addColumn('created_at', integer, required)
    .addCheckConstraint('cache_pins_reference', sql`tag is null or digest is null`)
    .execute();
  await tables.index('cache_pins', ['registry_id']).execute();

  await tables
    .table('cache_pulls')
    .addColumn('group_id', integer, owner('groups.id'))
    .addColumn('day', integer, required)
    .addColumn('hits', integer, required)
    .addColumn('misses', integer, required)
    .addPrimaryKeyConstraint('cache_pulls_key', ['group_id', 'day'])
    .execute();

  await tables
    .table('cache_retention_policies')
    .addColumn('group_id', integer, owner('groups.id'))
    .addColumn('enabled', integer, required)
    .addColumn('cadence_days', integer, required)
    .addColumn('keep_days', integer, required)
    .addColumn('notify_on_success', integer, required)
    .addColumn('notify_on_failure', integer, required)
    .addColumn('status', text, required)
    .addColumn('failure_message', text)
    .addColumn('next_run_at', integer, required)
    .addColumn('last_run_at', integer)
    .addColumn('last_deleted_entries', integer, counted)
    .addColumn('last_deleted_bytes', integer, counted)
    .addColumn('run_started_at', integer)
    .addColumn('run_deleted_entries', integer, counted)
    .addColumn('run_deleted_bytes', integer, counted)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addPrimaryKeyConstraint('cache_retention_policies_group_id', ['group_id'])
    .execute();
  await tables.index('cache_retention_policies', ['next_run_at']).execute();
}
