/** What a list of records gives page by page, one after the other; what changes behind the reader is not seen. */
const pageSize = 500;

/** @param list those after a mark. @param markOf the mark of one */
export async function* inPages<Row, Mark>(
  list: (after: Mark, limit: number) => Promise<readonly Row[]>,
  first: Mark,
  markOf: (row: Row) => Mark,
): AsyncGenerator<Row, void, undefined> {
  for (let after = first; ; ) {
    const page = await list(after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = markOf(last);
  }
}
