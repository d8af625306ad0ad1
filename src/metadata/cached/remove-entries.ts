/** Removes entries of virtual registries and puts what they linked up for review: part of a transaction. */
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { ReviewEvent } from '../collector/enqueue-reviews.ts';
import type { Reviews } from '../collector/reviews.ts';
import type { Tables } from '../db/tables.ts';

/** SQLite removes so many within a few milliseconds, in which nothing else can happen. */
const rowsAtOnce = 200;

/** Removes all of them, a few at a time. @param which ids of entries, found by an index @returns how many there were */
export async function removeEntries(
  tx: Kysely<Tables>,
  reviews: Reviews,
  which: SelectQueryBuilder<Tables, 'cacheEntries', { id: number }>,
  event: ReviewEvent,
): Promise<number> {
  let count = 0;
  for (;;) {
    const removed = await removeSomeEntries(tx, reviews, which, event);
    count += removed;
    if (removed < rowsAtOnce) return count;
  }
}

/** As {@link removeEntries}, a few of them. */
export async function removeSomeEntries(
  tx: Kysely<Tables>,
  reviews: Reviews,
  which: SelectQueryBuilder<Tables, 'cacheEntries', { id: number }>,
  event: ReviewEvent,
): Promise<number> {
  const rows = await tx
    .deleteFrom('cacheEntries')
    .where('id', 'in', which.limit(rowsAtOnce))
    .returning(['kind', 'digest'])
    .execute();
  const digestsOf = (isBlob: boolean) =>
    rows.filter(({ kind }) => (kind === 'blob') === isBlob).map(({ digest }) => digest);
  await reviews.addBlobs(digestsOf(true), event);
  await reviews.addPayloads(digestsOf(false), event);
  return rows.length;
}
