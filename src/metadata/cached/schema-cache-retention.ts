/** The tables of what bounds a cache: its size, its age, what is kept whatever happens; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface CacheRetentionTables {
  cached_blobs: CachedBlobTable;
  cache_size_changes: CacheSizeChangeTable;
  cache_reservations: CacheReservationTable;
  group_caches: GroupCacheTable;
  cache_pins: CachePinTable;
  cache_pulls: CachePullTable;
  cache_retention_policies: CacheRetentionPolicyTable;
}

/**
 * How many blob entries link a blob, in a top-level group, and in all (scope 0): kept by triggers on cache_entries, so that
 * whatever adds or removes entries counts. A row goes with its last entry. primary key (scope, digest)
 */
interface CachedBlobTable {
  /** a group's id, or 0 for all */
  scope: number;
  digest: string;
  size: number;
  entries: number;
}

/** What was added to or removed from the distinct bytes of a scope; the sum is its size. Folded from time to time. index on scope */
interface CacheSizeChangeTable {
  id: Generated<number>;
  scope: number;
  bytes: number;
}

/** Blobs that are about to be linked, or wait for room. index on scope */
interface CacheReservationTable {
  id: Generated<number>;
  scope: number;
  bytes: number;
  /** who made it is taken for dead from then on */
  expires_at: number;
}

/** primary key group_id */
interface GroupCacheTable {
  group_id: number;
  /** null: only the limit of the whole cache counts */
  max_bytes: number | null;
  /** when entries were evicted last for want of room, and what that run evicted */
  evicted_at: number | null;
  evicted_entries: Generated<number>;
  evicted_bytes: Generated<number>;
}

/** Images that are not evicted. index on registry_id */
interface CachePinTable {
  id: Generated<number>;
  registry_id: number;
  /** a name at the upstream, or a pattern with stars */
  image: string;
  /** at most one of the two; neither: the whole repository */
  tag: string | null;
  digest: string | null;
  created_at: number;
}

/** Pulls by day, for the hit rate. primary key (group_id, day) */
interface CachePullTable {
  group_id: number;
  /** days since 1970 */
  day: number;
  hits: number;
  misses: number;
}

/** primary key group_id */
interface CacheRetentionPolicyTable {
  group_id: number;
  enabled: number;
  cadence_days: number;
  keep_days: number;
  notify_on_success: number;
  notify_on_failure: number;
  status: 'scheduled' | 'running' | 'failed';
  failure_message: string | null;
  next_run_at: number;
  last_run_at: number | null;
  last_deleted_entries: number;
  last_deleted_bytes: number;
  /** of the run that goes on: when it began, and what it has removed so far */
  run_started_at: number | null;
  run_deleted_entries: number;
  run_deleted_bytes: number;
  created_at: number;
  updated_at: number;
}
