/** Counts pulls of what was pushed to us in memory and records them in batches, so that a pull writes nothing. */
import { WriteBehind } from '../concurrency/write-behind.ts';
import type { PullCounts } from '../metadata/hosted/pull-counts.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';

export interface PullCounterOptions {
  readonly records: Pick<PullCounts, 'record'>;
  readonly flushMs: number;
  readonly now: () => number;
  readonly log: Log;
}

export interface Pull {
  readonly repositoryId: number;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Undefined: it was pulled by digest. */
  readonly tag: Tag | undefined;
}

interface CountedPull extends Pull {
  readonly count: number;
  readonly lastAt: number;
}

const maxManifests = 100_000;

export class PullCounter {
  readonly #pulls: WriteBehind<string, CountedPull>;
  readonly #now: () => number;

  constructor({ records, flushMs, now, log }: PullCounterOptions) {
    this.#now = now;
    this.#pulls = new WriteBehind({
      record: (pulls) => records.record([...pulls.values()]),
      merge: (older, newer) => ({ ...newer, count: older.count + newer.count }),
      everyMs: flushMs,
      max: maxManifests,
      onFailure: (err, entries) => log.error({ err, entries }, 'downloads not recorded; trying again later'),
      onLost: (downloads) => log.error({ downloads }, 'too many manifests at once: some downloads are lost'),
    });
    this.#pulls.start();
  }

  count({ repositoryId, digest, tag }: Pull): void {
    const key = `${repositoryId} ${digest} ${tag ?? ''}`;
    this.#pulls.add(key, { repositoryId, digest, tag, count: 1, lastAt: this.#now() });
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#pulls.flush();
  }

  close(): Promise<void> {
    return this.#pulls.close();
  }
}
