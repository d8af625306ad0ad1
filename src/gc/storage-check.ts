/** Reads everything that is stored at once and compares it with the records, for an operator who asks. */

import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { BlobInventory, BlobStore } from '../storage/blob-store.ts';
import { type FindingTools, treatCopy } from './storage-findings.ts';
import { type Verdict, verifyCopy } from './verify-copy.ts';

export interface CheckOptions {
  readonly database: FindingTools['database'] & Pick<Records, 'blobs' | 'storedBlobs'>;
  readonly store: Pick<BlobStore, 'open' | 'delete'>;
  readonly inventory: BlobInventory;
  /** Quarantine what is corrupt and remove what no record names; else nothing is changed. */
  readonly repair: boolean;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Fault {
  readonly kind: Exclude<Verdict, 'sound'> | 'orphaned';
  readonly digest: Digest;
  readonly storageKey: string;
  /** Of some of those that link it: who pushes it again heals it. Empty for what was fetched, which the next pull fetches again. */
  readonly repositories: readonly string[];
}

export interface CheckReport {
  readonly blobs: number;
  readonly bytes: number;
  readonly faults: readonly Fault[];
}

const batchSize = 500;
const maxRepositoriesNamed = 20;
/** A server that runs publishes bytes before it records them. */
const orphanAgeMs = 60 * 60 * 1000;

/** Beside a running server, too. */
export async function checkStorage(options: CheckOptions): Promise<CheckReport> {
  const { database, store } = options;
  const faults: Fault[] = [];
  let [blobs, bytes] = [0, 0];
  for (let after = ''; ; ) {
    const batch = await database.storedBlobs.list(after, batchSize);
    for (const copy of batch) {
      after = copy.digest;
      blobs += 1;
      bytes += copy.size;
      const verdict = await verifyCopy(store, copy, AbortSignal.any([]), () => undefined);
      if (!verdict || verdict === 'sound') continue;
      // The collector may have been there meanwhile.
      if ((await database.blobs.find(copy.digest))?.storageKey !== copy.storageKey) continue;
      const repositories = await database.storedBlobs.listRepositories(copy.digest, maxRepositoriesNamed);
      faults.push({ kind: verdict, digest: copy.digest, storageKey: copy.storageKey, repositories });
      if (options.repair) await treatCopy({ ...options, heal: async () => false }, copy, verdict);
    }
    if (batch.length < batchSize) break;
  }
  for await (const orphan of findOrphans(options)) {
    faults.push(orphan);
    if (options.repair) await store.delete(orphan.storageKey);
  }
  return { blobs, bytes, faults };
}

async function* findOrphans({ database, inventory, now }: CheckOptions): AsyncGenerator<Fault> {
  for await (const { key, digest, writtenAt } of inventory.list()) {
    if (writtenAt > now() - orphanAgeMs) continue;
    if ((await database.blobs.find(digest))?.storageKey === key) continue;
    yield { kind: 'orphaned', digest, storageKey: key, repositories: [] };
  }
}
