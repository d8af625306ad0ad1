/** Conditions and order by the places that a pull may use, of which there are few. */
import type { ExpressionBuilder } from 'kysely';
import type { Tables } from '../db/schema.ts';
import type { CacheEntry, EntryPlace } from './cache-entry.ts';

export function atAny(eb: ExpressionBuilder<Tables, 'cache_entries'>, places: readonly EntryPlace[]) {
  return eb.or(
    places.map(({ upstreamId, repository }) =>
      eb.and([
        eb('cache_entries.upstream_id', '=', upstreamId),
        eb('cache_entries.repository', '=', repository),
      ]),
    ),
  );
}

export function inOrderOf(places: readonly EntryPlace[], entries: readonly CacheEntry[]): CacheEntry[] {
  return places.flatMap((place) =>
    entries.filter((entry) => entry.upstreamId === place.upstreamId && entry.repository === place.repository),
  );
}
