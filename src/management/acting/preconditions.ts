import { RefusedError } from './refused-error.ts';

/** HTTP dates have no milliseconds. */
const precisionMs = 1000;

/**
 * Refuses to delete what was changed after someone looked at it, as If-Unmodified-Since says.
 * @param since epoch milliseconds; undefined: it does not matter
 * @throws RefusedError precondition-failed
 */
export function demandUnmodified(record: { readonly updatedAt: number }, since: number | undefined): void {
  const updatedAt = record.updatedAt - (record.updatedAt % precisionMs);
  if (since !== undefined && updatedAt > since) throw new RefusedError('precondition-failed');
}
