/** Ends uploads that have expired, and removes bytes that no upload goes on with: at start, and from time to time. */
import type { Log } from '../log.ts';
import type { Database } from '../metadata/database.ts';
import type { UploadStore } from '../storage/upload-store.ts';

export interface UploadExpiryOptions {
  readonly database: Pick<Database, 'uploads'>;
  readonly uploads: UploadStore;
  /** Why nothing may be changed now: then nothing is removed. Undefined: it may. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  /** How long uploads last. */
  readonly expiryMs: number;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const maxPeriodMs = 60 * 60 * 1000;

export class UploadExpiry {
  readonly #options: UploadExpiryOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: UploadExpiryOptions) {
    this.#options = options;
  }

  /** Now and periodically from then on, in the background; a failure is logged and tried again. */
  start(): void {
    const run = () => {
      this.#running = this.#running
        .then(() => this.run())
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'expired uploads not removed'));
    };
    run();
    this.#timer = setInterval(run, Math.min(maxPeriodMs, this.#options.expiryMs));
    this.#timer.unref();
  }

  /** Once. @throws what the database and the store throw */
  async run(): Promise<void> {
    const { database, uploads, readOnlyReason, log, now } = this.#options;
    if ((await readOnlyReason()) !== undefined) return;
    const sessions = await database.uploads.removeExpired(now());
    // Listed before they are looked for: a session has its record before it has bytes.
    const ids = await uploads.listUploads();
    const known = await database.uploads.listKnown(ids);
    const left = ids.filter((id) => !known.has(id));
    for (const id of left) await uploads.removeUpload(id);
    if (sessions > 0 || left.length > 0)
      log.info({ sessions, uploads: left.length }, 'uploads that are over were removed');
  }

  /** Waits for what is being removed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
