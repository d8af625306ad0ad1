/** What an entry is called in lists: its path below `/v2`. The same in SQL, to search in, and in TypeScript. */
import { type RawBuilder, sql } from 'kysely';
import type { CacheEntry } from '../cached/cache-entry.ts';

const folders = { manifest: 'manifests', blob: 'blobs', referrers: 'referrers' } as const;

export function relativePathOf(entry: Pick<CacheEntry, 'repository' | 'kind' | 'reference'>): string {
  return `/${entry.repository}/${folders[entry.kind]}/${entry.reference}`;
}

/** In a query on cache_entries. */
export const relativePath: RawBuilder<string> = sql<string>`(
  '/' || repository || case kind
    when 'blob' then ${sql.lit(`/${folders.blob}/`)}
    when 'referrers' then ${sql.lit(`/${folders.referrers}/`)}
    else ${sql.lit(`/${folders.manifest}/`)}
  end || reference
)`;
