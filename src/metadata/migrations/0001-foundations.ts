/** Groups, users, tokens, virtual registries and their cache. Unique constraints are named table_columns, see violations.ts. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function foundations({ integer, text, bytes, id, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  /** A column whose row goes when the row that it names goes. */
  const owner = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.notNull().references(target).onDelete('cascade');

  return {
    async up(db: Kysely<unknown>) {
      const createTable = (name: string) => db.schema.createTable(name).modifyEnd(tableEnd);
      const createIndex = (table: string, columns: string[]) =>
        db.schema
          .createIndex(`${table}_by_${columns.join('_')}`)
          .on(table)
          .columns(columns)
          .execute();

      await createTable('instance')
        .addColumn('key', text, (column) => column.primaryKey().notNull())
        .addColumn('value', text, required)
        .execute();

      await createTable('groups')
        .addColumn('id', integer, id)
        .addColumn('parent_id', integer, (column) => column.references('groups.id').onDelete('cascade'))
        .addColumn('name', text, required)
        .addColumn('path', text, required)
        .addColumn('full_path', text, required)
        .addColumn('description', text)
        .addColumn('visibility', text, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('groups_full_path', ['full_path'])
        .execute();
      await createIndex('groups', ['parent_id']);

      await createTable('users')
        .addColumn('id', integer, id)
        .addColumn('username', text, required)
        .addColumn('name', text, required)
        .addColumn('email', text)
        .addColumn('state', text, required)
        .addColumn('admin', integer, required)
        .addColumn('password_hash', text)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('users_username', ['username'])
        .execute();

      await createTable('members')
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('user_id', integer, owner('users.id'))
        .addColumn('access_level', integer, required)
        .addColumn('expires_at', integer)
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('members_group_id_user_id', ['group_id', 'user_id'])
        .execute();
      await createIndex('members', ['user_id']);

      await createTable('access_tokens')
        .addColumn('id', integer, id)
        .addColumn('user_id', integer, owner('users.id'))
        .addColumn('name', text, required)
        .addColumn('description', text)
        .addColumn('token_hash', text, required)
        .addColumn('scopes', text, required)
        .addColumn('created_at', integer, required)
        .addColumn('expires_at', integer)
        .addColumn('revoked_at', integer)
        .addColumn('last_used_at', integer)
        .addUniqueConstraint('access_tokens_token_hash', ['token_hash'])
        .execute();
      await createIndex('access_tokens', ['user_id']);

      await createTable('signing_keys')
        .addColumn('kid', text, required)
        .addColumn('algorithm', text, required)
        .addColumn('private_key_sealed', text, required)
        .addColumn('created_at', integer, required)
        .addPrimaryKeyConstraint('signing_keys_kid', ['kid'])
        .execute();

      await createTable('virtual_registries')
        .addColumn('id', integer, id)
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('name', text, required)
        .addColumn('description', text)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addUniqueConstraint('virtual_registries_group_id_name', ['group_id', 'name'])
        .execute();

      await createTable('upstreams')
        .addColumn('id', integer, id)
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('url', text, required)
        .addColumn('name', text, required)
        .addColumn('description', text)
        .addColumn('username', text)
        .addColumn('password_sealed', text)
        .addColumn('cache_validity_hours', integer, required)
        .addColumn('allow_patterns', text, required)
        .addColumn('deny_patterns', text, required)
        .addColumn('allow_private_network', integer, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .execute();
      await createIndex('upstreams', ['group_id']);

      await createTable('registry_upstreams')
        .addColumn('id', integer, id)
        .addColumn('registry_id', integer, owner('virtual_registries.id'))
        .addColumn('upstream_id', integer, owner('upstreams.id'))
        .addColumn('position', integer, required)
        .addUniqueConstraint('registry_upstreams_registry_id_upstream_id', ['registry_id', 'upstream_id'])
        .execute();
      await createIndex('registry_upstreams', ['upstream_id']);

      await createTable('blobs')
        .addColumn('digest', text, (column) => column.primaryKey().notNull())
        .addColumn('size', integer, required)
        .addColumn('storage_key', text, required)
        .addColumn('sha1', text, required)
        .addColumn('created_at', integer, required)
        .execute();

      await createTable('manifests')
        .addColumn('digest', text, (column) => column.primaryKey().notNull())
        .addColumn('size', integer, required)
        .addColumn('sha1', text, required)
        .addColumn('created_at', integer, required)
        // Last: SQLite reads through a large value to what comes after it.
        .addColumn('payload', bytes, required)
        .execute();

      await createTable('manifest_references')
        .addColumn('manifest_digest', text, owner('manifests.digest'))
        .addColumn('kind', text, required)
        .addColumn('digest', text, required)
        .addColumn('media_type', text, required)
        .addColumn('size', integer, required)
        .addPrimaryKeyConstraint('manifest_references_key', ['manifest_digest', 'kind', 'digest'])
        .execute();
      await createIndex('manifest_references', ['digest']);

      await createTable('cache_entries')
        .addColumn('id', integer, id)
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('upstream_id', integer, owner('upstreams.id'))
        .addColumn('kind', text, required)
        .addColumn('repository', text, required)
        .addColumn('reference', text, required)
        .addColumn('digest', text, required)
        .addColumn('media_type', text, required)
        .addColumn('size', integer, required)
        .addColumn('etag', text)
        .addColumn('checked_at', integer, required)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addColumn('downloads_count', integer, (column) => column.notNull().defaultTo(0))
        .addColumn('downloaded_at', integer)
        .addUniqueConstraint('cache_entries_place', ['upstream_id', 'kind', 'repository', 'reference'])
        .execute();
      await createIndex('cache_entries', ['upstream_id', 'repository', 'digest']);
      await createIndex('cache_entries', ['upstream_id', 'id']);
      await createIndex('cache_entries', ['digest']);
      await createIndex('cache_entries', ['group_id']);

      await createTable('audit_events')
        .addColumn('id', integer, id)
        .addColumn('at', integer, required)
        .addColumn('actor_id', integer)
        .addColumn('actor_name', text, required)
        .addColumn('address', text)
        .addColumn('action', text, required)
        .addColumn('target_type', text, required)
        .addColumn('target_id', text, required)
        .addColumn('details', text, required)
        .execute();
      await createIndex('audit_events', ['target_type', 'target_id']);
    },
  };
}
