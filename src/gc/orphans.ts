/**
 * Finds bytes that no record names, which a crash between two steps leaves, and removes them a day later, with those that were moved to
 * another store; finds records whose bytes are gone. A task.
 */

import type { Finding } from '../metadata/content/stored-blobs.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { BlobInventory, BlobStore, StoredCopy } from '../storage/blob-store.ts';
import { StoreAbsent } from '../storage/store-identity.ts';
import type { TaskOutcome } from '../tasks/task.ts';
import { compareStored, isOrphan } from './compare-stored.ts';
import { type FindingTools, openFindings, settleFindings, treatCopy } from './storage-findings.ts';

export interface OrphansOptions extends FindingTools {
  readonly database: FindingTools['database'] & Pick<Records, 'blobs' | 'storedBlobs'>;
  readonly store: Pick<BlobStore, 'open' | 'delete'>;
  readonly inventory: BlobInventory;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Bytes are published before their record is made: far longer than that takes, and than anybody reads who has opened them. */
const orphanAgeMs = dayMs;

export class Orphans {
  readonly name = 'storage.orphans';
  readonly everyMs = dayMs;
  readonly #options: OrphansOptions;

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<TaskOutcome> {
    const { database, now } = this.#options;
    await settleFindings(this.#options);
    const counts = { copies: 0, removed: 0, bytes: 0, missing: 0 };
    const due = openFindings(database.storedBlobs, ['orphaned', 'moved'], now() - orphanAgeMs);
    for await (const finding of due) {
      if (signal.aborted) return { result: counts };
      if (!(await this.#remove(finding))) continue;
      counts.removed += 1;
      counts.bytes += finding.size;
    }
    for await (const { copy, record } of compareStored(this.#options)) {
      if (signal.aborted) return { result: counts };
      if (copy) counts.copies += 1;
      if (copy && !record) await this.#note(copy);
      if (record && !copy && (await this.#isMissing(record.storageKey))) {
        if ((await treatCopy(this.#options, record, 'missing')) !== 'gone') counts.missing += 1;
      }
    }
    return { result: counts };
  }

  /** It is only found at first, so that there is a day to notice a store that belongs to another database. */
  async #note(copy: StoredCopy): Promise<void> {
    const { database, log, now } = this.#options;
    if (!(await isOrphan(this.#options, copy, now() - orphanAgeMs))) return;
    const { digest, key, size } = copy;
    const finding = { kind: 'orphaned', digest, storageKey: key, size, hosted: false } as const;
    if (await database.storedBlobs.addFinding(finding))
      log.warn({ digest, key, size }, 'bytes that no record names were found: they will be removed in a day');
  }

  /** False where a record names it after all. */
  async #remove({ id, kind, digest, storageKey: key, size }: Finding): Promise<boolean> {
    const { database, store, log } = this.#options;
    if (await database.storedBlobs.isRecorded(key)) {
      await database.storedBlobs.settle(id, 'healed');
      return false;
    }
    try {
      await store.delete(key);
    } catch (error) {
      // A store that comes back is listed again.
      if (!(error instanceof StoreAbsent)) throw error;
    }
    await database.storedBlobs.settle(id, 'removed');
    if (kind === 'orphaned') log.warn({ digest, key, size }, 'bytes that no record names were removed');
    return true;
  }

  /** A listing need not have what was there when it began. */
  async #isMissing(key: string): Promise<boolean> {
    const reader = await this.#options.store.open(key);
    await reader?.close();
    return reader === undefined;
  }
}
