/**
 * Makes durable what SQLite has committed to its write-ahead log. SQLite's own syncs would keep the event loop waiting for the disk, once
 * for each transaction; here those that were committed while one sync ran share the next, on a thread of the system's. Nothing that comes
 * later in the log can outlive what comes before, so nobody builds on what is lost.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { NextRun } from '../../concurrency/next-run.ts';
import { UnavailableError } from '../../oci/unavailable.ts';

export class LogSync {
  readonly #path: string;
  #log: Promise<FileHandle> | undefined;
  /** Whoever comes after a failure finds it, too. */
  readonly #syncs = new NextRun(() => this.#sync());
  #failure: UnavailableError | undefined;
  #isClosed = false;

  /** @param file of the database */
  constructor(file: string) {
    this.#path = `${file}-wal`;
  }

  /** @throws UnavailableError once a sync has failed: systems forget what they could not write, so that the next would pass without it */
  demand(): void {
    if (this.#failure) throw this.#failure;
  }

  /** All that was committed before is on the disk then. @throws UnavailableError where that is not known */
  sync(): Promise<void> {
    return this.#syncs.ask();
  }

  async close(): Promise<void> {
    await this.#syncs.settle();
    this.#isClosed = true;
    await (await this.#log)?.close();
  }

  async #sync(): Promise<void> {
    this.demand();
    const log = await this.#open();
    try {
      await log.datasync();
    } catch (cause) {
      this.#failure = unavailable(
        'the disk of the database failed: start the server again once it works',
        cause,
      );
      throw this.#failure;
    }
  }

  /** It is there by the first commit, and the same until the database is closed. Only who has it open meanwhile hears of failures. */
  async #open(): Promise<FileHandle> {
    // Nobody would close it.
    if (this.#isClosed) throw new UnavailableError('the database is closed');
    this.#log ??= open(this.#path, 'r');
    try {
      return await this.#log;
    } catch (cause) {
      this.#log = undefined;
      throw unavailable('the database cannot be opened', cause);
    }
  }
}

function unavailable(sentence: string, cause: unknown): UnavailableError {
  return new UnavailableError(sentence, { cause });
}
