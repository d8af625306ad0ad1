/** How many distinct bytes the entries of virtual registries link, in a group and in all: kept by triggers, read as a short sum. */
import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';

/** A top-level group's id, or all of the cache. */
export type CacheScope = number | 'all';

const foldedAtOnce = 5000;

export class CacheSizes {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Each blob counted once, however many entries link it; manifests do not count. */
  async bytesOf(scope: CacheScope): Promise<number> {
    const { bytes } = await this.#db
      .selectFrom('cacheSizeChanges')
      .select(sql<number>`cast(coalesce(sum(bytes), 0) as bigint)`.as('bytes'))
      .where('scope', '=', numberOf(scope))
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /**
   * What is linked and what room is reserved for.
   * @param reservation only those that were made before this one, and this one
   */
  async demandOn(scope: CacheScope, reservation?: number): Promise<number> {
    let query = this.#db
      .selectFrom('cacheReservations')
      .select(sql<number>`cast(coalesce(sum(bytes), 0) as bigint)`.as('bytes'))
      .where('scope', '=', numberOf(scope))
      .where('expiresAt', '>', this.#now());
    if (reservation !== undefined) query = query.where('id', '<=', reservation);
    const { bytes } = await query.executeTakeFirstOrThrow();
    return bytes + (await this.bytesOf(scope));
  }

  /** Of blobs that no entry links, and whose turn to be collected has come. */
  async leavingBytes(): Promise<number> {
    const { bytes } = await this.#db
      .selectFrom('blobReviews')
      .innerJoin('blobs', 'blobs.digest', 'blobReviews.digest')
      .select(sql<number>`cast(coalesce(sum(blobs.size), 0) as bigint)`.as('bytes'))
      .where('blobReviews.reviewAfter', '<=', this.#now())
      .where('blobReviews.event', '=', 'entry_evict')
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('cachedBlobs')
              .select('cachedBlobs.digest')
              .where('cachedBlobs.scope', '=', numberOf('all'))
              .whereRef('cachedBlobs.digest', '=', 'blobs.digest'),
          ),
        ),
      )
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /** @param expiresAt epoch milliseconds. @returns its number: later ones are higher */
  async reserve(scope: CacheScope, bytes: number, expiresAt: number): Promise<number> {
    const { id } = await this.#db
      .insertInto('cacheReservations')
      .values({ scope: numberOf(scope), bytes, expiresAt })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  async release(reservations: readonly number[]): Promise<void> {
    if (reservations.length === 0) return;
    await this.#db.deleteFrom('cacheReservations').where('id', 'in', reservations).execute();
  }

  /** Of these digests, of which a blob may be cached. */
  async sumOf(scope: CacheScope, digests: ReadonlySet<Digest>): Promise<number> {
    let sum = 0;
    for (const batch of inBatches([...digests])) {
      const { bytes } = await this.#db
        .selectFrom('cachedBlobs')
        .select(sql<number>`cast(coalesce(sum(size), 0) as bigint)`.as('bytes'))
        .where('scope', '=', numberOf(scope))
        .where('digest', 'in', batch)
        .executeTakeFirstOrThrow();
      sum += bytes;
    }
    return sum;
  }

  /** Makes the sums short again. */
  async fold(): Promise<void> {
    await inTransaction(this.#db, async (tx) => {
      await tx.deleteFrom('cacheReservations').where('expiresAt', '<=', this.#now()).execute();
      const taken = await tx
        .deleteFrom('cacheSizeChanges')
        .where('id', 'in', (eb) =>
          eb.selectFrom('cacheSizeChanges').select('id').orderBy('id').limit(foldedAtOnce),
        )
        .returning(['scope', 'bytes'])
        .execute();
      const sums = new Map<number, number>();
      for (const { scope, bytes } of taken) sums.set(scope, (sums.get(scope) ?? 0) + bytes);
      const left = [...sums].filter(([, bytes]) => bytes !== 0);
      if (left.length > 0)
        await tx
          .insertInto('cacheSizeChanges')
          .values(left.map(([scope, bytes]) => ({ scope, bytes })))
          .execute();
    });
  }
}

export function numberOf(scope: CacheScope): number {
  return scope === 'all' ? 0 : scope;
}
