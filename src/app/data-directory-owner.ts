/** The one server of a data directory whose database is SQLite: its records in memory would not know of another's changes. */
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import { type FileLock, findLock } from '../storage/file-lock.ts';

const lockName = 'entrepot.lock';
/** Beside the lock, which nobody else can read. */
const ownerName = 'entrepot.owner';

export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
}

/** Until it is closed, or the process ends in whatever way. @throws DataDirectoryInUse */
export async function ownDataDirectory(directory: string): Promise<FileLock> {
  const lock = findLock(join(directory, lockName), 'rwc');
  const file = join(directory, ownerName);
  if (!lock) {
    const owner = await readFile(file, 'utf8').catch(() => 'another process');
    throw new DataDirectoryInUse(
      `${directory} is in use by ${owner.trim()}: stop it first, or give each its own; several servers with the same data need PostgreSQL (database.url)`,
    );
  }
  // It is only told to people: a full disk is no reason not to start.
  await writeFile(file, `process ${pid} on ${hostname()}\n`, { mode: 0o600 }).catch(() => undefined);
  return lock;
}
