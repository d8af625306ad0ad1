/** Counts pulls of what was pushed to us in memory and records them in batches, so that a pull writes nothing. */
import { Usage, type UsageOptions } from '../cache/usage.ts';
import type { PullCounts } from '../metadata/hosted/pull-counts.ts';
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';

export interface PullCounterOptions extends Omit<UsageOptions, 'record'> {
  readonly records: Pick<PullCounts, 'record'>;
}

export interface Pull {
  readonly repositoryId: number;
  /** Of the manifest. */
  readonly digest: Digest;
  /** Undefined: it was pulled by digest. */
  readonly tag: Tag | undefined;
}

export class PullCounter {
  readonly #usage: Usage<string>;

  constructor({ records, ...options }: PullCounterOptions) {
    this.#usage = new Usage({
      ...options,
      record: (downloads) =>
        records.record(downloads.map(({ id, ...counted }) => ({ ...partsOf(id), ...counted }))),
    });
  }

  count({ repositoryId, digest, tag }: Pull): void {
    this.#usage.count(`${repositoryId} ${digest} ${tag ?? ''}`);
  }

  /** Resolves when everything counted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#usage.flush();
  }

  close(): Promise<void> {
    return this.#usage.close();
  }
}

/** Of a key: no part of it has a space. */
function partsOf(key: string) {
  const [repositoryId, digest = '', tag] = key.split(' ');
  return { repositoryId: Number(repositoryId), digest, tag: tag || undefined };
}
