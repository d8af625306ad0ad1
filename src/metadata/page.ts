/** Offset pagination, as the REST API has it. */
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

export function offsetOf(page: Page): number {
  return (page.page - 1) * page.perPage;
}
