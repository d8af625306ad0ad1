/** Conditions and order by the sources that a pull may use, of which there are few. */
import type { ExpressionBuilder } from 'kysely';
import type { Tables } from '../db/tables.ts';
import type { CacheEntry, EntrySource } from './cache-entry.ts';

export function atAny(eb: ExpressionBuilder<Tables, 'cacheEntries'>, sources: readonly EntrySource[]) {
  return eb.or(
    sources.map(({ upstreamId, repository }) =>
      eb.and([
        eb('cacheEntries.upstreamId', '=', upstreamId),
        eb('cacheEntries.repository', '=', repository),
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
