/** How much a top-level group has cached, and how much it may; ours. */
import { z } from 'zod';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { groupId, quota } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { GroupCacheService, GroupCacheState } from './group-caches.ts';

const path = '/groups/:id/-/virtual_registries/cache';

const cacheResponse = z
  .object({
    group_id: z.int(),
    bytes: z.int().meta({ description: 'Of blobs, each counted once, however many entries link it' }),
    max_bytes: z.int().nullable().meta({ description: 'null: only the limit of the server counts' }),
    server_max_bytes: z.int().nullable().meta({ description: 'Of the caches of all groups; null: none' }),
    pinned_bytes: z.int(),
    entries_count: z.int(),
    hits: z.int().meta({ description: 'Pulls of the last 7 days that the cache answered' }),
    misses: z.int(),
    hit_rate: z.number().nullable().meta({ description: 'From 0 to 1; null: nothing was pulled' }),
    last_evicted_at: instantText.nullable().meta({ description: 'For room; null: never' }),
    last_evicted_entries_count: z.int(),
    last_evicted_size: z.int(),
  })
  .meta({ id: 'GroupCache' });

/** @param serverMaxBytes limit of the caches of all groups; undefined: none */
export function groupCacheEndpoints(
  caches: GroupCacheService,
  serverMaxBytes: number | undefined,
): readonly Endpoint[] {
  const bodyOf = (state: GroupCacheState) => cacheBody(state, serverMaxBytes);
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'How much the virtual registries of a top-level group have cached, and how well it serves',
      pathParams: groupId,
      status: 200,
      response: cacheResponse,
      handle: async (actor, { id }) => bodyOf(await caches.get(actor, id)),
    }),
    endpoint({
      method: 'PATCH',
      path,
      summary: 'Limit what the virtual registries of a top-level group may cache; for Owners',
      pathParams: groupId,
      params: z.object({ max_bytes: quota.meta({ description: 'null or 0: no limit of its own' }) }),
      status: 200,
      response: cacheResponse,
      handle: async (actor, { id, maxBytes }) =>
        bodyOf(await caches.setLimit(actor, id, maxBytes || undefined)),
    }),
  ];
}

function cacheBody(
  state: GroupCacheState,
  serverMaxBytes: number | undefined,
): AnswerOf<typeof cacheResponse> {
  const { hits, misses } = state;
  return {
    ...state,
    serverMaxBytes,
    entriesCount: state.entries,
    hitRate: hits + misses === 0 ? null : hits / (hits + misses),
    lastEvictedAt: state.evictedAt,
    lastEvictedEntriesCount: state.evictedEntries,
    lastEvictedSize: state.evictedBytes,
  };
}
