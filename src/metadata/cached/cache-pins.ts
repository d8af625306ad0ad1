/** Images of virtual registries that are kept whatever room there is. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/tables.ts';

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
    const query = this.#db.selectFrom('cachePins').selectAll().where('registryId', '=', registryId);
    return (await query.orderBy('id').execute()).map(fromRow);
  }

  /** All, or those of a top-level group: each with every upstream of its registry, which other registries may use as well. */
  async listByUpstream(groupId?: number): Promise<readonly UpstreamPin[]> {
    let query = this.#db
      .selectFrom('cachePins')
      .innerJoin('registryUpstreams', 'registryUpstreams.registryId', 'cachePins.registryId')
      .selectAll('cachePins')
      .select('registryUpstreams.upstreamId');
    if (groupId !== undefined)
      query = query
        .innerJoin('virtualRegistries', 'virtualRegistries.id', 'cachePins.registryId')
        .where('virtualRegistries.groupId', '=', groupId);
    return (await query.execute()).map((row) => ({ ...fromRow(row), upstreamId: row.upstreamId }));
  }

  /** @throws MissingOwner */
  async create({ registryId, image, tag, digest }: NewCachePin): Promise<CachePin> {
    const row = await this.#db
      .insertInto('cachePins')
      .values({
        registryId,
        image,
        tag: tag ?? null,
        digest: digest ?? null,
        createdAt: this.#now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined where this registry has none with this id. */
  async remove(registryId: number, id: number): Promise<CachePin | undefined> {
    const row = await this.#db
      .deleteFrom('cachePins')
      .where('registryId', '=', registryId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }
}

function fromRow(row: Selectable<Tables['cachePins']>): CachePin {
  return {
    id: row.id,
    registryId: row.registryId,
    image: row.image,
    tag: row.tag ?? undefined,
    digest: row.digest ?? undefined,
    createdAt: row.createdAt,
  };
}
