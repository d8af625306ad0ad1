/** The file that SQLite keeps its database in: made, opened, looked for as long as it is written to, and copied meanwhile. */
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../oci/unavailable.ts';
import { isDiskFull, resultCode, sqliteBusy } from './sqlite-unavailability.ts';

export const inMemory = ':memory:';

/** How long statements wait for another process, all of them together. SQLite's own waiting would stop the event loop. */
const busyTimeoutMs = 10_000;
const busyRetryMs = 5;

/** Makes the file readable for us alone; SQLite gives its -wal and -shm files the same mode. */
function createPrivately(file: string): void {
  // Opening so refuses a FIFO of that name instead of waiting for its reader.
  const { O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  closeSync(openSync(file, O_WRONLY | O_CREAT | O_NONBLOCK, 0o600));
}

/**
 * Opens the file, which is made where it is absent.
 * @param giveUpSpace as in DatabaseOptions: a full disk keeps SQLite from being opened, too
 */
export async function openSqliteFile(
  file: string,
  giveUpSpace: (() => boolean) | undefined,
): Promise<DatabaseSync> {
  if (file !== inMemory) createPrivately(file);
  try {
    return await openFile(file);
  } catch (error) {
    if (!(error instanceof Error && isDiskFull(error.cause)) || !giveUpSpace?.()) throw error;
    return openFile(file);
  }
}

/**
 * Whoever takes the file away, as an unmounted disk does, leaves SQLite writing where nobody finds it again: nothing must be acknowledged
 * then. @returns throws UnavailableError then
 */
export function fileDemand(file: string): () => void {
  const opened = statSync(file);
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.ino !== opened.ino || found.dev !== opened.dev)
      throw new UnavailableError('the database is not where it was');
  };
}

async function openFile(file: string): Promise<DatabaseSync> {
  const database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    await new Patience().whileBusy(
      // Commits are synced past SQLite, see sqlite-log-sync.ts: what it syncs itself is what must be in order.
      () => database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'),
      true,
    );
    return database;
  } catch (cause) {
    database.close();
    throw new Error(`${file} cannot be opened as a SQLite database`, { cause });
  }
}

/** A copy of a database as it is at one moment. @param to must not exist. @throws Error where it cannot be read or written */
export function copySqlite(file: string, to: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  try {
    database.prepare('vacuum into ?').run(to);
  } finally {
    database.close();
  }
}

/**
 * Tries until the other process is done: a statement that found the database busy has done nothing. All wait one after another for the
 * one connection, so once one has waited in vain the next try but once, until one that may write gets through.
 */
export class Patience {
  #busySince = 0;
  #busyAt: number | undefined;

  async whileBusy<T>(run: () => T | Promise<T>, mayWrite: boolean): Promise<T> {
    for (;;) {
      try {
        const result = await run();
        if (mayWrite) this.#busyAt = undefined;
        return result;
      } catch (error) {
        if (resultCode(error) !== sqliteBusy || this.#isOver()) throw error;
        await sleep(busyRetryMs);
      }
    }
  }

  #isOver(): boolean {
    const now = performance.now();
    if (this.#busyAt === undefined || now - this.#busyAt > busyTimeoutMs) this.#busySince = now;
    this.#busyAt = now;
    return now - this.#busySince > busyTimeoutMs;
  }
}
