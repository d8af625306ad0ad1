/** The processes that share these records: each says from time to time that it lives, and is taken for dead when it has not for long. */
import type { Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

export interface ProcessTable {
  /** The primary key; another one after each start. */
  id: string;
  /** Of its host, for people to see. */
  name: string;
  version: string;
  /** Where other processes reach it, as host:port; undefined: they do not. */
  address: Optional<string>;
  startedAt: number;
  lastSeenAt: number;
}

export type ProcessRecord = RecordOf<ProcessTable>;

/** How long one that says nothing counts as living. */
const staleProcessMs = 30_000;

export class Processes {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** It lives now, which is told anew where others have taken it for dead. Those that are dead are removed. */
  async beat(self: Omit<ProcessRecord, 'lastSeenAt'>): Promise<void> {
    const lastSeenAt = this.#now();
    await this.#db
      .insertInto('processes')
      .values({ ...self, lastSeenAt })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ lastSeenAt }))
      .execute();
    await this.#db
      .deleteFrom('processes')
      .where('lastSeenAt', '<=', lastSeenAt - staleProcessMs)
      .execute();
  }

  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom('processes').where('id', '=', id).execute();
  }

  /** Those that live, the oldest first. */
  async list(): Promise<readonly ProcessRecord[]> {
    const living = await this.#db
      .selectFrom('processes')
      .selectAll()
      .where('lastSeenAt', '>', this.#now() - staleProcessMs)
      .orderBy('id')
      .execute();
    return living.toSorted((one, other) => one.startedAt - other.startedAt);
  }
}
