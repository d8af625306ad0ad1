/** Virtual registries, upstreams, and in what order the former ask the latter. */
import { counted, owner, required, type Tables } from '../tables.ts';

export async function createRegistries(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('virtual_registries')
    .addColumn('id', integer, id)
    .addColumn('group_id', integer, owner('groups.id'))
    .addColumn('name', text, required)
    .addColumn('description', text)
    .addColumn('anonymous_pull', integer, counted)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addUniqueConstraint('virtual_registries_group_id_name', ['group_id', 'name'])
    .execute();

  await tables
    .table('upstreams')
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
  await tables.index('upstreams', ['group_id']).execute();

  await tables
    .table('registry_upstreams')
    .addColumn('id', integer, id)
    .addColumn('registry_id', integer, owner('virtual_registries.id'))
    .addColumn('upstream_id', integer, owner('upstreams.id'))
    .addColumn('position', integer, required)
    .addUniqueConstraint('registry_upstreams_registry_id_upstream_id', ['registry_id', 'upstream_id'])
    .execute();
  await tables.index('registry_upstreams', ['upstream_id']).execute();
}
