/**
 * A process's own directory of spools, and the sign that it lives: a lock that the system drops when the process ends, however
 * it ends. Process ids say nothing across containers and are given again, heartbeats make a sweep wait. Node cannot lock files
 * itself; SQLite, which it brings, can, on every system.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { makeBelow } from './make-directory.ts';

const lockName = 'lock';
const maxClaims = 10;
const sqliteBusy = 5;
const sqliteCannotOpen = 14;

export class SpoolOwner {
  readonly directory: string;
  readonly #lock: DatabaseSync;

  private constructor(directory: string, lock: DatabaseSync) {
    this.directory = directory;
    this.#lock = lock;
  }

  /** Makes a directory below `spools` that no sweep removes while this process lives. What `spools` is in is not made. */
  static async claim(spools: string): Promise<SpoolOwner> {
    for (let claim = 0; claim < maxClaims; claim += 1) {
      const directory = join(spools, randomBytes(12).toString('hex'));
      await makeBelow(dirname(spools), directory);
      const lock = findLock(directory, 'rwc');
      // A sweep may have come between, and its removal have left us the lock of a file that is gone.
      if (lock && existsSync(join(directory, lockName))) return new SpoolOwner(directory, lock);
      lock?.close();
    }
    throw new Error(`no directory below ${spools} can be locked`);
  }

  /** With its spools. */
  async release(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    this.#lock.close();
  }
}

/** Removes the directories of dead owners; the number of spools that were in them. */
export async function sweepDeadOwners(spools: string): Promise<number> {
  let swept = 0;
  for (const name of await listDirectory(spools)) {
    const directory = join(spools, name);
    if (!existsSync(join(directory, lockName))) {
      // Its owner died, or is about to lock it and will see that it is gone.
      await rmdir(directory).catch(() => undefined);
      continue;
    }
    const lock = findLock(directory, 'rw');
    if (!lock) continue;
    try {
      swept += (await listDirectory(directory)).filter((file) => file !== lockName).length;
      await rm(directory, { recursive: true, force: true });
    } finally {
      lock.close();
    }
  }
  return swept;
}

async function listDirectory(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Undefined while another holds it, or when it is gone. A sweep must not create one: an owner could take it for its own.
 */
function findLock(directory: string, mode: 'rw' | 'rwc'): DatabaseSync | undefined {
  const file = join(directory, lockName);
  const url = pathToFileURL(file);
  url.searchParams.set('mode', mode);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(url, { timeout: 0 });
    // The journal stays in memory: there is nothing to keep.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
    if (code === sqliteBusy || (code === sqliteCannotOpen && !existsSync(mode === 'rw' ? file : directory)))
      return undefined;
    throw error;
  }
}
