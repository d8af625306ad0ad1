/**
 * Looks after what was written into buckets a while ago: what was committed and recorded is forgotten, and all else, which a process left
 * that died, is removed. The records say what there may be, and nothing is listed. A task.
 */
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { ObjectCleaner } from '../storage/objects/object-cleaner.ts';
import type { TaskOutcome } from '../tasks/task.ts';

export interface LeftWritesOptions {
  readonly database: Pick<Records, 'objectWrites' | 'blobs'>;
  /** By the names of their stores. */
  readonly cleaners: ReadonlyMap<string, Pick<ObjectCleaner, 'remove'>>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const everyMs = 60 * 60 * 1000;
/** Far longer than a part takes, or the recording of what was committed. */
const leftMs = 24 * 60 * 60 * 1000;
const batchSize = 100;

export class LeftWrites {
  readonly name = 'storage.writes';
  readonly everyMs = everyMs;
  readonly #options: LeftWritesOptions;

  constructor(options: LeftWritesOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<TaskOutcome> {
    const { database, cleaners, log, now } = this.#options;
    const counts = { kept: 0, removed: 0 };
    const before = now() - leftMs;
    const writes = await database.objectWrites.listLeft(before, batchSize);
    for (const write of writes) {
      if (signal.aborted) break;
      const { digest, storageKey, store } = write;
      const record = digest && (await database.blobs.find(digest));
      const isKept = record !== undefined && record.storageKey === storageKey;
      // What is no longer configured is looked at when it is again.
      const cleaner = cleaners.get(store);
      if (!cleaner || !(await cleaner.remove(write.id, isKept))) continue;
      counts[isKept ? 'kept' : 'removed'] += 1;
      if (!isKept) log.warn({ store, write: write.id }, 'what a write into a bucket had left was removed');
    }
    return { result: counts, again: counts.kept + counts.removed === batchSize };
  }
}
