import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/tables.ts';

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
      .selectFrom('virtualRegistries')
      .selectAll()
      .where('groupId', '=', groupId)
      .orderBy('id');
    return (await query.execute()).map(fromRow);
  }

  async count(groupId: number): Promise<number> {
    const { count } = await this.#db
      .selectFrom('virtualRegistries')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('groupId', '=', groupId)
      .executeTakeFirstOrThrow();
    return count;
  }

  async find(id: number): Promise<VirtualRegistry | undefined> {
    const row = await this.#db
      .selectFrom('virtualRegistries')
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
      .insertInto('virtualRegistries')
      .values({
        groupId: groupId,
        name,
        description: description ?? null,
        anonymousPull: Number(anonymousPull),
        createdAt: now,
        updatedAt: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such registry. @throws UniqueViolation virtual_registries_group_id_name */
  async update(id: number, changes: VirtualRegistryChanges): Promise<VirtualRegistry | undefined> {
    const { name, description, anonymousPull } = changes;
    const row = await this.#db
      .updateTable('virtualRegistries')
      .set({
        name,
        description,
        anonymousPull: anonymousPull === undefined ? undefined : Number(anonymousPull),
        updatedAt: this.#now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With its associations, not with any upstream: see Upstreams.removeExclusive. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('virtualRegistries').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['virtualRegistries']>): VirtualRegistry {
  return {
    id: row.id,
    groupId: row.groupId,
    name: row.name,
    description: row.description ?? undefined,
    anonymousPull: row.anonymousPull === 1,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
