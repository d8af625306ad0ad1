/** Images of virtual registries that are kept whatever room there is. */
import type { Generated, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** index on registryId */
export interface CachePinTable {
  id: Generated<number>;
  registryId: number;
  /** A name at the upstream, or a pattern. */
  image: string;
  /** A tag or a pattern of tags, or a digest, or neither: the whole repository. */
  tag: Optional<string>;
  digest: Optional<string>;
  createdAt: number;
}

export type CachePin = RecordOf<CachePinTable>;
export type NewCachePin = Omit<CachePin, 'id' | 'createdAt'>;

/** A pin with one of the upstreams whose entries it keeps. */
export interface UpstreamPin extends CachePin {
  readonly upstreamId: number;
}

export class CachePins {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  list(registryId: number): Promise<readonly CachePin[]> {
    const query = this.#db.selectFrom('cachePins').selectAll().where('registryId', '=', registryId);
    return query.orderBy('id').execute();
  }

  /** All pins, or those of a top-level group, once for each upstream of their registry; other registries may use the upstream as well. */
  listByUpstream(groupId?: number): Promise<readonly UpstreamPin[]> {
    let query = this.#db
      .selectFrom('cachePins')
      .innerJoin('registryUpstreams', 'registryUpstreams.registryId', 'cachePins.registryId')
      .selectAll('cachePins')
      .select('registryUpstreams.upstreamId');
    if (groupId !== undefined)
      query = query
        .innerJoin('virtualRegistries', 'virtualRegistries.id', 'cachePins.registryId')
        .where('virtualRegistries.groupId', '=', groupId);
    return query.execute();
  }

  /** @throws MissingOwner */
  create(pin: NewCachePin): Promise<CachePin> {
    return this.#db
      .insertInto('cachePins')
      .values({ ...pin, createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined where this registry has none with this id. */
  remove(registryId: number, id: number): Promise<CachePin | undefined> {
    return this.#db
      .deleteFrom('cachePins')
      .where('registryId', '=', registryId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }
}
