/** The installation: its facts, its work in the background, and what was done to it. */
import { primaryKey, required, type Tables } from '../tables.ts';

export async function createServer(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('instance')
    .addColumn('key', text, primaryKey)
    .addColumn('value', text, required)
    .execute();

  await tables
    .table('tasks')
    .addColumn('name', text, primaryKey)
    .addColumn('every_ms', integer, required)
    .addColumn('next_run_at', integer, required)
    .addColumn('is_woken', integer, required)
    .addColumn('owner', text)
    .addColumn('leased_until', integer)
    .addColumn('started_at', integer)
    .addColumn('ended_at', integer)
    .addColumn('failures', integer, required)
    .addColumn('error', text)
    .addColumn('result', text)
    .execute();

  await tables
    .table('audit_events')
    .addColumn('id', integer, id)
    .addColumn('at', integer, required)
    .addColumn('actor_id', integer)
    .addColumn('actor_name', text, required)
    .addColumn('address', text)
    .addColumn('action', text, required)
    .addColumn('target_type', text, required)
    .addColumn('target_id', text, required)
    .addColumn('details', text, required)
    .addColumn('group_path', text)
    .addColumn('project_path', text)
    .execute();
  await tables.index('audit_events', ['target_type', 'target_id']).execute();
  await tables.index('audit_events', ['group_path', 'id']).execute();
  await tables.index('audit_events', ['project_path', 'id']).execute();
  await tables.index('audit_events', ['actor_id', 'id']).execute();
  await tables.index('audit_events', ['at']).execute();
}
