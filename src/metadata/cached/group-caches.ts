/** How much each top-level group may cache, and what was evicted last to keep to it. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';

export interface GroupCache {
  /** Undefined: only the limit of the whole cache counts. */
  readonly maxBytes: number | undefined;
  /** For room, whichever limit asked for it; undefined: never. Epoch milliseconds. */
  readonly evictedAt: number | undefined;
  /** By the run of that time. */
  readonly evictedEntries: number;
  readonly evictedBytes: number;
}

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
    const query = this.#db.selectFrom('groupCaches').selectAll().where('groupId', '=', groupId);
    const row = await query.executeTakeFirst();
    return row ? fromRow(row) : untouched;
  }

  /** Those that have a limit of their own. */
  async listLimited(): Promise<readonly LimitedGroup[]> {
    const rows = await this.#db
      .selectFrom('groupCaches')
      .select(['groupId', 'maxBytes'])
      .where('maxBytes', 'is not', null)
      .orderBy('groupId')
      .execute();
    return rows.flatMap(({ groupId, maxBytes }) => (maxBytes === undefined ? [] : [{ groupId, maxBytes }]));
  }

  /** @throws MissingOwner */
  async setMaxBytes(groupId: number, maxBytes: number | undefined): Promise<void> {
    await this.#db
      .insertInto('groupCaches')
      .values({ groupId, maxBytes })
      .onConflict((conflict) => conflict.column('groupId').doUpdateSet({ maxBytes: maxBytes ?? null }))
      .execute();
  }

  /** Adds to what the run that began at `at` has evicted. @throws MissingOwner */
  noteEviction(groupId: number, at: number, entries: number, bytes: number): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      await tx
        .insertInto('groupCaches')
        .values({
          groupId,
          maxBytes: null,
          evictedAt: at,
          evictedEntries: entries,
          evictedBytes: bytes,
        })
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

function fromRow(row: Selectable<Tables['groupCaches']>): GroupCache {
  return {
    maxBytes: row.maxBytes ?? undefined,
    evictedAt: row.evictedAt ?? undefined,
    evictedEntries: row.evictedEntries,
    evictedBytes: row.evictedBytes,
  };
}
