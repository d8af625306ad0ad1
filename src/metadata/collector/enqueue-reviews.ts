/** Puts content up for review, in the transaction of whatever may have orphaned it. */
import { type Expression, type Generated, type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Optional, Tables } from '../db/tables.ts';

/** Bytes, or payloads of manifests, that may have become of use to nobody. primary key digest */
export interface ReviewTable {
  digest: Digest;
  /** Not before then; a later event postpones it; index. */
  reviewAfter: number;
  /** The last reason. */
  event: ReviewEvent;
  createdAt: number;
  /** Reviews in a row that failed since the last event. */
  reviewCount: Generated<number>;
  /** Why the last review failed; undefined: it did not. */
  lastError: Optional<string>;
  /** A process looks at it now and is taken for dead from then on; undefined: none does. */
  claimedUntil: Optional<number>;
}

/**
 * Links of blobs, or manifests, that may have become, or not be yet, of use to their repository. primary key (repositoryId, digest);
 * goes with its link
 */
export interface RepositoryReviewTable extends ReviewTable {
  repositoryId: number;
}

/** Why something may be of use to nobody. */
export type ReviewEvent =
  | 'blob_upload'
  | 'blob_mount'
  /** A client was told that the repository has it. */
  | 'blob_head'
  | 'blob_delete'
  | 'manifest_upload'
  | 'manifest_delete'
  | 'tag_delete'
  | 'tag_switch'
  | 'repository_delete'
  | 'project_delete'
  | 'entry_delete'
  /** An entry went for want of room: its content is looked at at once. */
  | 'entry_evict'
  | 'entry_switch'
  | 'upstream_delete'
  /** The collector removed a link of it, so that it is looked at at once. */
  | 'link_collect'
  /** The collector waits for `gc.untagged`. */
  | 'untagged';

export interface ReviewTimes {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * How many milliseconds pass from an event to the review that it asks for: clients may rely for so long on what they were told exists.
   */
  delayMs(): number;
}

/** Queue → what one row of it is about. */
const keys = {
  blobReviews: ['digest'],
  payloadReviews: ['digest'],
  linkReviews: ['repositoryId', 'digest'],
  manifestReviews: ['repositoryId', 'digest'],
} as const;

export type ReviewQueueName = keyof typeof keys;

/** Events whose reviews need no delay: room is wanted, the delay has gone by already, or another delay is kept by the rule itself. */
const immediate: readonly ReviewEvent[] = ['entry_evict', 'link_collect', 'untagged'];

/**
 * A review that waits already is postponed, never hastened, and a worker that has claimed it must leave it alone.
 * @param source rows of the queue's key, each once
 */
export async function enqueue(
  db: Kysely<Tables>,
  times: ReviewTimes,
  queue: ReviewQueueName,
  source: Expression<unknown>,
  event: ReviewEvent,
): Promise<void> {
  const table = sql.table(queue);
  await sql`${insertion(times, queue, source, event)} do update
    set review_after = case when ${table}.review_after > excluded.review_after
          then ${table}.review_after else excluded.review_after end,
        event = excluded.event, review_count = 0, last_error = null, claimed_until = null`.execute(db);
}

/**
 * As {@link enqueue}, but a review that waits because of another event is left alone, and one that waits because of the same is hastened.
 */
export async function enqueueAgain(
  db: Kysely<Tables>,
  times: ReviewTimes,
  queue: ReviewQueueName,
  source: Expression<unknown>,
  event: ReviewEvent,
): Promise<void> {
  await sql`${insertion(times, queue, source, event)} do update
    set review_after = excluded.review_after, review_count = 0, last_error = null, claimed_until = null
    where ${sql.table(queue)}.event = excluded.event`.execute(db);
}

function insertion(
  { now, delayMs }: ReviewTimes,
  queue: ReviewQueueName,
  source: Expression<unknown>,
  event: ReviewEvent,
) {
  const at = now();
  const after = immediate.includes(event) ? at : at + Math.round(delayMs());
  const key = sql.join(keys[queue].map((column) => sql.ref(column)));
  // All insert in one order: two transactions that wait for each other's rows would wait forever.
  return sql`
    insert into ${sql.table(queue)} (${key}, review_after, event, created_at)
    select ${key}, cast(${after} as bigint), ${event}, cast(${at} as bigint)
    from ${source} as due
    where true
    order by ${key}
    on conflict (${key})`;
}
