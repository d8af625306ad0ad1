/** Tags of one repository with what they name, in any order and in pages that go both ways. */
import { type Expression, type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { containing } from '../db/containing.ts';
import { maxCounted, type Pages } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';
import { isShort } from '../db/text-search.ts';
import { mediaTypeOfTag } from './tag-lists.ts';
import type { TagTable } from './tags.ts';

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

type Source = RawBuilder<Selectable<TagTable>>;

export class TagDetails {
  readonly #db: Kysely<Tables>;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, pages: Pages) {
    this.#db = db;
    this.#pages = pages;
  }

  find(repositoryId: number, tag: string): Promise<TagDetail | undefined> {
    return this.#select(repositoryId).where(sql.ref<string>('tags.name'), '=', tag).executeTakeFirst();
  }

  /** The list is as quick at its end as at its beginning. Before a marker come the tags nearest to it. */
  async list(repositoryId: number, request: TagPageRequest): Promise<TagDetailPage> {
    const { order, marker, containing: part, limit } = request;
    const isForward = marker?.side !== 'before';
    const isAscending = (order.direction === 'ascending') === isForward;
    const tags = await this.#having(repositoryId, part);
    let query = this.#select(repositoryId, tags);
    if (marker) query = query.where(() => isBeyond(order.by, isAscending ? '>' : '<', marker));
    if (order.by === 'published') query = query.orderBy('tags.updatedAt', isAscending ? 'asc' : 'desc');
    const rows = await query
      .orderBy('tags.name', isAscending ? 'asc' : 'desc')
      .limit(limit + 1)
      .execute();
    const hasMore = rows.length > limit;
    const shown = rows.slice(0, limit);
    const isOther = marker
      ? await this.#hasOther(repositoryId, tags, isBeyond(order.by, isAscending ? '<=' : '>=', marker))
      : false;
    return isForward
      ? { tags: shown, hasPrevious: isOther, hasNext: hasMore }
      : { tags: shown.reverse(), hasPrevious: hasMore, hasNext: isOther };
  }

  /** The tags that have the part; where these are few, they are not looked for along an order. */
  async #having(repositoryId: number, part: string | undefined): Promise<Source> {
    const all = sql.table<Selectable<TagTable>>('tags');
    if (part === undefined) return all;
    const having = (tags: Source) =>
      this.#db
        .selectFrom(tags.as('tags'))
        .selectAll()
        .where('tags.repositoryId', '=', repositoryId)
        // The former is what an index of texts serves.
        .where((eb) => eb.and([containing(eb.ref('tags.name'), part), has(eb.ref('tags.name'), part)]));
    if (isShort(part)) return sql`(${having(all)})`;
    const few = having(await this.#pages.texts.from('tags', part, repositoryId));
    const isFew = (await this.#pages.count(few)) <= maxCounted;
    return isFew ? sql`(${few.limit(maxCounted)})` : sql`(${having(all)})`;
  }

  /** Whether there are tags at the marker or on its other side. */
  async #hasOther(repositoryId: number, tags: Source, isOther: RawBuilder<SqlBool>): Promise<boolean> {
    const query = this.#db
      .selectFrom(tags.as('tags'))
      .select('tags.name')
      .where('tags.repositoryId', '=', repositoryId)
      .where(() => isOther);
    return (await query.limit(1).executeTakeFirst()) !== undefined;
  }

  #select(repositoryId: number, tags: Source = sql.table('tags')) {
    return this.#db
      .selectFrom(tags.as('tags'))
      .leftJoin('manifestReferences as config', (join) =>
        join.onRef('config.manifestDigest', '=', 'tags.digest').on('config.kind', '=', 'config'),
      )
      .select(['tags.name', 'tags.digest', mediaTypeOfTag])
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
