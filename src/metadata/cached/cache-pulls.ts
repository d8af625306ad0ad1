/** How many pulls of each day the cache answered, and how many it could not. */
import { type Kysely, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import { sumOf } from '../db/sum.ts';
import type { RecordOf, Tables } from '../db/tables.ts';

/** The pulls of a top-level group on one day. primary key (groupId, day) */
export interface CachePullTable {
  groupId: number;
  /** Days since 1970. */
  day: number;
  /** Pulls that the cache answered. */
  hits: number;
  misses: number;
}

export type GroupPulls = Omit<RecordOf<CachePullTable>, 'day'>;
export type PullCounts = Omit<GroupPulls, 'groupId'>;

const dayMs = 24 * 60 * 60 * 1000;
const keptDays = 90;

export class CachePulls {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Adds to the counts of today. Groups that are gone are left out. */
  add(pulls: readonly GroupPulls[]): Promise<void> {
    const day = this.#today();
    return inTransaction(this.#db, async (tx) => {
      for (const { groupId, hits, misses } of [...pulls].sort((a, b) => a.groupId - b.groupId)) {
        const group = tx.selectFrom('groups').select('id').where('id', '=', groupId).forKeyShare();
        if (!(await group.executeTakeFirst())) continue;
        await tx
          .insertInto('cachePulls')
          .values({ groupId, day, hits, misses })
          .onConflict((conflict) =>
            conflict.columns(['groupId', 'day']).doUpdateSet({
              hits: sql<number>`cache_pulls.hits + ${hits}`,
              misses: sql<number>`cache_pulls.misses + ${misses}`,
            }),
          )
          .execute();
      }
    });
  }

  /** The sum of the last days, today among them. */
  sum(groupId: number, days: number): Promise<PullCounts> {
    return this.#db
      .selectFrom('cachePulls')
      .select((eb) => [sumOf(eb.ref('hits')).as('hits'), sumOf(eb.ref('misses')).as('misses')])
      .where('groupId', '=', groupId)
      .where('day', '>', this.#today() - days)
      .executeTakeFirstOrThrow();
  }

  /** Removes days that nobody asks for any more. */
  async forgetOld(): Promise<void> {
    await this.#db
      .deleteFrom('cachePulls')
      .where('day', '<', this.#today() - keptDays)
      .execute();
  }

  #today(): number {
    return Math.floor(this.#now() / dayMs);
  }
}
