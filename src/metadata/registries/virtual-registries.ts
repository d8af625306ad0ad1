import type { Generated, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** unique (groupId, name) */
export interface VirtualRegistryTable {
  id: Generated<number>;
  groupId: number;
  name: string;
  description: Optional<string>;
  /** Whether everyone may pull from it, whoever they are. */
  anonymousPull: Generated<boolean>;
  createdAt: number;
  updatedAt: number;
}

export type VirtualRegistry = RecordOf<VirtualRegistryTable>;

export interface NewVirtualRegistry {
  readonly groupId: number;
  readonly name: string;
  readonly description?: string | undefined;
  /** False where left out. */
  readonly anonymousPull?: boolean | undefined;
}

/** What is undefined stays as it is; null clears. */
export interface VirtualRegistryChanges {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly anonymousPull?: boolean | undefined;
}

export class VirtualRegistries {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  list(groupId: number): Promise<readonly VirtualRegistry[]> {
    const query = this.#db.selectFrom('virtualRegistries').selectAll().where('groupId', '=', groupId);
    return query.orderBy('id').execute();
  }

  async count(groupId: number): Promise<number> {
    const { count } = await this.#db
      .selectFrom('virtualRegistries')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('groupId', '=', groupId)
      .executeTakeFirstOrThrow();
    return count;
  }

  find(id: number): Promise<VirtualRegistry | undefined> {
    return this.#db.selectFrom('virtualRegistries').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @throws UniqueViolation virtual_registries_group_id_name, MissingOwner */
  create({
    groupId,
    name,
    description,
    anonymousPull = false,
  }: NewVirtualRegistry): Promise<VirtualRegistry> {
    const now = this.#now();
    return this.#db
      .insertInto('virtualRegistries')
      .values({ groupId, name, description, anonymousPull, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such registry. @throws UniqueViolation virtual_registries_group_id_name */
  update(
    id: number,
    { name, description, anonymousPull }: VirtualRegistryChanges,
  ): Promise<VirtualRegistry | undefined> {
    return this.#db
      .updateTable('virtualRegistries')
      .set({ name, description, anonymousPull, updatedAt: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /** Its associations go with it, but no upstream: see Upstreams.removeExclusive. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('virtualRegistries').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}
