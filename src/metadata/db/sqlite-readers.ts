/**
 * Reads of a SQLite database that may take long: in threads, so that the event loop goes on meanwhile, and out of the way of transactions.
 * What they see is all that is committed when they begin.
 */
import type { SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { UnavailableError } from '../../oci/unavailable.ts';
import type { Row } from './record-rows.ts';
import { Reader } from './sqlite-reader.ts';

const maxReaders = 2;
/** A statement that took so long the last time leaves one thread to those that did not. */
const longMs = 50;
const rememberedStatements = 500;
/** Whoever waits so long for an answer is told instead, as on PostgreSQL. */
const answerTimeoutMs = 30_000;
const maxWaiting = 1000;
/** Threads without work for so long end. */
const idleMs = 30_000;
/** A thread in the middle of a statement ends when that does, which is not waited for any longer. */
const endTimeoutMs = 1000;

interface Reading extends PromiseWithResolvers<readonly Row[]> {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

export class Readers {
  readonly #file: string;
  readonly #readers = new Set<Reader>();
  readonly #tookMs = new LRUCache<string, number>({ max: rememberedStatements });
  readonly #waiting = new Set<Reading>();
  readonly #running = new Map<Reading, Reader>();
  #isClosed = false;
  #idle: NodeJS.Timeout | undefined;

  /** Starts nothing before the first read. */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws UnavailableError when it takes too long, or its thread ends; SQLite's errors, by their result code */
  async read(sql: string, parameters: readonly SQLInputValue[]): Promise<readonly Row[]> {
    if (this.#isClosed) throw closed();
    if (this.#waiting.size >= maxWaiting) throw new UnavailableError('too many wait for the database');
    const reading: Reading = { sql, parameters, ...Promise.withResolvers<readonly Row[]>() };
    const timeout = setTimeout(() => this.#giveUp(reading), answerTimeoutMs);
    this.#waiting.add(reading);
    this.#startReads();
    try {
      return await reading.promise;
    } finally {
      clearTimeout(timeout);
    }
  }

  /** What is read or waits fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting) reject(closed());
    this.#waiting.clear();
    clearTimeout(this.#idle);
    const readers = [...this.#readers];
    for (const reader of readers) reader.stop(closed());
    const isOver = new AbortController();
    await Promise.race([
      Promise.all(readers.map(({ ended }) => ended)),
      sleep(endTimeoutMs, undefined, isOver).catch(() => undefined),
    ]);
    isOver.abort();
  }

  #startReads(): void {
    for (;;) {
      const reading = this.#waiting
        .values()
        .find(({ sql }) => !this.#isLong(sql) || this.#hasThreadToSpare());
      const reader = reading && this.#findReader();
      if (!reader) return;
      this.#waiting.delete(reading);
      void this.#read(reader, reading);
    }
  }

  async #read(reader: Reader, reading: Reading): Promise<void> {
    const { sql, parameters, resolve, reject } = reading;
    this.#running.set(reading, reader);
    const startedAt = performance.now();
    try {
      resolve(await reader.read(sql, parameters));
    } catch (error) {
      reject(error);
    }
    this.#tookMs.set(sql, performance.now() - startedAt);
    this.#running.delete(reading);
    this.#idle ??= setTimeout(() => this.#endIdle(), idleMs).unref();
    this.#idle.refresh();
    this.#startReads();
  }

  #giveUp(reading: Reading): void {
    const reason = new UnavailableError(`the database did not answer within ${answerTimeoutMs / 1000} s`);
    this.#running.get(reading)?.stop(reason);
    this.#waiting.delete(reading);
    reading.reject(reason);
  }

  #endIdle(): void {
    for (const reader of this.#readers) if (!reader.isBusy) reader.stop(closed());
  }

  /** Besides the one for what is quick. */
  #hasThreadToSpare(): boolean {
    const long = [...this.#running.keys()].filter(({ sql }) => this.#isLong(sql));
    return long.length < maxReaders - 1;
  }

  #findReader(): Reader | undefined {
    const idle = this.#readers.values().find(({ isBusy }) => !isBusy);
    return idle ?? (this.#readers.size < maxReaders ? this.#startReader() : undefined);
  }

  #startReader(): Reader {
    const reader = new Reader(this.#file);
    this.#readers.add(reader);
    void reader.ended.then(() => {
      this.#readers.delete(reader);
      this.#startReads();
    });
    return reader;
  }

  #isLong(sql: string): boolean {
    return (this.#tookMs.get(sql) ?? 0) > longMs;
  }
}

function closed(): UnavailableError {
  return new UnavailableError('the database is closed');
}
