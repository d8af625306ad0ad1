/** How much each top-level group may cache, and what was evicted last to keep to it. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/schema.ts';

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
    const query = this.#db.selectFrom('group_caches').selectAll().where('group_id', '=', groupId);
    const row = await query.executeTakeFirst();
    return row ? fromRow(row) : untouched;
  }

  /** Those that have a limit of their own. */
  async listLimited(): Promise<readonly LimitedGroup[]> {
    const rows = await this.#db
      .selectFrom('group_caches')
      .select(['group_id', 'max_bytes'])
      .where('max_bytes', 'is not', null)
      .orderBy('group_id')
      .execute();
    return rows.flatMap(({ group_id, max_bytes }) =>
      max_bytes === null ? [] : [{ groupId: group_id, maxBytes: max_bytes }],
    );
  }

  /** @throws MissingOwner */
  async setMaxBytes(groupId: number, maxBytes: number | undefined): Promise<void> {
    const max_bytes = maxBytes ?? null;
    await this.#db
      .insertInto('group_caches')
      .values({ group_id: groupId, max_bytes, evicted_at: null })
      .onConflict((conflict) => conflict.column('group_id').doUpdateSet({ max_bytes }))
      .execute();
  }

  /** Adds to what the run that began at `at` has evicted. @throws MissingOwner */
  noteEviction(groupId: number, at: number, entries: number, bytes: number): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      await tx
        .insertInto('group_caches')
        .values({
          group_id: groupId,
          max_bytes: null,
          evicted_at: at,
          evicted_entries: entries,
          evicted_bytes: bytes,
        })
        .onConflict((conflict) =>
          conflict.column('group_id').doUpdateSet({
            evicted_at: at,
            evicted_entries: sql<number>`case when group_caches.evicted_at = ${at} then group_caches.evicted_entries else 0 end + ${entries}`,
            evicted_bytes: sql<number>`case when group_caches.evicted_at = ${at} then group_caches.evicted_bytes else 0 end + ${bytes}`,
          }),
        )
        .execute();
    });
  }
}

function fromRow(row: Selectable<Tables['group_caches']>): GroupCache {
  return {
    maxBytes: row.max_bytes ?? undefined,
    evictedAt: row.evicted_at ?? undefined,
    evictedEntries: row.evicted_entries,
    evictedBytes: row.evicted_bytes,
  };
}
