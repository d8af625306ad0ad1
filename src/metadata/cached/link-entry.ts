/** Creates an entry, or switches it to other content as a whole: part of a transaction. What a tag names is noted where it is new. */
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { Reviews } from '../collector/reviews.ts';
import type { Tables } from '../db/tables.ts';
import { type CacheEntry, entryColumns } from './cache-entry.ts';
import { TagSightings } from './tag-sightings.ts';

export type LinkedContent = Omit<
  CacheEntry,
  'id' | 'createdAt' | 'updatedAt' | 'downloadsCount' | 'downloadedAt'
>;

export interface Linking {
  readonly now: () => number;
  /** Within the transaction. */
  readonly reviews: Reviews;
}

/** @throws MissingOwner when the upstream or group is gone */
export async function linkEntry(
  tx: Kysely<Tables>,
  linking: Linking,
  entry: LinkedContent,
): Promise<CacheEntry> {
  const now = linking.now();
  const content = {
    digest: entry.digest,
    mediaType: entry.mediaType,
    size: entry.size,
    checkedAt: entry.checkedAt,
    updatedAt: now,
    usedAt: now,
  };
  const { upstreamId, kind, repository, reference } = entry;
  const source = { upstreamId, kind, repository, reference };
  const sightings = new TagSightings(tx, linking.now);
  const added = await tx
    .insertInto('cacheEntries')
    .values({ ...content, ...source, etag: entry.etag, groupId: entry.groupId, createdAt: now })
    .onConflict((conflict) => conflict.columns(['upstreamId', 'kind', 'repository', 'reference']).doNothing())
    .returning(entryColumns)
    .executeTakeFirst();
  if (added) {
    await sightings.note(entry);
    return added;
  }
  const query = tx
    .selectFrom('cacheEntries')
    .select(['id', 'digest'])
    .where((eb) => eb.and(source));
  const before = await query.forUpdate().executeTakeFirst();
  // Someone removed it meanwhile.
  if (!before) return linkEntry(tx, linking, entry);
  if (before.digest !== entry.digest) {
    await linking.reviews.addEntries(({ id }) => sql<SqlBool>`${id} = ${before.id}`, 'entry_switch');
    await sightings.note(entry);
  }
  return tx
    .updateTable('cacheEntries')
    .set({ ...content, etag: entry.etag ?? null })
    .where('id', '=', before.id)
    .returning(entryColumns)
    .executeTakeFirstOrThrow();
}
