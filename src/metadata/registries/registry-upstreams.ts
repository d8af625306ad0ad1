/** Which upstreams a virtual registry has, in which order: positions are 1..n without gaps, whoever changes them at once. */
import type { Generated, Kysely } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { RecordOf, Tables } from '../db/tables.ts';

/** unique (registryId, upstreamId) */
export interface RegistryUpstreamTable {
  id: Generated<number>;
  registryId: number;
  upstreamId: number;
  /** From 1; lower ones are asked first. */
  position: number;
}

export type RegistryUpstream = RecordOf<RegistryUpstreamTable>;

export class RegistryUpstreams {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** By position. */
  list(registryId: number): Promise<readonly RegistryUpstream[]> {
    const query = this.#db.selectFrom('registryUpstreams').selectAll().where('registryId', '=', registryId);
    return query.orderBy('position').execute();
  }

  /** The associations of one upstream, by registry. */
  listByUpstream(upstreamId: number): Promise<readonly RegistryUpstream[]> {
    const query = this.#db.selectFrom('registryUpstreams').selectAll().where('upstreamId', '=', upstreamId);
    return query.orderBy('registryId').execute();
  }

  find(id: number): Promise<RegistryUpstream | undefined> {
    return this.#db.selectFrom('registryUpstreams').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /**
   * The upstream comes to the last position. Whoever has a limit rolls back when the position is over it.
   * @throws UniqueViolation registry_upstreams_registry_id_upstream_id, MissingOwner
   */
  append(registryId: number, upstreamId: number): Promise<RegistryUpstream> {
    return inTransaction(this.#db, async (tx) => {
      const position = (await holdRegistry(tx, registryId)) + 1;
      return tx
        .insertInto('registryUpstreams')
        .values({ registryId, upstreamId, position })
        .returningAll()
        .executeTakeFirstOrThrow();
    });
  }

  /** The others shift; a position beyond the last is the last. Undefined when there is no such association. */
  move(id: number, position: number): Promise<RegistryUpstream | undefined> {
    return inTransaction(this.#db, async (tx) => {
      const held = await hold(tx, id);
      if (!held) return undefined;
      const { moved, count } = held;
      const to = Math.max(1, Math.min(position, count));
      const others = tx.updateTable('registryUpstreams').where('registryId', '=', moved.registryId);
      if (to > moved.position) {
        await others
          .set((eb) => ({ position: eb('position', '-', 1) }))
          .where('position', '>', moved.position)
          .where('position', '<=', to)
          .execute();
      } else {
        await others
          .set((eb) => ({ position: eb('position', '+', 1) }))
          .where('position', '>=', to)
          .where('position', '<', moved.position)
          .execute();
      }
      await tx.updateTable('registryUpstreams').set({ position: to }).where('id', '=', id).execute();
      return { ...moved, position: to };
    });
  }

  /** Those behind move up; the upstream stays. False when there was none. */
  remove(id: number): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const held = await hold(tx, id);
      if (!held) return false;
      const { registryId, position } = held.moved;
      await tx.deleteFrom('registryUpstreams').where('id', '=', id).execute();
      await tx
        .updateTable('registryUpstreams')
        .set((eb) => ({ position: eb('position', '-', 1) }))
        .where('registryId', '=', registryId)
        .where('position', '>', position)
        .execute();
      return true;
    });
  }
}

/** Whoever changes positions holds the registry first. Returns how many upstreams it has. */
async function holdRegistry(tx: Kysely<Tables>, registryId: number): Promise<number> {
  await tx
    .selectFrom('virtualRegistries')
    .select('id')
    .where('id', '=', registryId)
    .forNoKeyUpdate()
    .execute();
  const { count } = await tx
    .selectFrom('registryUpstreams')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('registryId', '=', registryId)
    .executeTakeFirstOrThrow();
  return count;
}

/** Reads the association again once its registry is held: it may have moved while we waited. */
async function hold(tx: Kysely<Tables>, id: number) {
  const query = tx.selectFrom('registryUpstreams').selectAll().where('id', '=', id);
  const seen = await query.executeTakeFirst();
  if (!seen) return undefined;
  const count = await holdRegistry(tx, seen.registryId);
  const moved = await query.executeTakeFirst();
  return moved && { moved, count };
}
