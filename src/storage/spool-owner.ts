/** A process's own directory of spools, and the sign that it lives: a lock in it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listDirectory, makeBelow } from './directories.ts';
import { type FileLock, findLock } from './file-lock.ts';

const lockName = 'lock';
const maxClaims = 10;

export class SpoolOwner {
  readonly directory: string;
  readonly #lock: FileLock;

  private constructor(directory: string, lock: FileLock) {
    this.directory = directory;
    this.#lock = lock;
  }

  /** Makes a directory below `spools` that no sweep removes while this process lives. What `spools` is in is not made. */
  static async claim(spools: string): Promise<SpoolOwner> {
    for (let claim = 0; claim < maxClaims; claim += 1) {
      const directory = join(spools, randomBytes(12).toString('hex'));
      await makeBelow(dirname(spools), directory);
      const lock = findLock(join(directory, lockName), 'rwc');
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
    // A sweep must not create one: an owner could take it for its own.
    const lock = findLock(join(directory, lockName), 'rw');
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
