/** Pagination, as the REST API has it: by pages with numbers, or after the number of a record. See pages.ts for the former. */
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
