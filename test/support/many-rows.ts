/** Tables as years of use leave them: so many rows of all that lists show, past the number up to which they are counted. */
import { type Kysely, sql } from 'kysely';
import { maxCounted } from '../../src/metadata/db/pages.ts';

export const manyRows = maxCounted + 500;

/** The numbers that the rows are of are 1. @param bytes the type of bytes */
export async function addManyRows(db: Kysely<unknown>, bytes: 'blob' | 'bytea'): Promise<void> {
  const digest = `'sha256:' || substr('${'0'.repeat(64)}' || n, length('' || n) + 1)`;
  for (const [table, columns, values] of [
    [
      'groups',
      'parent_id, name, path, full_path, visibility, placed_at, created_at, updated_at',
      `1, 'g' || n, 'g' || n, 'acme/g' || n, 'private', 0, n, n`,
    ],
    [
      'projects',
      'group_id, name, path, full_path, visibility, placed_at, created_at, updated_at',
      `1, 'p' || n, 'p' || n, 'acme/p' || n, 'private', 0, n, n`,
    ],
    ['repositories', 'project_id, name, created_at, updated_at', `1, 'acme/shop/r' || n, n, n`],
    [
      'users',
      'username, name, state, is_admin, created_at, updated_at',
      `'u' || n, 'User ' || n, 'active', 0, n, n`,
    ],
    ['members', 'group_id, user_id, access_level, created_at', `1, n + 1, 20, n`],
    ['members', 'project_id, user_id, access_level, created_at', `1, n + 1, 30, n`],
    ['manifests', 'digest, size, sha1, created_at, payload', `${digest}, 2, '', n, cast('x' as ${bytes})`],
    [
      'repository_manifests',
      'repository_id, digest, media_type, created_at',
      `1, ${digest}, 'application/vnd.oci.image.manifest.v1+json', n`,
    ],
    ['tags', 'repository_id, name, digest, created_at, updated_at', `1, 'v' || n, ${digest}, n, n`],
    [
      'deleted_tags',
      'repository_id, name, digest, deleted_at, deleted_by, published_at',
      `1, 'old' || n, ${digest}, n, 'root', n`,
    ],
    [
      'cache_entries',
      'group_id, upstream_id, kind, repository, reference, digest, media_type, size, checked_at, created_at, updated_at',
      `1, 1, 'manifest', 'library/app' || n % 100, 'v' || n, ${digest}, 'x', 2, n, n, n`,
    ],
    [
      'audit_events',
      'at, actor_id, actor_name, address, action, target_type, target_id, details, group_path, project_path',
      `n, 1, 'root', '192.0.2.1', 'project.update', 'project', '1', '{}', 'acme', 'acme/shop'`,
    ],
    ['access_tokens', 'user_id, name, token_hash, scopes, created_at', `1, 't' || n, 'h' || n, '[]', n`],
    ['deploy_tokens', 'group_id, name, token_hash, scopes, created_at', `1, 't' || n, 'g' || n, '[]', n`],
    ['deploy_tokens', 'project_id, name, token_hash, scopes, created_at', `1, 't' || n, 'p' || n, '[]', n`],
    [
      'job_tokens',
      'project_id, user_id, name, access_level, token_hash, created_at, expires_at',
      `1, 1, 't' || n, 30, 'h' || n, n, 9000000000000`,
    ],
    [
      'storage_findings',
      'kind, digest, storage_key, size, hosted, state, found_at',
      `'missing', ${digest}, 'k' || n, 1, 0, 'open', n`,
    ],
    [
      'webhook_deliveries',
      'webhook_id, repository_id, delivery_id, action, event, state, attempts, created_at',
      `1, 1, 'd' || n, 'push', '{}', 'delivered', 1, n`,
    ],
  ] as const)
    await sql`
      insert into ${sql.table(table)} (${sql.raw(columns)})
      with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(manyRows)})
      select ${sql.raw(values)} from numbers`.execute(db);
}
