/**
 * Reads stored blobs again in the background, the longest unread first, at a set rate: what has rotted is found before somebody needs
 * it. A task.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Records } from '../metadata/db/records.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { TaskOutcome } from '../tasks/task.ts';
import { type FindingTools, settleFindings, treatCopy } from './storage-findings.ts';
import { type Verdict, verifyCopy } from './verify-copy.ts';

export interface ScrubObserver {
  /** A copy was read. */
  verified(verdict: Verdict, bytes: number): void;
}

export interface ScrubOptions extends FindingTools {
  readonly database: FindingTools['database'] & Pick<Records, 'storedBlobs'>;
  readonly store: Pick<BlobStore, 'open'>;
  /** Each blob once in this time. */
  readonly intervalMs: number;
  /** Undefined: nothing is read. */
  readonly bytesPerSecond: number | undefined;
  readonly observer: ScrubObserver;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const everyMs = 60 * 60 * 1000;
const batchSize = 100;
/** After that the task says that there is more to do, so that what it did is seen. */
const maxRunMs = 60_000;

export class Scrub {
  readonly name = 'storage.scrub';
  readonly everyMs = everyMs;
  readonly #options: ScrubOptions;

  constructor(options: ScrubOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<TaskOutcome> {
    const { database, store, intervalMs, bytesPerSecond, observer, now } = this.#options;
    const counts = { verified: 0, bytes: 0, bad: 0, healed: 0 };
    await settleFindings({ database, store });
    if (bytesPerSecond === undefined) return { result: counts };
    const endsAt = performance.now() + maxRunMs;
    const before = now() - intervalMs;
    const pace = async (bytes: number) => {
      counts.bytes += bytes;
      await sleep((bytes / bytesPerSecond) * 1000, undefined, { signal, ref: false }).catch(() => undefined);
    };
    for (;;) {
      const batch = await database.storedBlobs.listUnverified(before, batchSize);
      if (batch.length === 0) return { result: counts };
      for (const copy of batch) {
        const verdict = await verifyCopy(store, copy, signal, pace);
        if (verdict === undefined) return { result: counts };
        observer.verified(verdict, copy.size);
        counts.verified += 1;
        if (verdict !== 'sound') {
          const treatment = await treatCopy(this.#options, copy, verdict);
          if (treatment !== 'gone') counts.bad += 1;
          if (treatment === 'healed') counts.healed += 1;
        }
        await database.storedBlobs.setVerified(copy);
        if (signal.aborted || performance.now() > endsAt) return { result: counts, again: true };
      }
    }
  }
}
