/** Who may do what: members of projects, bots, tokens of every kind, trusted issuers, sessions, and where audited events happened. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function access(types: ColumnTypes): Migration {
  const { integer, text, id, tableEnd } = types;
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  /** A column whose row goes when the row that it names goes. */
  const owner = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.notNull().references(target).onDelete('cascade');
  /** As {@link owner}, where there may be none. */
  const ownerIfAny = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.references(target).onDelete('cascade');

  return {
    async up(db: Kysely<unknown>) {
      const createTable = (name: string) => db.schema.createTable(name).modifyEnd(tableEnd);
      const index = (table: string, columns: string[]) =>
        db.schema
          .createIndex(`${table}_by_${columns.join('_')}`)
          .on(table)
          .columns(columns);

      await addColumns(db, types);
      await index('users', ['bot_group_id']).where(sql.ref('bot_group_id'), 'is not', null).execute();
      await index('users', ['bot_project_id']).where(sql.ref('bot_project_id'), 'is not', null).execute();
      await index('audit_events', ['group_path', 'id']).execute();
      await index('audit_events', ['project_path', 'id']).execute();
      await index('audit_events', ['actor_id', 'id']).execute();
      await index('audit_events', ['at']).execute();

      await createTable('project_members')
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('user_id', integer, owner('users.id'))
        .addColumn('access_level', integer, required)
        .addColumn('expires_at', integer)
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('project_members_project_id_user_id', ['project_id', 'user_id'])
        .execute();
      await index('project_members', ['user_id']).execute();

      await createTable('deploy_tokens')
        .addColumn('id', integer, id)
        .addColumn('group_id', integer, ownerIfAny('groups.id'))
        .addColumn('project_id', integer, ownerIfAny('projects.id'))
        .addColumn('name', text, required)
        .addColumn('username', text)
        .addColumn('token_hash', text, required)
        .addColumn('scopes', text, required)
        .addColumn('created_by', integer, (column) => column.references('users.id').onDelete('set null'))
        .addColumn('created_at', integer, required)
        .addColumn('expires_at', integer)
        .addColumn('revoked_at', integer)
        .addColumn('last_used_at', integer)
        .addUniqueConstraint('deploy_tokens_token_hash', ['token_hash'])
        .addCheckConstraint('deploy_tokens_place', sql`(group_id is null) <> (project_id is null)`)
        .execute();
      await index('deploy_tokens', ['group_id']).execute();
      await index('deploy_tokens', ['project_id']).execute();
      await index('deploy_tokens', ['created_by']).execute();

      await createTable('oidc_trusts')
        .addColumn('id', integer, id)
        .addColumn('name', text, required)
        .addColumn('issuer', text, required)
        .addColumn('audience', text, required)
        .addColumn('jwks_url', text)
        .addColumn('claims', text, required)
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('access_level', integer, required)
        .addColumn('created_at', integer, required)
        .execute();
      await index('oidc_trusts', ['issuer']).execute();
      await index('oidc_trusts', ['project_id']).execute();

      await createTable('job_tokens')
        .addColumn('id', integer, id)
        .addColumn('project_id', integer, owner('projects.id'))
        .addColumn('user_id', integer, ownerIfAny('users.id'))
        .addColumn('trust_id', integer, ownerIfAny('oidc_trusts.id'))
        .addColumn('name', text, required)
        .addColumn('access_level', integer, required)
        .addColumn('token_hash', text, required)
        .addColumn('created_at', integer, required)
        .addColumn('expires_at', integer, required)
        .addColumn('revoked_at', integer)
        .addUniqueConstraint('job_tokens_token_hash', ['token_hash'])
        .execute();
      for (const column of ['project_id', 'user_id', 'trust_id', 'expires_at'])
        await index('job_tokens', [column]).execute();

      await createTable('oidc_identities')
        .addColumn('issuer', text, required)
        .addColumn('subject', text, required)
        .addColumn('user_id', integer, owner('users.id'))
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('oidc_identities_issuer_subject', ['issuer', 'subject'])
        .execute();
      await index('oidc_identities', ['user_id']).execute();

      await createTable('sessions')
        .addColumn('id_hash', text, required)
        .addColumn('user_id', integer, owner('users.id'))
        .addColumn('csrf_hash', text)
        .addColumn('created_at', integer, required)
        .addColumn('last_used_at', integer, required)
        .addColumn('expires_at', integer, required)
        .addPrimaryKeyConstraint('sessions_id_hash', ['id_hash'])
        .execute();
      await index('sessions', ['user_id']).execute();
      await index('sessions', ['expires_at']).execute();
    },
  };
}

/** One statement each: SQLite adds one column at a time. */
async function addColumns(db: Kysely<unknown>, { integer, text }: ColumnTypes): Promise<void> {
  const add = (table: string, column: string, type: ColumnTypes['integer' | 'text']) =>
    db.schema.alterTable(table).addColumn(column, type).execute();
  const addFilled = (
    table: string,
    column: string,
    type: typeof integer | typeof text,
    value: string | number,
  ) =>
    db.schema
      .alterTable(table)
      .addColumn(column, type, (definition) => definition.notNull().defaultTo(value))
      .execute();
  const addOwner = (table: string, column: string, target: string) =>
    db.schema
      .alterTable(table)
      .addColumn(column, integer, (definition) => definition.references(target).onDelete('cascade'))
      .execute();

  await addFilled('projects', 'container_registry_access_level', text, 'enabled');
  await addFilled('virtual_registries', 'anonymous_pull', integer, 0);
  await addFilled('users', 'kind', text, 'human');
  await add('groups', 'placed_at', integer);
  await add('projects', 'placed_at', integer);
  await addOwner('users', 'bot_group_id', 'groups.id');
  await addOwner('users', 'bot_project_id', 'projects.id');
  await add('audit_events', 'group_path', text);
  await add('audit_events', 'project_path', text);
  await add('signing_keys', 'certificate', text);
  await add('signing_keys', 'retired_at', integer);
}
