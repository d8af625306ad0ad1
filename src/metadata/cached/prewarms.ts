/** Images that are fetched into the cache of a virtual registry before anybody asks for them, and how far that is, image by image. */
import { type Generated, type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import { sumOf } from '../db/sum.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** indexes on registryId and on nextRunAt */
export interface PrewarmTable {
  id: Generated<number>;
  registryId: number;
  /** As `linux/arm64`; empty: all. */
  platforms: readonly string[];
  /** Undefined: once. */
  everyHours: Optional<number>;
  createdAt: number;
  /** When the last run began; epoch milliseconds, as all instants here. */
  startedAt: number;
  nextRunAt: Optional<number>;
}

/** indexes on prewarmId and on dueAt */
export interface PrewarmImageTable {
  id: Generated<number>;
  prewarmId: number;
  /** `name:tag` or `name@digest`. */
  image: string;
  /** From when on it may be tried; undefined: it is done, or has failed. */
  dueAt: Optional<number>;
  /** How often it was tried in this run, and no upstream could be asked. */
  tries: Generated<number>;
  /** Why it has failed, or why it waits. */
  reason: Optional<string>;
  /** What was fetched for it in this run. */
  bytes: Generated<number>;
  endedAt: Optional<number>;
}

export type PrewarmImage = RecordOf<PrewarmImageTable>;

export interface Prewarm extends RecordOf<PrewarmTable> {
  readonly waiting: number;
  readonly done: number;
  readonly failed: number;
  /** What was fetched in this run. */
  readonly bytes: number;
  /** Undefined while images wait. */
  readonly endedAt: number | undefined;
}

export interface NewPrewarm {
  readonly registryId: number;
  readonly platforms: readonly string[];
  readonly everyHours?: number | undefined;
}

/** An image whose turn it is, with what was asked for. */
export type DueImage = Pick<PrewarmImage, 'id' | 'prewarmId' | 'image' | 'tries'> &
  Pick<Prewarm, 'registryId' | 'platforms'> & { readonly groupId: number };

const hourMs = 3_600_000;

export class Prewarms {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** All of its images are due. Part of a transaction. @throws MissingOwner */
  async create(prewarm: NewPrewarm, images: readonly string[]): Promise<number> {
    const now = this.#now();
    const { everyHours } = prewarm;
    const { id } = await this.#db
      .insertInto('prewarms')
      .values({
        ...prewarm,
        createdAt: now,
        startedAt: now,
        nextRunAt: everyHours === undefined ? undefined : now + everyHours * hourMs,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const batch of inBatches(images))
      await this.#db
        .insertInto('prewarmImages')
        .values(batch.map((image) => ({ prewarmId: id, image, dueAt: now })))
        .execute();
    return id;
  }

  /** Of a registry, newest first. */
  list(registryId: number): Promise<readonly Prewarm[]> {
    return this.#select()
      .where('prewarms.registryId', '=', registryId)
      .orderBy('prewarms.id', 'desc')
      .execute();
  }

  find(registryId: number, id: number): Promise<Prewarm | undefined> {
    return this.#select()
      .where('prewarms.registryId', '=', registryId)
      .where('prewarms.id', '=', id)
      .executeTakeFirst();
  }

  /** In the order in which they were asked for. */
  listImages(prewarmId: number): Promise<readonly PrewarmImage[]> {
    return this.#db
      .selectFrom('prewarmImages')
      .selectAll()
      .where('prewarmId', '=', prewarmId)
      .orderBy('id')
      .execute();
  }

  /** False where this registry has none with this id. */
  async remove(registryId: number, id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('prewarms')
      .where('registryId', '=', registryId)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** Begins the next run of those whose time has come, and whose last one has ended. */
  async restartDue(): Promise<void> {
    const now = this.#now();
    const due = await this.#db
      .selectFrom('prewarms')
      .select('id')
      .where('nextRunAt', '<=', now)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('prewarmImages')
              .select('prewarmImages.id')
              .whereRef('prewarmImages.prewarmId', '=', 'prewarms.id')
              .where('dueAt', 'is not', null),
          ),
        ),
      )
      .execute();
    for (const { id } of due)
      await inTransaction(this.#db, async (tx) => {
        await tx
          .updateTable('prewarmImages')
          .set({ dueAt: now, tries: 0, reason: null, bytes: 0, endedAt: null })
          .where('prewarmId', '=', id)
          .execute();
        await tx
          .updateTable('prewarms')
          .set((eb) => ({
            startedAt: now,
            nextRunAt: sql<number>`cast(${now} as bigint) + ${eb.ref('everyHours')} * ${hourMs}`,
          }))
          .where('id', '=', id)
          .execute();
      });
  }

  /** Who has waited longest comes first. */
  listDue(limit: number): Promise<readonly DueImage[]> {
    return this.#db
      .selectFrom('prewarmImages')
      .innerJoin('prewarms', 'prewarms.id', 'prewarmImages.prewarmId')
      .innerJoin('virtualRegistries', 'virtualRegistries.id', 'prewarms.registryId')
      .select(['prewarmImages.id', 'prewarmId', 'image', 'tries', 'registryId', 'platforms', 'groupId'])
      .where('dueAt', '<=', this.#now())
      .orderBy('dueAt')
      .orderBy('prewarmImages.id')
      .limit(limit)
      .execute();
  }

  /** @param bytes more that were fetched for it. @returns whether it is still wanted */
  async advance(imageId: number, bytes: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('prewarmImages')
      .set((eb) => ({ bytes: eb('bytes', '+', bytes) }))
      .where('id', '=', imageId)
      .where('dueAt', 'is not', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** What was fetched for all of its images in this run. */
  async bytesOf(prewarmId: number): Promise<number> {
    const { bytes } = await this.#db
      .selectFrom('prewarmImages')
      .select((eb) => sumOf(eb.ref('bytes')).as('bytes'))
      .where('prewarmId', '=', prewarmId)
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /** @param reason why it has failed; undefined: it is done. @returns whether it was still wanted */
  async end(imageId: number, reason: string | undefined): Promise<boolean> {
    const { numUpdatedRows } = await this.#end(reason).where('id', '=', imageId).executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** All that still wait have failed. @returns how many */
  async stop(prewarmId: number, reason: string): Promise<number> {
    const stopping = this.#end(reason).where('prewarmId', '=', prewarmId);
    return Number((await stopping.executeTakeFirstOrThrow()).numUpdatedRows);
  }

  /** Of one that is still wanted. @param tries so far */
  async postpone(imageId: number, dueAt: number, tries: number, reason: string): Promise<void> {
    await this.#db
      .updateTable('prewarmImages')
      .set({ dueAt, tries, reason })
      .where('id', '=', imageId)
      .where('dueAt', 'is not', null)
      .execute();
  }

  /** Of those that wait: others may have been stopped meanwhile. */
  #end(reason: string | undefined) {
    return this.#db
      .updateTable('prewarmImages')
      .set({ dueAt: null, reason: reason ?? null, endedAt: this.#now() })
      .where('dueAt', 'is not', null);
  }

  #select(): SelectQueryBuilder<Tables, 'prewarms', Prewarm> {
    return this.#db
      .selectFrom('prewarms')
      .innerJoin('prewarmImages', 'prewarmImages.prewarmId', 'prewarms.id')
      .selectAll('prewarms')
      .select((eb) => [
        sql<number>`count(due_at)`.as('waiting'),
        sql<number>`sum(case when due_at is null and reason is null then 1 else 0 end)`.as('done'),
        sql<number>`sum(case when due_at is null and reason is not null then 1 else 0 end)`.as('failed'),
        sumOf(eb.ref('bytes')).as('bytes'),
        sql<number | undefined>`case when count(due_at) = 0 then max(ended_at) end`.as('endedAt'),
      ])
      .groupBy('prewarms.id');
  }
}
