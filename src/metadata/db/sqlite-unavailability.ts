/** What SQLite cannot do at the moment, told apart from our own mistakes. */
import { UnavailableError } from '../../oci/unavailable.ts';

export const sqliteBusy = 5;
const sqliteFull = 13;
/** SQLITE_IOERR_SHMSIZE: a disk without any room refuses the memory that SQLite shares through a file. */
const sharedMemoryFailed = 4874;

/** By primary result code. https://www.sqlite.org/rescode.html */
const sentences: ReadonlyMap<number | undefined, string> = new Map([
  [3, 'the server may not use its database'],
  [sqliteBusy, 'the database is held by another process'],
  [6, 'the database is held by another process'],
  [7, 'the database is out of memory'],
  [8, 'the database is read-only'],
  [10, 'the disk of the database fails'],
  [11, 'the database is damaged'],
  [sqliteFull, 'the disk of the database is full'],
  [14, 'the database cannot be opened'],
  [15, 'the database is held by another process'],
  [26, 'the database is damaged'],
]);

/** Undefined for what the database rightly refuses. */
export function sqliteUnavailability(error: unknown): UnavailableError | undefined {
  const sentence = sentences.get(isDiskFull(error) ? sqliteFull : resultCode(error));
  return sentence === undefined ? undefined : new UnavailableError(sentence, { cause: error });
}

/** The primary result code, which is the low byte; the rest says why. */
export function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}

export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  return resultCode(error) === sqliteFull || error.errcode === sharedMemoryFailed;
}
