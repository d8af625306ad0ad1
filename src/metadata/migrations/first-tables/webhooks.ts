/** Who is told what happens in repositories, and what they are still to be told. */
import { sql } from 'kysely';
import { owner, ownerIfAny, required, type Tables } from '../tables.ts';

export async function createWebhooks(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('webhooks')
    .addColumn('id', integer, id)
    .addColumn('project_id', integer, ownerIfAny('projects.id'))
    .addColumn('name', text)
    .addColumn('description', text)
    .addColumn('url', text, required)
    .addColumn('secret_sealed', text)
    .addColumn('headers_sealed', text)
    .addColumn('header_names', text, required)
    .addColumn('ignored_actions', text, required)
    .addColumn('ignored_media_types', text, required)
    .addColumn('timeout_ms', integer)
    .addColumn('backoff_ms', integer)
    .addColumn('max_retries', integer)
    .addColumn('is_disabled', integer, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .execute();
  await tables.index('webhooks', ['project_id']).execute();
  await tables
    .index('webhooks', ['name'], 'webhooks_of_configuration')
    .unique()
    .where(sql.ref('project_id'), 'is', null)
    .execute();

  await tables
    .table('webhook_deliveries')
    .addColumn('id', integer, id)
    .addColumn('webhook_id', integer, owner('webhooks.id'))
    .addColumn('repository_id', integer, required)
    .addColumn('delivery_id', text, required)
    .addColumn('action', text, required)
    .addColumn('event', text, required)
    .addColumn('state', text, required)
    .addColumn('attempts', integer, required)
    .addColumn('created_at', integer, required)
    .addColumn('attempted_at', integer)
    .addColumn('duration_ms', integer)
    .addColumn('response_status', integer)
    .addColumn('response_body', text)
    .addColumn('error', text)
    .addColumn('finished_at', integer)
    .execute();
  await tables
    .index('webhook_deliveries', ['webhook_id', 'repository_id', 'id'], 'webhook_deliveries_pending')
    .where(sql.ref('state'), '=', sql.lit('pending'))
    .execute();
  await tables
    .index('webhook_deliveries', ['webhook_id', 'id'], 'webhook_deliveries_by_webhook_id')
    .execute();
  await tables.index('webhook_deliveries', ['created_at']).execute();

  await tables
    .table('webhook_lanes')
    .addColumn('webhook_id', integer, owner('webhooks.id'))
    .addColumn('repository_id', integer, required)
    .addColumn('due_at', integer, required)
    .addColumn('owner', text)
    .addColumn('leased_until', integer, required)
    .addColumn('version', integer, required)
    .addPrimaryKeyConstraint('webhook_lanes_key', ['webhook_id', 'repository_id'])
    .execute();
  await tables.index('webhook_lanes', ['due_at']).execute();
}
