/** How much each top-level group may cache, and what was evicted last to keep to it. */
import { type Generated, type Kysely, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** primary key groupId */
export interface GroupCacheTable {
  groupId: number;
  /** Undefined: only the limit of the whole cache counts. */
  maxBytes: Optional<number>;
  /** When entries were evicted last for room, whichever limit asked for it; undefined: never. */
  evictedAt: Optional<number>;
  /** What the run of that time evicted. */
  evictedEntries: Generated<number>;
  evictedBytes: Generated<number>;
}

export type GroupCache = Omit<RecordOf<GroupCacheTable>, 'groupId'>;

export interface LimitedGroup {
  readonly groupId: number;
  readonly maxBytes: number;
}

const untouched: GroupCache = {
  maxBytes: undefined,
  evictedAt: undefined,
  evictedEntries: 0,
  evictedBytes: 0,
};

export class GroupCaches {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(groupId: number): Promise<GroupCache> {
    const found = await this.#db
      .selectFrom('groupCaches')
      .select(['maxBytes', 'evictedAt', 'evictedEntries', 'evictedBytes'])
      .where('groupId', '=', groupId)
      .executeTakeFirst();
    return found ?? untouched;
  }

  /** Those that have a limit of their own. */
  listLimited(): Promise<readonly LimitedGroup[]> {
    return this.#db
      .selectFrom('groupCaches')
      .select(['groupId', 'maxBytes'])
      .where('maxBytes', 'is not', null)
      .$narrowType<{ maxBytes: number }>()
      .orderBy('groupId')
      .execute();
  }

  /** @throws MissingOwner */
  async setMaxBytes(groupId: number, maxBytes: number | undefined): Promise<void> {
    await this.#db
      .insertInto('groupCaches')
      .values({ groupId, maxBytes })
      .onConflict((conflict) =>
        conflict.column('groupId').doUpdateSet((eb) => ({ maxBytes: eb.ref('excluded.maxBytes') })),
      )
      .execute();
  }

  /** Adds to what the run that began at `at` has evicted. @throws MissingOwner */
  noteEviction(groupId: number, at: number, entries: number, bytes: number): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      await tx
        .insertInto('groupCaches')
        .values({ groupId, evictedAt: at, evictedEntries: entries, evictedBytes: bytes })
        .onConflict((conflict) =>
          conflict.column('groupId').doUpdateSet({
            evictedAt: at,
            evictedEntries: sql<number>`case when group_caches.evicted_at = ${at} then group_caches.evicted_entries else 0 end + ${entries}`,
            evictedBytes: sql<number>`case when group_caches.evicted_at = ${at} then group_caches.evicted_bytes else 0 end + ${bytes}`,
          }),
        )
        .execute();
    });
  }
}
