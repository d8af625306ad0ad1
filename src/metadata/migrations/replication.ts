/** Rules that copy tags to other registries or from them, and what came of it, tag by tag. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted, owner, required, Tables } from './tables.ts';

export function replication(types: ColumnTypes): Migration {
  const { integer, text, id } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await tables
        .table('replication_rules')
        .addColumn('id', integer, id)
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('creator_id', integer, (column) => column.references('users.id').onDelete('set null'))
        .addColumn('name', text, required)
        .addColumn('direction', text, required)
        .addColumn('trigger', text, required)
        .addColumn('every_hours', integer)
        .addColumn('next_run_at', integer)
        .addColumn('enabled', integer, required)
        .addColumn('repository_regex', text)
        .addColumn('tag_regex', text, required)
        .addColumn('target', text, required)
        .addColumn('deletes_tags', integer, required)
        .addColumn('replaces_tags', integer, required)
        .addColumn('with_referrers', integer, required)
        .addColumn('url', text, required)
        .addColumn('username', text)
        .addColumn('password_sealed', text)
        .addColumn('allow_private_network', integer, required)
        .addColumn('proxy', text)
        .addColumn('ca_certificate', text)
        .addColumn('client_certificate', text)
        .addColumn('tls_verify', integer, (column) => column.notNull().defaultTo(1))
        .addColumn('header_names', text, (column) => column.notNull().defaultTo('[]'))
        .addColumn('network_sealed', text)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .execute();
      await tables.index('replication_rules', ['project_id']).execute();
      await tables.index('replication_rules', ['creator_id']).execute();
      await tables.index('replication_rules', ['next_run_at']).execute();
      await tables
        .table('replication_runs')
        .addColumn('id', integer, id)
        .addColumn('rule_id', integer, owner('replication_rules.id'))
        .addColumn('trigger', text, required)
        .addColumn('list_due_at', integer)
        .addColumn('tries', integer, counted)
        .addColumn('is_listed', integer, required)
        .addColumn('paused_until', integer, counted)
        .addColumn('reason', text)
        .addColumn('version', integer, counted)
        .addColumn('started_at', integer, required)
        .addColumn('ended_at', integer)
        .execute();
      await tables.index('replication_runs', ['rule_id']).execute();
      await tables
        .index('replication_runs', ['rule_id'], 'replication_runs_open')
        .unique()
        .where('ended_at', 'is', null)
        .execute();
      await tables
        .table('replication_tags')
        .addColumn('id', integer, id)
        .addColumn('run_id', integer, owner('replication_runs.id'))
        .addColumn('repository', text, required)
        .addColumn('tag', text, required)
        .addColumn('due_at', integer)
        .addColumn('version', integer, counted)
        .addColumn('tries', integer, counted)
        .addColumn('outcome', text)
        .addColumn('reason', text)
        .addColumn('bytes', integer, counted)
        .addColumn('ended_at', integer)
        .execute();
      await tables.index('replication_tags', ['run_id', 'repository', 'tag']).unique().execute();
      await tables.index('replication_tags', ['due_at']).execute();
    },
  };
}
