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
  sql,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Direction, Page, Paged } from './page.ts';
import type { Tables } from './tables.ts';

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

export class Pages {
  readonly #db: Kysely<Tables>;
  readonly #marks: LRUCache<string, Marks>;

  /** @param now epoch milliseconds */
  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#marks = new LRUCache({
      max: maxMarkedLists,
      ttl: marksLastMs,
      ttlResolution: 0,
      perf: { now },
    });
  }

  /** The page of what the query, which has no order of its own, selects. */
  async list<All, From extends keyof All, Found>(
    query: SelectQueryBuilder<All, From, Found>,
    order: Order,
    page: Page,
  ): Promise<Paged<Found>> {
    const total = await this.count(query);
    const before = (page.page - 1) * page.perPage;
    const start = before === 0 ? [] : await this.#find(query, order, before);
    if (!start) return { records: [], total, hasMore: false };
    const found = await inOrder(after(query, order, start), order)
      .limit(page.perPage + 1)
      .execute();
    return { records: found.slice(0, page.perPage), total, hasMore: found.length > page.perPage };
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
    const marks = this.#marks.get(key) ?? [];
    if (marks.length === 0) this.#marks.set(key, marks);
    return marks;
  }
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
