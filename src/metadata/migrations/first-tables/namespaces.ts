/** Groups, their projects, and names that are taken for a while by a rename. */
import { owner, ownerIfAny, required, type Tables } from '../tables.ts';

export async function createNamespaces(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('groups')
    .addColumn('id', integer, id)
    .addColumn('parent_id', integer, ownerIfAny('groups.id'))
    .addColumn('name', text, required)
    .addColumn('path', text, required)
    .addColumn('full_path', text, required)
    .addColumn('description', text)
    .addColumn('visibility', text, required)
    .addColumn('quota_bytes', integer)
    .addColumn('placed_at', integer, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addUniqueConstraint('groups_full_path', ['full_path'])
    .execute();
  await tables.index('groups', ['parent_id']).execute();

  await tables
    .table('projects')
    .addColumn('id', integer, id)
    .addColumn('group_id', integer, owner('groups.id'))
    .addColumn('name', text, required)
    .addColumn('path', text, required)
    .addColumn('full_path', text, required)
    .addColumn('description', text)
    .addColumn('visibility', text, required)
    .addColumn('container_registry_access_level', text, (column) => column.notNull().defaultTo('enabled'))
    .addColumn('quota_bytes', integer)
    .addColumn('placed_at', integer, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addUniqueConstraint('projects_full_path', ['full_path'])
    .execute();
  await tables.index('projects', ['group_id']).execute();

  await tables
    .table('rename_leases')
    .addColumn('path', text, required)
    .addColumn('project_id', integer, owner('projects.id'))
    .addColumn('holder', text, required)
    .addColumn('state', text, required)
    .addColumn('expires_at', integer, required)
    .addPrimaryKeyConstraint('rename_leases_path_project_id', ['path', 'project_id'])
    .execute();
  await tables.index('rename_leases', ['project_id']).execute();
}
