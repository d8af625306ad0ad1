/** https://docs.gitlab.com/api/container_virtual_registries/ */
import { z } from 'zod';
import type { CacheEntryOrder, ListedCacheEntry } from '../../metadata/cached/cache-contents.ts';
import type { CacheEntry } from '../../metadata/cached/cache-entry.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { upstreamPath } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { maxNameLength, text } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { CacheEntryService } from './cache-entries.ts';

const maxIdLength = 1024;

/** The order is ours; GitLab's is the default. */
const filter = pageParams.extend({
  search: text(maxNameLength).optional(),
  order_by: z.enum(['created_at', 'size', 'downloaded_at']).default('created_at'),
  sort: z.enum(['asc', 'desc']).default('desc'),
});

const orders = {
  created_at: 'id',
  size: 'size',
  downloaded_at: 'pulled',
} as const satisfies Record<string, CacheEntryOrder>;

const entryResponse = z
  .object({
    id: z.string(),
    group_id: z.int(),
    upstream_id: z.int(),
    upstream_checked_at: instantText,
    file_md5: z.null(),
    file_sha1: z.string().nullable(),
    size: z.int(),
    relative_path: z.string(),
    upstream_etag: z.string().nullable(),
    content_type: z.string(),
    digest: z.string(),
    created_at: instantText,
    updated_at: instantText,
    downloads_count: z.int(),
    downloaded_at: instantText.nullable(),
  })
  .meta({ id: 'CacheEntry' });

export function cacheEntryEndpoints(entries: CacheEntryService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/virtual_registries/container/upstreams/:id/cache_entries',
      summary: 'What is cached of an upstream, newest first where no other order is asked for',
      pathParams: upstreamPath,
      params: filter,
      status: 200,
      takesJobTokens: true,
      response: z.array(entryResponse),
      handle: async (actor, { id, search, orderBy, sort, ...page }) => {
        const wanted = { search, by: orders[orderBy], direction: sort };
        return pageBody(await entries.list(actor, id, wanted, page), page, entryBody);
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/virtual_registries/container/cache_entries/*id',
      summary: 'Forget one cache entry',
      pathParams: z.object({ id: text(maxIdLength) }),
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }, { unmodifiedSince }) =>
        entries.remove(actor, parseEntryId(id), unmodifiedSince),
    }),
  ];
}

/** The id means nothing to clients, and needs no encoding in a path. */
function formatEntryId({ groupId, id }: Pick<CacheEntry, 'groupId' | 'id'>): string {
  return Buffer.from(`${groupId} ${id}`).toString('base64url');
}

/** @throws RefusedError not-found */
function parseEntryId(text: string): number {
  const id = /^\d+ (\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString())?.[1];
  if (id === undefined) throw new RefusedError('not-found');
  return Number(id);
}

function entryBody(entry: ListedCacheEntry): AnswerOf<typeof entryResponse> {
  return {
    ...entry,
    id: formatEntryId(entry),
    upstreamCheckedAt: entry.checkedAt,
    fileSha1: entry.sha1,
    relativePath: entry.relativePath.slice(1),
    upstreamEtag: entry.etag,
    contentType: entry.mediaType,
  };
}
