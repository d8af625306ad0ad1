/** Puts up for review: part of the transaction of whatever may have orphaned something. */
import { type Expression, type Kysely, sql } from 'kysely';
import type { Tables } from '../db/tables.ts';
import type { ReviewEvent } from './schema-collector.ts';

export interface ReviewTimes {
  /** Epoch milliseconds. */
  now(): number;
  /** From an event to the review that it asks for, in milliseconds: what clients were told exists can be relied on for so long. */
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

/** For room, or after all of the delay has gone by already, or because another delay is waited for. */
const immediate: readonly ReviewEvent[] = ['entry_evict', 'link_collect', 'untagged'];

/**
 * What waits already is postponed, never hastened, and who looks at it now has to leave it alone.
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

/** As {@link enqueue}, but what waits for the sake of another event is left alone, and what waits for the same is hastened. */
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
  // In one order: two transactions that wait for each other's rows would wait forever.
  return sql`
    insert into ${sql.table(queue)} (${key}, review_after, event, created_at)
    select ${key}, cast(${after} as bigint), ${event}, cast(${at} as bigint)
    from ${source} as due
    where true
    order by ${key}
    on conflict (${key})`;
}
