/** Tokens of every kind, whose ID tokens stand for jobs, and the keys that registry tokens are signed with. */
import { sql } from 'kysely';
import { owner, ownerIfAny, required, type Tables } from '../tables.ts';

export async function createTokens(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('access_tokens')
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
  await tables.index('access_tokens', ['user_id']).execute();

  await tables
    .table('deploy_tokens')
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
  for (const column of ['group_id', 'project_id', 'created_by'])
    await tables.index('deploy_tokens', [column]).execute();

  await tables
    .table('oidc_trusts')
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
  await tables.index('oidc_trusts', ['issuer']).execute();
  await tables.index('oidc_trusts', ['project_id']).execute();

  await tables
    .table('job_tokens')
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
    await tables.index('job_tokens', [column]).execute();

  await tables
    .table('signing_keys')
    .addColumn('kid', text, required)
    .addColumn('algorithm', text, required)
    .addColumn('private_key_sealed', text, required)
    .addColumn('certificate', text)
    .addColumn('created_at', integer, required)
    .addColumn('retired_at', integer)
    .addPrimaryKeyConstraint('signing_keys_kid', ['kid'])
    .execute();
}
