/**
 * Pages of lists by their numbers. No page costs what is before it: it begins after the row that stands before it, which is found by the
 * order's index alone; where that is far away, from a mark that is remembered for a while.
 */
import {
  type Expression,
  type Kysely,
  type RawBuilder,
  type SelectQueryBuilder,
  type SqlBool,
  SqliteAdapter,
  sql,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Direction, Keyset, KeysetPart, Page, Paged } from './page.ts';
import type { Tables } from './tables.ts';
import { SqliteTextSearch, searchByCondition, type TextSearch } from './text-search.ts';

/** Where there are more, how many there are is not counted. */
export const maxCounted = 10_000;

/** Rows from one mark to the next: a page up to the first is where it is exactly, those beyond as the marks were. */
const markedEvery = 10_000;
const marksLastMs = 60_000;
const maxMarkedLists = 100;

/** What rows are ordered by: no two have the same in all keys, and no key is ever null. */
export interface Order {
  readonly keys: readonly Expression<unknown>[];
  readonly direction: Direction;
}

/** @param columns as queries name them */
export function ascending(...columns: readonly string[]): Order {
  return { keys: columns.map((column) => sql.ref(column)), direction: 'asc' };
}

/** @param columns as queries name them */
export function descending(...columns: readonly string[]): Order {
  return { keys: columns.map((column) => sql.ref(column)), direction: 'desc' };
}

type Position = readonly unknown[];

/** The keys of every so many rows of a list. */
type Marks = Position[];

/** A query in two ways that give the same rows: none has an order of its own. */
export interface Ways<All, From extends keyof All, Found> {
  /** Begins with its conditions, where these leave few rows, which are sorted then. */
  readonly few: SelectQueryBuilder<All, From, Found>;
  /** Goes along the order, where the conditions leave many; no index is to serve these: see {@link unindexed}. */
  readonly many: SelectQueryBuilder<All, From, Found>;
}

type Listed<All, From extends keyof All, Found> =
  | SelectQueryBuilder<All, From, Found>
  | Ways<All, From, Found>;

export class Pages {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  /** Made when a list is that long: each transaction has pages of its own, and most ask for none. */
  #marks: LRUCache<string, Marks> | undefined;
  readonly texts: TextSearch;

  /** @param now epoch milliseconds */
  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.texts =
      db.getExecutor().adapter instanceof SqliteAdapter ? new SqliteTextSearch(db) : searchByCondition;
  }

  /** The page of what the query selects, which has no order of its own and has that of an index, or is in two ways. */
  async list<All, From extends keyof All, Found>(
    listed: Listed<All, From, Found>,
    wanted: Order,
    page: Page,
  ): Promise<Paged<Found>> {
    const { query, order, total } = await this.#choose(listed, wanted);
    const before = (page.page - 1) * page.perPage;
    const start = before === 0 ? [] : await this.#find(query, order, before);
    if (!start) return { records: [], total, hasMore: false };
    return { ...(await part(query, order, start, page.perPage)), total };
  }

  /** As {@link list}, of what comes after a position: the keys of a row, whether or not there is one; undefined: from the start. */
  async listAfter<All, From extends keyof All, Found>(
    listed: Listed<All, From, Found>,
    wanted: Order,
    after: Position | undefined,
    limit: number,
  ): Promise<KeysetPart<Found>> {
    if (!('few' in listed)) return part(listed, wanted, after ?? [], limit);
    const { query, order } = await this.#choose(listed, wanted);
    return part(query, order, after ?? [], limit);
  }

  /** As {@link listAfter}, by number. */
  listById<All, From extends keyof All, Found>(
    listed: Listed<All, From, Found>,
    column: string,
    { after, direction, limit }: Keyset,
  ): Promise<KeysetPart<Found>> {
    const order = { keys: [sql.ref(column)], direction };
    return this.listAfter(listed, order, after === undefined ? undefined : [after], limit);
  }

  async #choose<All, From extends keyof All, Found>(listed: Listed<All, From, Found>, order: Order) {
    if (!('few' in listed)) return { query: listed, order, total: await this.count(listed) };
    const total = await this.count(listed.few);
    return total > maxCounted
      ? { query: listed.many, order, total }
      : { query: listed.few, order: { ...order, keys: order.keys.map(unindexed) }, total };
  }

  /** How many rows the query selects; one more than {@link maxCounted} where there are more. */
  async count<All, From extends keyof All>(query: SelectQueryBuilder<All, From, unknown>): Promise<number> {
    const some = query
      .clearSelect()
      .select(sql.lit(1).as('one'))
      .limit(maxCounted + 1);
    const { total } = await this.#db
      .selectFrom(some.as('some'))
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    return total;
  }

  /** The keys of the row of this number, from 1; undefined where there are not so many. */
  async #find<All, From extends keyof All>(
    query: SelectQueryBuilder<All, From, unknown>,
    order: Order,
    number: number,
  ): Promise<Position | undefined> {
    if (number <= markedEvery) return skip(query, order, [], number);
    const marks = this.#marksOf(query, order);
    const wanted = Math.floor(number / markedEvery);
    while (marks.length < wanted) {
      const next = await skip(query, order, marks.at(-1) ?? [], markedEvery);
      if (!next) return undefined;
      marks.push(next);
    }
    const rest = number - wanted * markedEvery;
    const mark = marks[wanted - 1];
    return rest === 0 ? mark : skip(query, order, mark ?? [], rest);
  }

  #marksOf<All, From extends keyof All>(query: SelectQueryBuilder<All, From, unknown>, order: Order): Marks {
    const { sql: text, parameters } = inOrder(keysOf(query, order), order).compile();
    const key = JSON.stringify([text, parameters]);
    this.#marks ??= new LRUCache({
      max: maxMarkedLists,
      ttl: marksLastMs,
      ttlResolution: 0,
      perf: { now: this.#now },
    });
    const marks = this.#marks.get(key) ?? [];
    if (marks.length === 0) this.#marks.set(key, marks);
    return marks;
  }
}

/** How a condition names a column: as it is, or {@link unindexed}. */
export type Naming = <T>(column: Expression<T>) => Expression<T>;

export const indexed: Naming = (column) => column;

/** The same value, and no index is used for a condition or an order on it. */
export function unindexed<T>(value: Expression<T>): RawBuilder<T> {
  return sql`coalesce(${value}, ${value})`;
}

/** The rows after the position. */
async function part<All, From extends keyof All, Found>(
  query: SelectQueryBuilder<All, From, Found>,
  order: Order,
  position: Position,
  limit: number,
): Promise<KeysetPart<Found>> {
  // One row more than the limit tells whether there is more.
  const found = await inOrder(after(query, order, position), order)
    .limit(limit + 1)
    .execute();
  return { records: found.slice(0, limit), hasMore: found.length > limit };
}

/** The keys of the row that comes so many after the position. */
async function skip<All, From extends keyof All>(
  query: SelectQueryBuilder<All, From, unknown>,
  order: Order,
  position: Position,
  count: number,
): Promise<Position | undefined> {
  const row = await inOrder(after(keysOf(query, order), order, position), order)
    .limit(1)
    .offset(count - 1)
    .executeTakeFirst();
  return row && Object.values(row);
}

function keysOf<All, From extends keyof All>(
  query: SelectQueryBuilder<All, From, unknown>,
  { keys }: Order,
): SelectQueryBuilder<All, From, Record<string, unknown>> {
  return query.clearSelect().select(keys.map((key, index) => sql<unknown>`${key}`.as(`key${index}`)));
}

function inOrder<All, From extends keyof All, Found>(
  query: SelectQueryBuilder<All, From, Found>,
  { keys, direction }: Order,
): SelectQueryBuilder<All, From, Found> {
  return keys.reduce<SelectQueryBuilder<All, From, Found>>(
    (ordered, key) => ordered.orderBy(() => key, direction),
    query,
  );
}

/** Keys are compared as rows, which is a range of an index. @param position empty: the start */
function after<All, From extends keyof All, Found>(
  query: SelectQueryBuilder<All, From, Found>,
  { keys, direction }: Order,
  position: Position,
): SelectQueryBuilder<All, From, Found> {
  if (position.length === 0) return query;
  const isAfter = sql.raw(direction === 'asc' ? '>' : '<');
  return query.where((): RawBuilder<SqlBool> => sql`(${sql.join(keys)}) ${isAfter} (${sql.join(position)})`);
}
