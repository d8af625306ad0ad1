import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface VirtualRegistry {
  readonly id: number;
  readonly groupId: number;
  readonly name: string;
  readonly description: string | undefined;
  /** Whether everyone may pull from it, whoever they are. */
  readonly anonymousPull: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

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
  async list(groupId: number): Promise<readonly VirtualRegistry[]> {
    const query = this.#db
      .selectFrom('virtual_registries')
      .selectAll()
      .where('group_id', '=', groupId)
      .orderBy('id');
    return (await query.execute()).map(fromRow);
  }

  async count(groupId: number): Promise<number> {
    const { count } = await this.#db
      .selectFrom('virtual_registries')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('group_id', '=', groupId)
      .executeTakeFirstOrThrow();
    return count;
  }

  async find(id: number): Promise<VirtualRegistry | undefined> {
    const row = await this.#db
      .selectFrom('virtual_registries')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation virtual_registries_group_id_name, MissingOwner */
  async create(registry: NewVirtualRegistry): Promise<VirtualRegistry> {
    const { groupId, name, description, anonymousPull = false } = registry;
    const now = this.#now();
    const row = await this.#db
      .insertInto('virtual_registries')
      .values({
        group_id: groupId,
        name,
        description: description ?? null,
        anonymous_pull: Number(anonymousPull),
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such registry. @throws UniqueViolation virtual_registries_group_id_name */
  async update(id: number, changes: VirtualRegistryChanges): Promise<VirtualRegistry | undefined> {
    const { name, description, anonymousPull } = changes;
    const row = await this.#db
      .updateTable('virtual_registries')
      .set({
        name,
        description,
        anonymous_pull: anonymousPull === undefined ? undefined : Number(anonymousPull),
        updated_at: this.#now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With its associations, not with any upstream: see Upstreams.removeExclusive. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('virtual_registries').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['virtual_registries']>): VirtualRegistry {
  return {
    id: row.id,
    groupId: row.group_id,
    name: row.name,
    description: row.description ?? undefined,
    anonymousPull: row.anonymous_pull === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
