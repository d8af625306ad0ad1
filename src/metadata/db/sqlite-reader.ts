/** A thread that reads a SQLite database, one statement at a time: see sqlite-reader-thread.ts. */
import { getCompileCacheDir } from 'node:module';
import type { SQLInputValue } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { UnavailableError } from '../../oci/unavailable.ts';
import type { Row } from './record-rows.ts';
import type { ReadAnswer, ReadRequest } from './sqlite-reader-thread.ts';

/** Of JavaScript, where rows are on their way: 500 with all that they hold are far less. What SQLite itself needs is not counted. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export class Reader {
  readonly #worker: Worker;
  /** Resolves when the thread is no more, whyever. */
  readonly ended: Promise<void>;
  #waiting: PromiseWithResolvers<ReadAnswer> | undefined;
  #isBusy = false;

  constructor(file: string) {
    const cache = getCompileCacheDir();
    this.#worker = new Worker(new URL('./sqlite-reader-thread.ts', import.meta.url), {
      name: 'database reader',
      workerData: file,
      // Nothing of the process's own; a thread that finds itself compiled spares 16 MiB and most of its start.
      env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
      resourceLimits,
    });
    // A thread that waits for work keeps no process from ending.
    this.#worker.unref();
    this.#worker.on('message', (answer: ReadAnswer) => this.#waiting?.resolve(answer));
    let cause: unknown;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#worker.on('exit', () => {
      this.#waiting?.reject(new UnavailableError('a thread that reads the database ended', { cause }));
      resolve();
    });
  }

  /** Whether it takes no other statement: for the time being, or, where it was stopped, for ever. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** @throws UnavailableError when the thread ends; SQLite's errors, by their result code */
  async read(sql: string, parameters: readonly SQLInputValue[]): Promise<readonly Row[]> {
    this.#isBusy = true;
    this.#worker.ref();
    const rows: Row[] = [];
    for (let request: ReadRequest = { sql, parameters }; ; request = 'more') {
      const answer = await this.#ask(request);
      if ('rows' in answer) rows.push(...answer.rows);
      if ('rows' in answer && !answer.isLast) continue;
      this.#isBusy = false;
      this.#worker.unref();
      if ('rows' in answer) return rows;
      throw Object.assign(new Error(answer.failure.message), { errcode: answer.failure.errcode });
    }
  }

  /** What it reads fails at once; the thread is gone when its statement has the next row, or its end. */
  stop(reason: UnavailableError): void {
    this.#isBusy = true;
    this.#worker.unref();
    this.#waiting?.reject(reason);
    void this.#worker.terminate();
  }

  #ask(request: ReadRequest): Promise<ReadAnswer> {
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage(request);
    return this.#waiting.promise;
  }
}
