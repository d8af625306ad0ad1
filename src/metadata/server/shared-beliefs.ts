/** What processes believe, and tell each other through their records where there is no Redis. All of it may be lost. */
import { type Generated, type Kysely, sql } from 'kysely';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

/** In the order in which it was told; what is told last of a key holds. */
export interface SharedBeliefTable {
  id: Generated<number>;
  key: string;
  value: string;
  /** Epoch milliseconds. */
  endsAt: number;
}

export interface SharedCountTable {
  /** The primary key. */
  key: string;
  total: number;
  /** Epoch milliseconds; it begins again at nothing then. */
  endsAt: number;
}

interface Belief {
  readonly key: string;
  readonly value: string;
  readonly endsAt: number;
}

/** What one process hears at once. */
const maxHeard = 1000;

export class SharedBeliefs {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** @param beliefs at most a hundred, one at least */
  async tell(beliefs: readonly Belief[]): Promise<void> {
    await this.#db.insertInto('sharedBeliefs').values(beliefs).execute();
  }

  /** What was told since, the oldest first. What is told at the same moment may be missed, once in a long while. */
  hear(sinceId: number): Promise<readonly (Belief & { readonly id: number })[]> {
    return this.#db
      .selectFrom('sharedBeliefs')
      .selectAll()
      .where('id', '>', sinceId)
      .orderBy('id')
      .limit(maxHeard)
      .execute();
  }

  /** How each count stands after what was added. @param changes by key; may be negative */
  async count(
    changes: ReadonlyMap<string, number>,
    windowMs: number,
  ): Promise<ReadonlyMap<string, { readonly total: number; readonly endsInMs: number }>> {
    const now = this.#now();
    // In one order, so that no two processes wait for each other.
    const values = [...changes]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, total]) => ({ key, total, endsAt: now + windowMs }));
    const counts = new Map<string, { readonly total: number; readonly endsInMs: number }>();
    for (const batch of inBatches(values)) {
      const rows = await this.#db
        .insertInto('sharedCounts')
        .values(batch)
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            total: sql<number>`excluded.total + case when shared_counts.ends_at > ${now} then shared_counts.total else 0 end`,
            endsAt: sql<number>`case when shared_counts.ends_at > ${now} then shared_counts.ends_at else excluded.ends_at end`,
          }),
        )
        .returning(['key', 'total', 'endsAt'])
        .execute();
      for (const { key, total, endsAt } of rows) counts.set(key, { total, endsInMs: endsAt - now });
    }
    return counts;
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    const now = this.#now();
    await this.#db.deleteFrom('sharedBeliefs').where('endsAt', '<=', now).execute();
    await this.#db.deleteFrom('sharedCounts').where('endsAt', '<=', now).execute();
  }
}
