/** How many distinct bytes the entries of virtual registries link, in a group and in all: kept by triggers, read as a short sum. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { sumOf } from '../db/sum.ts';
import type { Tables } from '../db/tables.ts';

/**
 * How many blob entries link a blob, in a top-level group, and in all (scope 0): kept by triggers on cache_entries, so that
 * whatever adds or removes entries counts. A row goes with its last entry. primary key (scope, digest)
 */
export interface CachedBlobTable {
  /** A group's id, or 0 for all. */
  scope: number;
  digest: Digest;
  size: number;
  entries: number;
}

/** What was added to or removed from the distinct bytes of a scope; the sum is its size. Folded from time to time. index on scope */
export interface CacheSizeChangeTable {
  id: Generated<number>;
  scope: number;
  bytes: number;
}

/** Blobs that are about to be linked, or wait for room; and those that have no record any more and are on the disk yet. index on scope */
export interface CacheReservationTable {
  id: Generated<number>;
  /** As of {@link CachedBlobTable}, or {@link leavingScope}. */
  scope: number;
  bytes: number;
  /** Who made it is taken for dead from then on. */
  expiresAt: number;
}

/** A top-level group's id, or all of the cache. */
export type CacheScope = number | 'all';

const foldedAtOnce = 5000;
const leavingScope = -1;

export class CacheSizes {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
  }

  /** Each blob counted once, however many entries link it; manifests do not count. */
  async bytesOf(scope: CacheScope): Promise<number> {
    const { bytes } = await this.#db
      .selectFrom('cacheSizeChanges')
      .select((eb) => sumOf(eb.ref('bytes')).as('bytes'))
      .where('scope', '=', numberOf(scope))
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /**
   * The bytes that are linked, and those that room is reserved for.
   * @param reservation counts this reservation and those before it alone
   */
  async demandOn(scope: CacheScope, reservation?: number): Promise<number> {
    let query = this.#reserved(this.#db, numberOf(scope));
    if (reservation !== undefined) query = query.where('id', '<=', reservation);
    const { bytes } = await query.executeTakeFirstOrThrow();
    return bytes + (await this.bytesOf(scope));
  }

  /** The bytes of blobs that no entry links and that are due to be collected, and of those that were and are on the disk yet. */
  async leavingBytes(): Promise<number> {
    const { bytes } = await this.#reading
      .selectFrom('blobReviews')
      .innerJoin('blobs', 'blobs.digest', 'blobReviews.digest')
      .select((eb) =>
        sql<number>`${sumOf(eb.ref('blobs.size'))} + ${this.#reserved(this.#reading, leavingScope)}`.as(
          'bytes',
        ),
      )
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

  #reserved(db: Kysely<Tables>, scope: number) {
    return db
      .selectFrom('cacheReservations')
      .select((eb) => sumOf(eb.ref('bytes')).as('bytes'))
      .where('scope', '=', scope)
      .where('expiresAt', '>', this.#now());
  }

  /** @param expiresAt epoch milliseconds. @returns its number: later ones are higher */
  reserve(scope: CacheScope, bytes: number, expiresAt: number): Promise<number> {
    return this.#reserve(numberOf(scope), bytes, expiresAt);
  }

  /**
   * Part of the transaction that removes the record of these bytes: they leave until they are released.
   * @param expiresAt epoch milliseconds. @returns the number to release them by
   */
  addLeaving(bytes: number, expiresAt: number): Promise<number> {
    return this.#reserve(leavingScope, bytes, expiresAt);
  }

  async #reserve(scope: number, bytes: number, expiresAt: number): Promise<number> {
    const { id } = await this.#db
      .insertInto('cacheReservations')
      .values({ scope, bytes, expiresAt })
      .returning('id')
      .executeTakeFirstOrThrow();
    return id;
  }

  async release(reservations: readonly number[]): Promise<void> {
    if (reservations.length === 0) return;
    await this.#db.deleteFrom('cacheReservations').where('id', 'in', reservations).execute();
  }

  /** The bytes of those of the digests that are cached blobs. */
  async sumOf(scope: CacheScope, digests: ReadonlySet<Digest>): Promise<number> {
    let sum = 0;
    for (const batch of inBatches([...digests])) {
      const { bytes } = await this.#db
        .selectFrom('cachedBlobs')
        .select((eb) => sumOf(eb.ref('size')).as('bytes'))
        .where('scope', '=', numberOf(scope))
        .where('digest', 'in', batch)
        .executeTakeFirstOrThrow();
      sum += bytes;
    }
    return sum;
  }

  /** Adds up changes, so that there are few to sum. */
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
