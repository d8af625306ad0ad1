/** A server's SQLite database as years of use leave it, written straight into its tables while it is stopped. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface ManyRecords {
  /** Manifests that are hosted, and as many that are cached, each with a tag. */
  readonly manifests: number;
  /** Of the repository that has a tenth of them. */
  readonly project: string;
  readonly upstreamId: number;
}

/** The others are spread over so many repositories. */
const repositories = 1000;
const mediaType = 'application/vnd.oci.image.manifest.v1+json';

/** Tags are `v0`, `v1` and so on. @param dataDirectory of a server that has been started once @returns how many tags the project has */
export function writeManyRecords(
  dataDirectory: string,
  { manifests, project, upstreamId }: ManyRecords,
): number {
  const database = new DatabaseSync(join(dataDirectory, 'entrepot.db'));
  const numbers = (count: number) =>
    `(with recursive numbers(n) as (values(0) union all select n + 1 from numbers where n + 1 < ${count}) select n from numbers)`;
  const digest = (prefix: string) => `'sha256:${prefix}' || printf('%062x', n)`;
  const own = Math.ceil(manifests / 10);
  const payload = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    layers: [],
    annotations: { filler: 'x'.repeat(400) },
  });
  const at = Date.now() - 86_400_000;
  try {
    // What is lost by a cut is written again.
    database.exec('pragma synchronous = off');
    database.exec('begin');
    const { id: projectId } = database
      .prepare('select id from projects where full_path = ?')
      .get(project) as { id: number };
    const { group_id: groupId } = database
      .prepare('select group_id from upstreams where id = ?')
      .get(upstreamId) as { group_id: number };
    database.exec(`insert into repositories (project_id, name, created_at, updated_at)
      select ${projectId}, '${project}/r' || n, ${at}, ${at} from ${numbers(repositories)}`);
    const { id: first } = database.prepare('select id from repositories where name = ?').get(project) as {
      id: number;
    };
    const repositoryOf = `case when n < ${own} then ${first} else ${first} + 1 + n % ${repositories} end`;
    const statements = [
      `insert into manifests (digest, size, sha1, created_at, payload)
        select ${digest('aa')}, ${payload.length}, '', ${at}, cast('${payload}' as blob) from ${numbers(manifests)}`,
      `insert into blobs (digest, size, storage_key, created_at) select ${digest('bb')}, 1000, ${digest('bb')}, ${at} from ${numbers(manifests)}`,
      `insert into manifest_references (manifest_digest, kind, digest, media_type, size)
        select ${digest('aa')}, 'layer', ${digest('bb')}, '${mediaType}', 1000 from ${numbers(manifests)}`,
      `insert into repository_manifests (repository_id, digest, media_type, created_at, size_bytes)
        select ${repositoryOf}, ${digest('aa')}, '${mediaType}', ${at} + n, 1000 from ${numbers(manifests)}`,
      `insert into repository_blobs (repository_id, digest, created_at) select ${repositoryOf}, ${digest('bb')}, ${at} from ${numbers(manifests)}`,
      `insert into tags (repository_id, name, digest, created_at, updated_at)
        select ${repositoryOf}, 'v' || n, ${digest('aa')}, ${at}, ${at} + n from ${numbers(manifests)}`,
      `insert into cache_entries (group_id, upstream_id, kind, repository, reference, digest, media_type, size, checked_at, created_at, updated_at)
        select ${groupId}, ${upstreamId}, 'manifest', 'library/app' || (n % 1000), 'v' || n, ${digest('aa')}, '${mediaType}', ${payload.length}, ${at} + n, ${at} + n, ${at} + n from ${numbers(manifests)}`,
    ];
    for (const statement of statements) database.exec(statement);
    database.exec('commit');
    database.exec('analyze');
  } finally {
    database.close();
  }
  return own;
}
