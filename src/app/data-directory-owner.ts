/** The one server of a data directory whose database is SQLite, with as many workers as it has. */
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';
import type { Config } from '../config/config.ts';
import { makeDirectory } from '../storage/directories.ts';
import { type FileLock, findLock } from '../storage/file-lock.ts';

const lockName = 'entrepot.lock';
/** Beside the lock, which nobody else can read. */
const ownerName = 'entrepot.owner';

export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
}

/**
 * Until it is closed, or the process ends in whatever way. The data directory is made.
 * @returns undefined where the records are elsewhere, and others may have the same directory
 * @throws DataDirectoryInUse
 */
export async function ownData({ dataDirectory, database }: Config): Promise<FileLock | undefined> {
  await makeDirectory(dataDirectory);
  return database.url === undefined ? ownDataDirectory(dataDirectory) : undefined;
}

async function ownDataDirectory(directory: string): Promise<FileLock> {
  const lock = findLock(join(directory, lockName), 'rwc');
  const file = join(directory, ownerName);
  if (!lock) {
    const owner = await readFile(file, 'utf8').catch(() => 'another process');
    throw new DataDirectoryInUse(
      `${directory} is in use by ${owner.trim()}: stop it first, or give each its own; several servers with the same data need PostgreSQL (database.url), and one has several processes by http.workers`,
    );
  }
  // It is only told to people: a full disk is no reason not to start.
  await writeFile(file, `process ${pid} on ${hostname()}\n`, { mode: 0o600 }).catch(() => undefined);
  return lock;
}
