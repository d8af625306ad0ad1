import { RefusedError } from './refused-error.ts';

/** HTTP dates have no milliseconds. */
const precisionMs = 1000;

/**
 * If-Unmodified-Since, for what someone looked at before they decided to delete it.
 * @param since epoch milliseconds; undefined: whatever happened
 * @throws RefusedError precondition-failed
 */
export function demandUnmodified(record: { readonly updatedAt: number }, since: number | undefined): void {
  const updatedAt = record.updatedAt - (record.updatedAt % precisionMs);
  if (since !== undefined && updatedAt > since) throw new RefusedError('precondition-failed');
}
