/** Rows of many blobs, written by the databases themselves: through the server they would take hours. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { DatabasePlace } from '../../support/databases.ts';

const layersOfManifest = 10;

/** Runs statements one after another. */
export async function execute({ url, file }: DatabasePlace, statements: readonly string[]): Promise<void> {
  if (url === undefined) {
    const database = new DatabaseSync(file, { timeout: 30_000 });
    for (const statement of statements) database.exec(statement);
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** So many blobs that manifests of the repository hold, ten each. */
export function heldBlobs(place: DatabasePlace, repositoryId: number, count: number): readonly string[] {
  const { numbers, hex } = dialectOf(place);
  const blob = `'sha256:a' || substr(${hex('i')}, 2)`;
  const manifest = `'sha256:b' || substr(${hex(`(i / ${layersOfManifest})`)}, 2)`;
  return [
    `insert into blobs (digest, size, storage_key, created_at, verified_at)
      select ${blob}, 1, 'held ' || i, 0, 0 from ${numbers(0, count)}`,
    `insert into repository_blobs (repository_id, digest, created_at)
      select ${repositoryId}, ${blob}, 0 from ${numbers(0, count)}`,
    `insert into manifests (digest, payload, size, sha1, created_at)
      select distinct ${manifest}, ${place.url === undefined ? "x'7b7d'" : "'\\x7b7d'::bytea"}, 2, '', 0 from ${numbers(0, count)}`,
    `insert into manifest_references (manifest_digest, kind, digest, media_type, size)
      select ${manifest}, 'layer', ${blob}, '', 1 from ${numbers(0, count)}`,
    `insert into repository_manifests (repository_id, digest, media_type, created_at)
      select distinct ${repositoryId}, ${manifest}, '', 0 from ${numbers(0, count)}`,
    'analyze',
  ];
}

/** So many blobs of the repository that nothing needs, and that are due. @param from number of the first */
export function garbage(
  place: DatabasePlace,
  repositoryId: number,
  from: number,
  count: number,
): readonly string[] {
  const { numbers, hex } = dialectOf(place);
  const blob = `'sha256:c' || substr(${hex('i')}, 2)`;
  // A key of the store's form, of which there is no file.
  const key = `'v1/blobs/sha256/00/' || ${hex('i')} || '-' || substr(${hex('i')}, 1, 24)`;
  return [
    `insert into blobs (digest, size, storage_key, created_at, verified_at)
      select ${blob}, 1, ${key}, 0, 0 from ${numbers(from, count)}`,
    `insert into repository_blobs (repository_id, digest, created_at)
      select ${repositoryId}, ${blob}, 0 from ${numbers(from, count)}`,
    `insert into link_reviews (repository_id, digest, review_after, event, created_at)
      select ${repositoryId}, ${blob}, 0, 'blob_upload', 0 from ${numbers(from, count)}`,
  ];
}

function dialectOf({ url }: DatabasePlace) {
  return url === undefined
    ? {
        hex: (value: string) => `printf('%064x', ${value})`,
        numbers: (from: number, count: number) =>
          `(with recursive n (i) as (select ${from} union all select i + 1 from n where i + 1 < ${from + count}) select i from n)`,
      }
    : {
        hex: (value: string) => `lpad(to_hex(${value}), 64, '0')`,
        numbers: (from: number, count: number) => `generate_series(${from}, ${from + count - 1}) as n (i)`,
      };
}
