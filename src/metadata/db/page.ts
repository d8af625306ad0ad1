/** Pagination, as the REST API has it: by pages with numbers, or after the number of a record. */
import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';

export interface Page {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

export interface Paged<T> {
  readonly records: readonly T[];
  /** Of all pages. */
  readonly total: number;
}

/** The page of what the query selects in its order, and how many there are of it in all. */
export async function paged<All, From extends keyof All, Found>(
  query: SelectQueryBuilder<All, From, Found>,
  page: Page,
): Promise<Paged<Found>> {
  const { total } = await query
    .clearSelect()
    .clearOrderBy()
    .select((eb) => eb.fn.countAll().as('total'))
    .$castTo<{ total: number }>()
    .executeTakeFirstOrThrow();
  return { records: await query.limit(page.perPage).offset(offsetOf(page)).execute(), total };
}

export function offsetOf(page: Page): number {
  return (page.page - 1) * page.perPage;
}

export type Direction = 'asc' | 'desc';

/** A part of a list by number, which goes on after a number and is never counted. */
export interface Keyset {
  /** Undefined: from the start. */
  readonly after: number | undefined;
  readonly direction: Direction;
  readonly limit: number;
}

export interface KeysetPart<T> {
  readonly records: readonly T[];
  readonly hasMore: boolean;
}

/** In a query on a table with numbers. One record more than the limit tells whether there is more. */
export function isAfter({ after, direction }: Keyset): Expression<SqlBool> {
  const id = sql.ref<number>('id');
  if (after === undefined) return sql<SqlBool>`${id} is not null`;
  return direction === 'asc' ? sql<SqlBool>`${id} > ${after}` : sql<SqlBool>`${id} < ${after}`;
}

/** @param found with one more than was asked for, where there is more */
export function keysetPart<T>(found: readonly T[], { limit }: Keyset): KeysetPart<T> {
  return { records: found.slice(0, limit), hasMore: found.length > limit };
}
