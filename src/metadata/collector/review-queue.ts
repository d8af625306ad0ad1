/**
 * What waits for the collector, as its workers take it. A row is claimed for a while, which two workers never do at once; whoever died
 * with a claim is followed by another. A later event ends the claim: it is asked for again before anything is done.
 */
import { type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';
import type { ReviewEvent, ReviewQueueName } from './enqueue-reviews.ts';

/** What a review is of: a manifest or a link of a repository; bytes, or the payload of a manifest, of all of them. */
export type ReviewKind = 'manifest' | 'link' | 'blob' | 'payload';

export interface Review {
  readonly kind: ReviewKind;
  readonly digest: Digest;
  /** Of manifests and links; 0 for what belongs to none. */
  readonly repositoryId: number;
  /** Epoch milliseconds. */
  readonly reviewAfter: number;
  readonly event: ReviewEvent;
  /** How many reviews in a row have failed since the last event. */
  readonly failures: number;
  readonly lastError: string | undefined;
}

/** One that is ours for a while. */
export interface ClaimedReview extends Review {
  /** Epoch milliseconds. */
  readonly claimedUntil: number;
}

export interface Due {
  /** True: reviews whose time has not come are taken as well, but for those that failed before or wait for another delay. */
  readonly isEarly: boolean;
  /** Manifests and links are taken of this repository alone, the others of these digests alone. Undefined: of all. */
  readonly repositoryId?: number | undefined;
  readonly digests?: readonly Digest[] | undefined;
  readonly limit: number;
  /** How many are passed over; only in a transaction that sees the same all the time. */
  readonly offset?: number;
}

export interface QueueState {
  readonly length: number;
  readonly due: number;
  /** When the review that waits longest could have been made; undefined: none waits. Epoch milliseconds. */
  readonly oldestAt: number | undefined;
  readonly failing: number;
}

const tables: Readonly<Record<ReviewKind, ReviewQueueName>> = {
  manifest: 'manifestReviews',
  link: 'linkReviews',
  blob: 'blobReviews',
  payload: 'payloadReviews',
};

export const reviewKinds: readonly ReviewKind[] = ['manifest', 'link', 'blob', 'payload'];

/** Counting all of a long queue would take long. */
export const maxCounted = 100_000;

const columns = ['digest', 'reviewAfter', 'event', 'reviewCount as failures', 'lastError'] as const;

export class ReviewQueue {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
  }

  /** Those that wait longest first; nothing is changed. */
  list(kind: ReviewKind, due: Due): Promise<readonly Review[]> {
    return this.#select(this.#reading, kind, due);
  }

  /** As {@link list}, and they are ours for so long. Waits for nobody: what others have is passed over. */
  async claim(kind: ReviewKind, due: Due, forMs: number): Promise<readonly ClaimedReview[]> {
    // A look costs nothing; a transaction of SQLite would keep others from writing.
    if ((await this.#select(this.#db, kind, { ...due, limit: 1 })).length === 0) return [];
    return inTransaction(this.#db, async (tx) => {
      const claimedUntil = this.#now() + forMs;
      const reviews = await this.#select(tx, kind, due, true);
      for (const review of reviews)
        await tx
          .updateTable(tables[kind])
          .set({ claimedUntil })
          .where((eb) => isOf(eb, review))
          .execute();
      return reviews.map((review) => ({ ...review, claimedUntil }));
    });
  }

  async #select(
    db: Kysely<Tables>,
    kind: ReviewKind,
    due: Due,
    isClaiming = false,
  ): Promise<readonly Review[]> {
    const now = this.#now();
    const { isEarly, repositoryId, digests, limit, offset } = due;
    const ofRepository = isOfRepository(kind);
    if (!ofRepository && digests?.length === 0) return [];
    let query = db
      .selectFrom(tables[kind])
      .select(columns)
      .select((ofRepository ? sql.ref<number>('repositoryId') : sql.lit(0)).as('repositoryId'))
      .where((eb) => eb.or([eb('claimedUntil', 'is', null), eb('claimedUntil', '<=', now)]))
      .orderBy('reviewAfter')
      .orderBy('digest')
      .limit(limit);
    if (offset !== undefined) query = query.offset(offset);
    query = isEarly
      ? query.where((eb) =>
          eb.or([
            eb('reviewAfter', '<=', now),
            eb.and([eb('event', '<>', 'untagged'), eb('reviewCount', '=', 0)]),
          ]),
        )
      : query.where('reviewAfter', '<=', now);
    if (ofRepository && repositoryId !== undefined)
      query = query.where(sql<SqlBool>`repository_id = ${repositoryId}`);
    if (!ofRepository && digests) query = query.where('digest', 'in', digests);
    const rows = await (isClaiming ? query.forUpdate().skipLocked() : query).execute();
    return rows.map((row) => ({ kind, ...row }));
  }

  /** Whether it is still ours: part of the transaction that acts on it, in which no event can postpone it any more. */
  async isOurs(review: ClaimedReview): Promise<boolean> {
    const row = await this.#db
      .selectFrom(tables[review.kind])
      .select('claimedUntil')
      .where((eb) => isOf(eb, review))
      .forUpdate()
      .executeTakeFirst();
    return row?.claimedUntil === review.claimedUntil;
  }

  /** Removes a review that was decided. */
  async remove(review: Review): Promise<void> {
    await this.#db
      .deleteFrom(tables[review.kind])
      .where((eb) => isOf(eb, review))
      .execute();
  }

  /** Lets a review wait until then, when it can be decided. */
  async postpone(review: Review, reviewAfter: number): Promise<void> {
    await this.#db
      .updateTable(tables[review.kind])
      .set({
        reviewAfter,
        event: 'untagged',
        claimedUntil: null,
        reviewCount: 0,
        lastError: null,
      })
      .where((eb) => isOf(eb, review))
      .execute();
  }

  /** Gives claims up, so that others need not wait until they are over. */
  async release(reviews: readonly ClaimedReview[]): Promise<void> {
    for (const review of reviews)
      await this.#db
        .updateTable(tables[review.kind])
        .set({ claimedUntil: null })
        .where((eb) => isOf(eb, review))
        .where('claimedUntil', '=', review.claimedUntil)
        .execute();
  }

  /** Notes that a review failed, and lets it be tried again then. */
  async fail(review: ClaimedReview, error: string, reviewAfter: number): Promise<void> {
    await this.#db
      .updateTable(tables[review.kind])
      .set((eb) => ({
        reviewAfter,
        claimedUntil: null,
        reviewCount: eb('reviewCount', '+', 1),
        lastError: error,
      }))
      .where((eb) => isOf(eb, review))
      .where('claimedUntil', '=', review.claimedUntil)
      .execute();
  }

  async find(kind: ReviewKind, digest: Digest, repositoryId = 0): Promise<Review | undefined> {
    const row = await this.#db
      .selectFrom(tables[kind])
      .select(columns)
      .where((eb) => isOf(eb, { kind, digest, repositoryId }))
      .executeTakeFirst();
    return row && { kind, repositoryId, ...row };
  }

  /** The state of the queue, as far as the first {@link maxCounted} reviews say. */
  describe(kind: ReviewKind): Promise<QueueState> {
    const now = this.#now();
    return this.#reading
      .selectFrom((eb) =>
        eb
          .selectFrom(tables[kind])
          .select(['reviewAfter', 'reviewCount'])
          .orderBy('reviewAfter')
          .limit(maxCounted)
          .as('waiting'),
      )
      .select((eb) => [
        eb.fn.countAll<number>().as('length'),
        sql<number | undefined>`min(review_after)`.as('oldestAt'),
        eb.fn.countAll<number>().filterWhere('reviewAfter', '<=', now).as('due'),
        eb.fn.countAll<number>().filterWhere('reviewCount', '>', 0).as('failing'),
      ])
      .executeTakeFirstOrThrow();
  }
}

function isOfRepository(kind: ReviewKind): boolean {
  return kind === 'manifest' || kind === 'link';
}

function isOf(
  eb: ExpressionBuilder<Tables, ReviewQueueName>,
  { kind, digest, repositoryId }: Pick<Review, 'kind' | 'digest' | 'repositoryId'>,
) {
  const isDigest = eb('digest', '=', digest);
  return isOfRepository(kind) ? eb.and([isDigest, sql<SqlBool>`repository_id = ${repositoryId}`]) : isDigest;
}
