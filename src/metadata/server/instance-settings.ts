/** Settings of the whole installation that are changed while it runs; every process reads the same. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/tables.ts';

/** Facts about this installation, such as that the first start is over, and settings that are changed while it runs. */
export interface InstanceTable {
  /** The primary key. */
  key: string;
  value: string;
}

export class InstanceSettings {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async get(key: string): Promise<string | undefined> {
    const query = this.#db.selectFrom('instance').select('value').where('key', '=', key);
    return (await query.executeTakeFirst())?.value;
  }

  /** Those that are set. */
  async list(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const query = this.#db.selectFrom('instance').select(['key', 'value']).where('key', 'in', keys);
    return new Map((await query.execute()).map(({ key, value }) => [key, value]));
  }

  /** Sets the value unless there is one already. @returns the one that there is now */
  async keep(key: string, value: string): Promise<string> {
    await this.#db
      .insertInto('instance')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute();
    return (await this.get(key)) ?? value;
  }

  /** @param value undefined: as if it had never been set */
  async set(key: string, value: string | undefined): Promise<void> {
    if (value === undefined) {
      await this.#db.deleteFrom('instance').where('key', '=', key).execute();
      return;
    }
    await this.#db
      .insertInto('instance')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute();
  }
}
