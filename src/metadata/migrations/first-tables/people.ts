/** Users, whose members they are, and how they sign in. */
import { sql } from 'kysely';
import { owner, ownerIfAny, required, type Tables } from '../tables.ts';

export async function createPeople(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('users')
    .addColumn('id', integer, id)
    .addColumn('username', text, required)
    .addColumn('name', text, required)
    .addColumn('email', text)
    .addColumn('state', text, required)
    .addColumn('is_admin', integer, required)
    .addColumn('password_hash', text)
    .addColumn('kind', text, (column) => column.notNull().defaultTo('human'))
    .addColumn('bot_group_id', integer, ownerIfAny('groups.id'))
    .addColumn('bot_project_id', integer, ownerIfAny('projects.id'))
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addUniqueConstraint('users_username', ['username'])
    .execute();
  for (const column of ['bot_group_id', 'bot_project_id'])
    await tables.index('users', [column]).where(sql.ref(column), 'is not', null).execute();

  await tables
    .table('members')
    .addColumn('group_id', integer, ownerIfAny('groups.id'))
    .addColumn('project_id', integer, ownerIfAny('projects.id'))
    .addColumn('user_id', integer, owner('users.id'))
    .addColumn('access_level', integer, required)
    .addColumn('expires_at', integer)
    .addColumn('created_at', integer, required)
    .addUniqueConstraint('members_group_id_user_id', ['group_id', 'user_id'])
    .addUniqueConstraint('members_project_id_user_id', ['project_id', 'user_id'])
    .addCheckConstraint('members_place', sql`(group_id is null) <> (project_id is null)`)
    .execute();
  await tables.index('members', ['user_id']).execute();

  await tables
    .table('oidc_identities')
    .addColumn('issuer', text, required)
    .addColumn('subject', text, required)
    .addColumn('user_id', integer, owner('users.id'))
    .addColumn('created_at', integer, required)
    .addPrimaryKeyConstraint('oidc_identities_issuer_subject', ['issuer', 'subject'])
    .execute();
  await tables.index('oidc_identities', ['user_id']).execute();

  await tables
    .table('sessions')
    .addColumn('id_hash', text, required)
    .addColumn('user_id', integer, owner('users.id'))
    .addColumn('csrf_hash', text)
    .addColumn('created_at', integer, required)
    .addColumn('last_used_at', integer, required)
    .addColumn('expires_at', integer, required)
    .addPrimaryKeyConstraint('sessions_id_hash', ['id_hash'])
    .execute();
  await tables.index('sessions', ['user_id']).execute();
  await tables.index('sessions', ['expires_at']).execute();
}
