/** A server's database as years of use leave it, written straight into its tables while it is stopped. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

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
const payload = JSON.stringify({
  schemaVersion: 2,
  mediaType,
  layers: [],
  annotations: { filler: 'x'.repeat(400) },
});

interface Dialect {
  /** A table of the numbers n from 0 on. */
  readonly numbers: (count: number) => string;
  /** Of n, in 62 digits. */
  readonly hex: string;
  readonly bytes: (text: string) => string;
}

const sqlite: Dialect = {
  numbers: (count) =>
    `(with recursive numbers(n) as (values(0) union all select n + 1 from numbers where n + 1 < ${count}) select n from numbers)`,
  hex: "printf('%062x', n)",
  bytes: (text) => `cast('${text}' as blob)`,
};
const postgres: Dialect = {
  numbers: (count) => `generate_series(0, ${count - 1}) as numbers(n)`,
  hex: "lpad(to_hex(n), 62, '0')",
  bytes: (text) => `convert_to('${text}', 'UTF8')`,
};

/**
 * Tags are `v0`, `v1` and so on.
 * @param dataDirectory of a server that has been started once
 * @returns how many tags the project has
 */
export function writeManyRecords(dataDirectory: string, records: ManyRecords): number {
  const database = new DatabaseSync(join(dataDirectory, 'entrepot.db'));
  try {
    // What is lost by a cut is written again.
    database.exec('pragma synchronous = off');
    database.exec('begin');
    for (const statement of statementsFor(records, sqlite)) database.exec(statement);
    database.exec('commit');
    database.exec('analyze');
  } finally {
    database.close();
  }
  return ownTags(records);
}

/** As {@link writeManyRecords}. @param url of a superuser */
export async function writeManyRecordsTo(url: string, records: ManyRecords): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    // What is lost by a cut is written again, and rows refer to what is there.
    await client.query('set synchronous_commit = off; set session_replication_role = replica');
    for (const statement of statementsFor(records, postgres)) await client.query(statement);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
  return ownTags(records);
}

function ownTags({ manifests }: ManyRecords): number {
  return Math.ceil(manifests / 10);
}

function statementsFor(records: ManyRecords, { numbers, hex, bytes }: Dialect): readonly string[] {
  const { manifests, project, upstreamId } = records;
  const at = Date.now() - 86_400_000;
  const digest = (prefix: string) => `'sha256:${prefix}' || ${hex}`;
  const first = `(select id from repositories where name = '${project}')`;
  const repository = `case when n < ${ownTags(records)} then ${first} else ${first} + 1 + n % ${repositories} end`;
  const all = numbers(manifests);
  return [
    `insert into repositories (project_id, name, created_at, updated_at)
      select id, '${project}/r' || n, ${at}, ${at} from projects, ${numbers(repositories)} where full_path = '${project}'`,
    `insert into manifests (digest, size, sha1, created_at, payload)
      select ${digest('aa')}, ${payload.length}, '', ${at}, ${bytes(payload)} from ${all}`,
    `insert into blobs (digest, size, storage_key, created_at)
      select ${digest('bb')}, 1000, ${digest('bb')}, ${at} from ${all}`,
    `insert into manifest_references (manifest_digest, kind, digest, media_type, size)
      select ${digest('aa')}, 'layer', ${digest('bb')}, '${mediaType}', 1000 from ${all}`,
    `insert into repository_manifests (repository_id, digest, media_type, created_at, size_bytes)
      select ${repository}, ${digest('aa')}, '${mediaType}', ${at} + n, 1000 from ${all}`,
    `insert into repository_blobs (repository_id, digest, created_at)
      select ${repository}, ${digest('bb')}, ${at} from ${all}`,
    `insert into tags (repository_id, name, digest, created_at, updated_at)
      select ${repository}, 'v' || n, ${digest('aa')}, ${at}, ${at} + n from ${all}`,
    `insert into cache_entries (group_id, upstream_id, kind, repository, reference, digest, media_type, size, checked_at, created_at, updated_at)
      select group_id, id, 'manifest', 'library/app' || (n % 1000), 'v' || n, ${digest('aa')}, '${mediaType}', ${payload.length},
        ${at} + n, ${at} + n, ${at} + n from upstreams, ${all} where id = ${upstreamId}`,
  ];
}
