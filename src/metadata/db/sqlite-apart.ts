/**
 * Two connections to one SQLite database: transactions and whatever else may write go one after the other through the first, and what is
 * read outside of them through the second, which sees what is committed and waits for nobody. A change is over once it is on the disk too;
 * the next one does not wait for that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CompiledQuery, type DatabaseConnection, type Driver, sql } from 'kysely';
import type { LogSync } from './sqlite-log-sync.ts';

/** How long one process may write without a break where others write, too: who waits for the lock tries again from time to time. */
const maxHoldMs = 25;
/** Twice what a try is apart from the next. */
const breakMs = 10;

export class ApartDriver implements Driver {
  readonly #writing: Driver;
  readonly #reading: Driver;
  readonly #log: LogSync;
  /** Whose transaction is under way. */
  #holder: DatabaseConnection | undefined;
  #endTurn = () => {};
  #lastTurn: Promise<void> = Promise.resolve();
  readonly #isShared: boolean;
  /** Writes have followed each other since then. */
  #heldSince = Number.NEGATIVE_INFINITY;
  #endedAt = Number.NEGATIVE_INFINITY;

  /** @param isShared whether other processes write as much */
  constructor(writing: Driver, reading: Driver, log: LogSync, isShared: boolean) {
    this.#writing = writing;
    this.#reading = reading;
    this.#log = log;
    this.#isShared = isShared;
  }

  async init(): Promise<void> {
    await this.#writing.init();
    await this.#reading.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const writer = await this.#writing.acquireConnection();
    const reader = await this.#reading.acquireConnection();
    const connection: DatabaseConnection = {
      executeQuery: async (query, options) => {
        if (this.#holder === connection) return writer.executeQuery(query, options);
        if (!mayWrite(query)) return reader.executeQuery(query, options);
        return this.#write(query, () => writer.executeQuery(query, options));
      },
      streamQuery: (query, chunkSize, options) => reader.streamQuery(query, chunkSize, options),
    };
    return connection;
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const endTurn = await this.#nextTurn();
    this.#holder = connection;
    this.#endTurn = () => {
      this.#holder = undefined;
      endTurn();
    };
    try {
      await this.#writing.beginTransaction(connection, {});
    } catch (error) {
      this.#endTurn();
      throw error;
    }
  }

  /** Where it fails, it is rolled back next. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#writing.commitTransaction(connection);
    this.#endTurn();
    await this.#log.sync();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // It was committed, but may not be on the disk.
    if (this.#holder !== connection) return;
    try {
      await this.#writing.rollbackTransaction(connection);
    } finally {
      this.#endTurn();
    }
  }

  async destroy(): Promise<void> {
    // The last connection to close, which writes, tidies the files.
    await this.#reading.destroy();
    await this.#log.close();
    await this.#writing.destroy();
  }

  async #write<T>(query: CompiledQuery, run: () => Promise<T>): Promise<T> {
    const endTurn = await this.#nextTurn();
    const result = await run().finally(endTurn);
    if (!query.sql.endsWith(lossMark)) await this.#log.sync();
    return result;
  }

  /** All come to their turn in the order in which they ask. @returns ends it */
  async #nextTurn(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#lastTurn;
    this.#lastTurn = promise;
    await before;
    if (this.#isShared) await this.#letOthersIn();
    return () => {
      this.#endedAt = performance.now();
      resolve();
    };
  }

  /** Without a break whoever has the lock would have it again before others have tried: they would wait for as long as there is work. */
  async #letOthersIn(): Promise<void> {
    const now = performance.now();
    const isFollowing = now - this.#endedAt < breakMs;
    if (isFollowing && now - this.#heldSince > maxHoldMs) await sleep(breakMs);
    if (!isFollowing || now - this.#heldSince > maxHoldMs) this.#heldSince = performance.now();
  }
}

const lossMark = '/* may be lost */';

/** Ends a statement, outside of transactions, that is of no worth to whoever would hear of its loss: nobody waits until the disk has it. */
export const mayBeLost = sql.raw(lossMark);

export function mayWrite({ sql }: CompiledQuery): boolean {
  return !sql.startsWith('select');
}
