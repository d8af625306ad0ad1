/** Images of virtual registries that are kept whatever room there is. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface NewCachePin {
  readonly registryId: number;
  /** A name at the upstream, or a pattern. */
  readonly image: string;
  /** A tag or a pattern of tags, or a digest, or neither: the whole repository. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

export interface CachePin extends NewCachePin {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

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
  async list(registryId: number): Promise<readonly CachePin[]> {
    const query = this.#db.selectFrom('cache_pins').selectAll().where('registry_id', '=', registryId);
    return (await query.orderBy('id').execute()).map(fromRow);
  }

  /** All, or those of a top-level group: each with every upstream of its registry, which other registries may use as well. */
  async listByUpstream(groupId?: number): Promise<readonly UpstreamPin[]> {
    let query = this.#db
      .selectFrom('cache_pins')
      .innerJoin('registry_upstreams', 'registry_upstreams.registry_id', 'cache_pins.registry_id')
      .selectAll('cache_pins')
      .select('registry_upstreams.upstream_id');
    if (groupId !== undefined)
      query = query
        .innerJoin('virtual_registries', 'virtual_registries.id', 'cache_pins.registry_id')
        .where('virtual_registries.group_id', '=', groupId);
    return (await query.execute()).map((row) => ({ ...fromRow(row), upstreamId: row.upstream_id }));
  }

  /** @throws MissingOwner */
  async create({ registryId, image, tag, digest }: NewCachePin): Promise<CachePin> {
    const row = await this.#db
      .insertInto('cache_pins')
      .values({
        registry_id: registryId,
        image,
        tag: tag ?? null,
        digest: digest ?? null,
        created_at: this.#now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined where this registry has none with this id. */
  async remove(registryId: number, id: number): Promise<CachePin | undefined> {
    const row = await this.#db
      .deleteFrom('cache_pins')
      .where('registry_id', '=', registryId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }
}

function fromRow(row: Selectable<Tables['cache_pins']>): CachePin {
  return {
    id: row.id,
    registryId: row.registry_id,
    image: row.image,
    tag: row.tag ?? undefined,
    digest: row.digest ?? undefined,
    createdAt: row.created_at,
  };
}
