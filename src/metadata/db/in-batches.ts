/** Both databases limit the parameters of one statement. */
const rowsPerStatement = 1000;

/** All items in their order, in lists of no more than a statement may have rows. */
export function inBatches<T>(items: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let start = 0; start < items.length; start += rowsPerStatement)
    batches.push(items.slice(start, start + rowsPerStatement));
  return batches;
}
