/** A task that ends uploads that have expired, and removes bytes that no upload goes on with. */

import type { Database } from '../../metadata/db/database.ts';
import type { Log } from '../../observe/log.ts';
import type { UploadStore } from '../../storage/upload-store.ts';

export interface UploadExpiryOptions {
  readonly database: Pick<Database, 'uploads'>;
  readonly uploads: UploadStore;
  /** How long uploads last. */
  readonly expiryMs: number;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const maxPeriodMs = 60 * 60 * 1000;

export class UploadExpiry {
  readonly name = 'uploads.expire';
  readonly everyMs: number;
  readonly #options: UploadExpiryOptions;

  constructor(options: UploadExpiryOptions) {
    this.#options = options;
    this.everyMs = Math.min(maxPeriodMs, options.expiryMs);
  }

  /** Looks once. @throws what the database and the store throw */
  async run(): Promise<{ readonly result: { readonly sessions: number; readonly uploads: number } }> {
    const { database, uploads, log, now } = this.#options;
    const sessions = await database.uploads.removeExpired(now());
    // Bytes are listed before records are looked for: an upload has its record before it has bytes.
    const ids = await uploads.listUploads();
    const known = await database.uploads.listKnown(ids);
    const left = ids.filter((id) => !known.has(id));
    for (const id of left) await uploads.removeUpload(id);
    if (sessions > 0 || left.length > 0)
      log.info({ sessions, uploads: left.length }, 'uploads that are over were removed');
    return { result: { sessions, uploads: left.length } };
  }
}
