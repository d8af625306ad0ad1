/**
 * A lock that the system drops when the process ends, however it ends. Process ids say nothing across containers and are given again,
 * heartbeats make others wait. Node cannot lock files itself; SQLite, which it brings, can, on every system.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

const sqliteBusy = 5;
const sqliteCannotOpen = 14;

export interface FileLock {
  close(): void;
}

/**
 * Undefined while another holds it, or when it is gone.
 * @param mode rwc makes the file where it is not there
 */
export function findLock(file: string, mode: 'rw' | 'rwc'): FileLock | undefined {
  const url = pathToFileURL(file);
  url.searchParams.set('mode', mode);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(url);
    // The journal stays in memory: there is nothing to keep.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
    const isGone = code === sqliteCannotOpen && !existsSync(mode === 'rw' ? file : dirname(file));
    if (code === sqliteBusy || isGone) return undefined;
    throw error;
  }
}
