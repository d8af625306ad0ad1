/** Tags of one repository with what they name, in any order and in pages that go both ways. */
import { type Expression, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { Tables } from '../db/tables.ts';

export interface TagDetail {
  readonly name: Tag;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Undefined for an index, which has none. */
  readonly configDigest: Digest | undefined;
  readonly createdAt: number;
  /** When it was pushed last. */
  readonly publishedAt: number;
}

/** By name, byte by byte; or by when they were pushed last, those of one instant by name. */
export interface TagOrder {
  readonly by: 'name' | 'published';
  readonly direction: 'ascending' | 'descending';
}

/** A point between two tags; the tag itself is on neither side, and need not exist. */
export interface TagMarker {
  readonly side: 'before' | 'after';
  readonly name: string;
  /** When it was pushed last, for an order by it. Epoch milliseconds. */
  readonly publishedAt: number;
}

export interface TagPageRequest {
  readonly order: TagOrder;
  /** Undefined: from the beginning. */
  readonly marker: TagMarker | undefined;
  /** Only those whose name has this part; upper and lower case differ. */
  readonly containing: string | undefined;
  readonly limit: number;
}

export interface TagDetailPage {
  readonly tags: readonly TagDetail[];
  /** Whether there are tags before and after these. */
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

export class TagDetails {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  find(repositoryId: number, tag: string): Promise<TagDetail | undefined> {
    return this.#select(repositoryId).where(sql.ref<string>('tags.name'), '=', tag).executeTakeFirst();
  }

  /** The list is as quick at its end as at its beginning. Before a marker come the tags nearest to it. */
  async list(repositoryId: number, request: TagPageRequest): Promise<TagDetailPage> {
    const { order, marker, containing, limit } = request;
    const isForward = marker?.side !== 'before';
    const isAscending = (order.direction === 'ascending') === isForward;
    let query = this.#select(repositoryId);
    if (marker) query = query.where(() => isBeyond(order.by, isAscending ? '>' : '<', marker));
    if (containing !== undefined) query = query.where((eb) => has(eb.ref('tags.name'), containing));
    if (order.by === 'published') query = query.orderBy('tags.updatedAt', isAscending ? 'asc' : 'desc');
    const rows = await query
      .orderBy('tags.name', isAscending ? 'asc' : 'desc')
      .limit(limit + 1)
      .execute();
    const hasMore = rows.length > limit;
    const tags = rows.slice(0, limit);
    const isOther = marker ? await this.#hasOther(repositoryId, request, marker, isAscending) : false;
    return isForward
      ? { tags, hasPrevious: isOther, hasNext: hasMore }
      : { tags: tags.reverse(), hasPrevious: hasMore, hasNext: isOther };
  }

  /** Whether there are tags at the marker or on its other side. */
  async #hasOther(
    repositoryId: number,
    { order, containing }: TagPageRequest,
    marker: TagMarker,
    isAscending: boolean,
  ): Promise<boolean> {
    let query = this.#db
      .selectFrom('tags')
      .select('tags.name')
      .where('tags.repositoryId', '=', repositoryId)
      .where(() => isBeyond(order.by, isAscending ? '<=' : '>=', marker));
    if (containing !== undefined) query = query.where((eb) => has(eb.ref('tags.name'), containing));
    return (await query.limit(1).executeTakeFirst()) !== undefined;
  }

  #select(repositoryId: number) {
    return this.#db
      .selectFrom('tags')
      .innerJoin('repositoryManifests', (join) =>
        join
          .onRef('repositoryManifests.repositoryId', '=', 'tags.repositoryId')
          .onRef('repositoryManifests.digest', '=', 'tags.digest'),
      )
      .leftJoin('manifestReferences as config', (join) =>
        join.onRef('config.manifestDigest', '=', 'tags.digest').on('config.kind', '=', 'config'),
      )
      .select(['tags.name', 'tags.digest', 'repositoryManifests.mediaType'])
      .select(['tags.createdAt', 'tags.updatedAt as publishedAt'])
      .select(sql.ref<Digest | undefined>('config.digest').as('configDigest'))
      .where('tags.repositoryId', '=', repositoryId);
  }
}

/** Tags are compared as rows, which is a range of an index. */
function isBeyond(
  by: TagOrder['by'],
  operator: '<' | '<=' | '>' | '>=',
  { name, publishedAt }: TagMarker,
): RawBuilder<SqlBool> {
  return by === 'name'
    ? sql<SqlBool>`tags.name ${sql.raw(operator)} ${name}`
    : sql<SqlBool>`(tags.updated_at, tags.name) ${sql.raw(operator)} (${publishedAt}, ${name})`;
}

/** Both databases answer the same so; their LIKEs differ in what case means. */
function has(column: Expression<string>, part: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`replace(${column}, ${part}, '') <> ${column}`;
}
