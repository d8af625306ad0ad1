/**
 * What waits for the collector, as its workers take it. A row is claimed for a while, which two workers never do at once; whoever died
 * with a claim is followed by another. A later event ends the claim: it is asked for again before anything is done.
 */
import { type ExpressionBuilder, type Kysely, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';
import type { ReviewQueueName } from './enqueue-reviews.ts';
import type { ReviewEvent } from './schema-collector.ts';

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
  /** In a row, since the last event. */
  readonly failures: number;
  readonly lastError: string | undefined;
  /** Until when it is ours; undefined: it was only read. Epoch milliseconds. */
  readonly claimedUntil: number | undefined;
}

export interface Due {
  /** All that wait, whether or not their time has come; of what failed, or waits for longer than that, only what is due. */
  readonly isEarly: boolean;
  /** Only of this repository, for manifests and links; of these digests, for the others. Undefined: of all. */
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

/** All of a long queue would take long. */
export const maxCounted = 100_000;

interface Row {
  readonly digest: string;
  readonly repositoryId: number;
  readonly reviewAfter: number;
  readonly event: ReviewEvent;
  readonly reviewCount: number;
  readonly lastError: string | undefined;
  readonly claimedUntil: number | undefined;
}

export class ReviewQueue {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Those that wait longest first; nothing is changed. */
  async list(kind: ReviewKind, due: Due): Promise<readonly Review[]> {
    return (await this.#select(this.#db, kind, due)).map((row) => reviewOf(kind, row));
  }

  /** As {@link list}, and they are ours for so long. Waits for nobody: what others have is passed over. */
  async claim(kind: ReviewKind, due: Due, forMs: number): Promise<readonly Review[]> {
    // A look costs nothing; a transaction of SQLite would keep others from writing.
    if ((await this.#select(this.#db, kind, { ...due, limit: 1 })).length === 0) return [];
    return inTransaction(this.#db, async (tx) => {
      const claimed: Review[] = [];
      const claimedUntil = this.#now() + forMs;
      for (const row of await this.#select(tx, kind, due, true)) {
        const review = reviewOf(kind, { ...row, claimedUntil });
        await tx
          .updateTable(tables[kind])
          .set({ claimedUntil })
          .where((eb) => isOf(eb, review))
          .execute();
        claimed.push(review);
      }
      return claimed;
    });
  }

  async #select(db: Kysely<Tables>, kind: ReviewKind, due: Due, isClaiming = false): Promise<readonly Row[]> {
    const now = this.#now();
    const { isEarly, repositoryId, digests, limit, offset } = due;
    const ofRepository = isOfRepository(kind);
    if (!ofRepository && digests?.length === 0) return [];
    let query = db
      .selectFrom(tables[kind])
      .select(['digest', 'reviewAfter', 'event', 'reviewCount', 'lastError', 'claimedUntil'])
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
    return (isClaiming ? query.forUpdate().skipLocked() : query).execute();
  }

  /** Whether it is still ours: part of the transaction that acts on it, in which no event can postpone it any more. */
  async isOurs(review: Review): Promise<boolean> {
    const row = await this.#db
      .selectFrom(tables[review.kind])
      .select('claimedUntil')
      .where((eb) => isOf(eb, review))
      .forUpdate()
      .executeTakeFirst();
    return row !== undefined && row.claimedUntil === (review.claimedUntil ?? null);
  }

  /** It is decided. */
  async remove(review: Review): Promise<void> {
    await this.#db
      .deleteFrom(tables[review.kind])
      .where((eb) => isOf(eb, review))
      .execute();
  }

  /** It can be decided then. */
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

  /** For others, who need not wait until the claims are over. */
  async release(reviews: readonly Review[]): Promise<void> {
    for (const review of reviews)
      await this.#db
        .updateTable(tables[review.kind])
        .set({ claimedUntil: null })
        .where((eb) => isOf(eb, review))
        .where('claimedUntil', '=', review.claimedUntil ?? null)
        .execute();
  }

  /** It could not be decided: tried again then. */
  async fail(review: Review, error: string, reviewAfter: number): Promise<void> {
    await this.#db
      .updateTable(tables[review.kind])
      .set((eb) => ({
        reviewAfter,
        claimedUntil: null,
        reviewCount: eb('reviewCount', '+', 1),
        lastError: error,
      }))
      .where((eb) => isOf(eb, review))
      .where('claimedUntil', '=', review.claimedUntil ?? null)
      .execute();
  }

  async find(kind: ReviewKind, digest: Digest, repositoryId = 0): Promise<Review | undefined> {
    const row = await this.#db
      .selectFrom(tables[kind])
      .select(['digest', 'reviewAfter', 'event', 'reviewCount', 'lastError', 'claimedUntil'])
      .select(sql.lit(repositoryId).as('repositoryId'))
      .where((eb) => isOf(eb, { kind, digest, repositoryId }))
      .executeTakeFirst();
    return row && reviewOf(kind, row);
  }

  /** Of the first {@link maxCounted} that wait. */
  async describe(kind: ReviewKind): Promise<QueueState> {
    const now = this.#now();
    const { length, due, oldest, failing } = await this.#db
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
        eb.fn.min<number | null>('reviewAfter').as('oldest'),
        sql<number | undefined>`sum(case when review_after <= ${now} then 1 else 0 end)`.as('due'),
        sql<number | undefined>`sum(case when review_count > 0 then 1 else 0 end)`.as('failing'),
      ])
      .executeTakeFirstOrThrow();
    return { length, due: due ?? 0, oldestAt: oldest ?? undefined, failing: failing ?? 0 };
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

/** Digests were parsed before they were recorded. */
function reviewOf(kind: ReviewKind, row: Row): Review {
  return {
    kind,
    digest: row.digest as Digest,
    repositoryId: row.repositoryId,
    reviewAfter: row.reviewAfter,
    event: row.event,
    failures: row.reviewCount,
    lastError: row.lastError ?? undefined,
    claimedUntil: row.claimedUntil ?? undefined,
  };
}
