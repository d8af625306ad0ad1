/** What waits for the collector, read from the tables themselves: the server has no use for a list of it. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { z } from 'zod';
import type { DatabasePlace } from './databases.ts';

const blobReview = z.object({ digest: z.string(), event: z.string(), review_after: z.coerce.number() });
const manifestReview = blobReview.extend({ repository_id: z.coerce.number() });

/** By digest. */
export async function readBlobReviews(place: DatabasePlace): Promise<z.infer<typeof blobReview>[]> {
  const statement = 'select digest, event, review_after from blob_reviews order by digest';
  return z.array(blobReview).parse(await readRows(place, statement));
}

/** Of payloads, by digest. */
export async function readPayloadReviews(place: DatabasePlace): Promise<z.infer<typeof blobReview>[]> {
  const statement = 'select digest, event, review_after from payload_reviews order by digest';
  return z.array(blobReview).parse(await readRows(place, statement));
}

/** By repository and digest. */
export async function readManifestReviews(place: DatabasePlace): Promise<z.infer<typeof manifestReview>[]> {
  return z.array(manifestReview).parse(await readRows(place, ofRepositories('manifest_reviews')));
}

/** Of blobs in repositories, by repository and digest. */
export async function readLinkReviews(place: DatabasePlace): Promise<z.infer<typeof manifestReview>[]> {
  return z.array(manifestReview).parse(await readRows(place, ofRepositories('link_reviews')));
}

function ofRepositories(table: string): string {
  return `select repository_id, digest, event, review_after from ${table} order by repository_id, digest`;
}

async function readRows(place: DatabasePlace, statement: string): Promise<unknown[]> {
  if (place.url === undefined) {
    const database = new DatabaseSync(place.file, { readOnly: true });
    try {
      return database
        .prepare(statement)
        .all()
        .map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  }
  const client = new pg.Client({ connectionString: place.url });
  await client.connect();
  try {
    const { rows } = await client.query(statement);
    return rows;
  } finally {
    await client.end();
  }
}
