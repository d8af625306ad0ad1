/** Pagination, as the REST API has it: by pages with numbers, or after the number of a record. See pages.ts for the former. */
import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely';

export interface Page {
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

export interface Paged<T> {
  readonly records: readonly T[];
  /** How many records all pages have together, as far as they are counted: see {@link Pages.count}. */
  readonly total: number;
  /** Whether there are records after these. */
  readonly hasMore: boolean;
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

/** The part of the query, which has no order of its own, by the numbers of its records. */
export async function partAfter<All, From extends keyof All, Found>(
  query: SelectQueryBuilder<All, From, Found>,
  { after, direction, limit }: Keyset,
): Promise<KeysetPart<Found>> {
  const id = sql.ref<number>('id');
  const isAfter = direction === 'asc' ? sql<SqlBool>`${id} > ${after}` : sql<SqlBool>`${id} < ${after}`;
  // One record more than the limit tells whether there is more.
  const found = await (after === undefined ? query : query.where(isAfter))
    .orderBy(id, direction)
    .limit(limit + 1)
    .execute();
  return { records: found.slice(0, limit), hasMore: found.length > limit };
}
