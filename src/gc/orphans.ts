/**
 * Finds bytes that no record names, which a crash between two steps leaves, and removes them a day later; finds records whose bytes
 * are gone. A key is used once: what no record names long after it was written will never be named by one. A task.
 */

import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { BlobInventory, BlobStore, StoredCopy } from '../storage/blob-store.ts';
import type { TaskOutcome } from '../tasks/task.ts';
import { type FindingTools, settleFindings, treatCopy } from './storage-findings.ts';

export interface OrphansOptions extends FindingTools {
  readonly database: FindingTools['database'] & Pick<Records, 'blobs' | 'storedBlobs'>;
  readonly store: Pick<BlobStore, 'open' | 'delete'>;
  readonly inventory: BlobInventory;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Bytes are published before their record is made: far longer than that takes. */
const orphanAgeMs = dayMs;
const batchSize = 500;

export class Orphans {
  readonly name = 'storage.orphans';
  readonly everyMs = dayMs;
  readonly #options: OrphansOptions;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<TaskOutcome> {
    await settleFindings(this.#options);
    const counts = { copies: 0, removed: 0, bytes: 0, missing: 0 };
    for await (const copy of this.#options.inventory.list()) {
      if (signal.aborted) return { result: counts };
      counts.copies += 1;
      if (await this.#remove(copy)) {
        counts.removed += 1;
        counts.bytes += copy.size;
      }
    }
    for (let after = ''; ; ) {
      const batch = await this.#options.database.storedBlobs.list(after, batchSize);
      for (const copy of batch) {
        if (signal.aborted) return { result: counts };
        const reader = await this.#options.store.open(copy.storageKey);
        await reader?.close();
        if (!reader && (await treatCopy(this.#options, copy, 'missing')) !== 'gone') counts.missing += 1;
        after = copy.digest;
      }
      if (batch.length < batchSize) return { result: counts };
    }
  }

  /** The first time it is only found, so that there is a day to notice a store that belongs to another database. */
  async #remove({ digest, key, size, writtenAt }: StoredCopy): Promise<boolean> {
    const { database, store, log, now } = this.#options;
    if (writtenAt > now() - orphanAgeMs) return false;
    if ((await database.blobs.find(digest))?.storageKey === key) return false;
    const found = await database.storedBlobs.findFinding(key);
    if (!found) {
      await database.storedBlobs.addFinding({
        kind: 'orphaned',
        digest,
        storageKey: key,
        size,
        hosted: false,
      });
      log.warn({ digest, key, size }, 'bytes that no record names were found: they will be removed in a day');
      return false;
    }
    if (found.foundAt > now() - orphanAgeMs) return false;
    await store.delete(key);
    await database.storedBlobs.settle(found.id, 'removed');
    log.warn({ digest, key, size }, 'bytes that no record names were removed');
    return true;
  }
}
