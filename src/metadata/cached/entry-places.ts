/** Conditions and order by the sources that a pull may use, of which there are few. */
import type { ExpressionBuilder } from 'kysely';
import type { Tables } from '../db/schema.ts';
import type { CacheEntry, EntrySource } from './cache-entry.ts';

export function atAny(eb: ExpressionBuilder<Tables, 'cache_entries'>, sources: readonly EntrySource[]) {
  return eb.or(
    sources.map(({ upstreamId, repository }) =>
      eb.and([
        eb('cache_entries.upstream_id', '=', upstreamId),
        eb('cache_entries.repository', '=', repository),
      ]),
    ),
  );
}

export function inOrderOf(sources: readonly EntrySource[], entries: readonly CacheEntry[]): CacheEntry[] {
  return sources.flatMap((source) =>
    entries.filter(
      (entry) => entry.upstreamId === source.upstreamId && entry.repository === source.repository,
    ),
  );
}
