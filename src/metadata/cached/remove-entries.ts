/** Removes entries of virtual registries and puts what they linked up for review: part of a transaction. */
import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { ReviewEvent } from '../collector/enqueue-reviews.ts';
import type { Reviews } from '../collector/reviews.ts';
import type { Tables } from '../db/tables.ts';

const rowsAtOnce = 5000;

/** Removes all of them, a few thousand at a time. @param which ids of entries @returns how many there were */
export async function removeEntries(
  tx: Kysely<Tables>,
  reviews: Reviews,
  which: SelectQueryBuilder<Tables, 'cacheEntries', { id: number }>,
  event: ReviewEvent,
): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = await tx
      .deleteFrom('cacheEntries')
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('cacheEntries')
          .select('id')
          .where((where) => where('id', 'in', which))
          .limit(rowsAtOnce),
      )
      .returning(['kind', 'digest'])
      .execute();
    const digestsOf = (isBlob: boolean) =>
      rows.filter(({ kind }) => (kind === 'blob') === isBlob).map(({ digest }) => digest);
    await reviews.addBlobs(digestsOf(true), event);
    await reviews.addPayloads(digestsOf(false), event);
    count += rows.length;
    if (rows.length < rowsAtOnce) return count;
  }
}
