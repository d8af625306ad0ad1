/** Who is told what happens in repositories, and what they are still to be told. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function webhooks({ integer, text, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  const owner = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.notNull().references(target).onDelete('cascade');

  return {
    async up(db: Kysely<unknown>) {
      const createTable = (name: string) => db.schema.createTable(name).modifyEnd(tableEnd);

      await createTable('webhooks')
        .addColumn('id', integer, id)
        .addColumn('project_id', integer, (column) => column.references('projects.id').onDelete('cascade'))
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
        .addColumn('disabled', integer, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .execute();
      await db.schema.createIndex('webhooks_by_project_id').on('webhooks').column('project_id').execute();
      await db.schema
        .createIndex('webhooks_of_configuration')
        .unique()
        .on('webhooks')
        .column('name')
        .where(sql.ref('project_id'), 'is', null)
        .execute();

      await createTable('webhook_deliveries')
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
      await db.schema
        .createIndex('webhook_deliveries_pending')
        .on('webhook_deliveries')
        .columns(['webhook_id', 'repository_id', 'id'])
        .where(sql.ref('state'), '=', sql.lit('pending'))
        .execute();
      await db.schema
        .createIndex('webhook_deliveries_by_webhook_id')
        .on('webhook_deliveries')
        .columns(['webhook_id', 'id'])
        .execute();
      await db.schema
        .createIndex('webhook_deliveries_by_created_at')
        .on('webhook_deliveries')
        .column('created_at')
        .execute();

      await createTable('webhook_lanes')
        .addColumn('webhook_id', integer, owner('webhooks.id'))
        .addColumn('repository_id', integer, required)
        .addColumn('due_at', integer, required)
        .addColumn('owner', text)
        .addColumn('leased_until', integer, required)
        .addColumn('version', integer, required)
        .addPrimaryKeyConstraint('webhook_lanes_key', ['webhook_id', 'repository_id'])
        .execute();
      await db.schema.createIndex('webhook_lanes_by_due_at').on('webhook_lanes').column('due_at').execute();
    },
  };
}
