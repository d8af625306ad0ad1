/** Reads everything that is stored at once and compares it with the records, for an operator who asks. */

import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { BlobInventory, BlobStore } from '../storage/blob-store.ts';
import { compareStored, isOrphan } from './compare-stored.ts';
import { inPages } from './in-pages.ts';
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
  /** Undefined where only the bytes would say. */
  readonly digest: Digest | undefined;
  readonly storageKey: string;
  /** Of some of those that link it: who pushes it again heals it. Empty for what was fetched, which the next pull fetches again. */
  readonly repositories: readonly string[];
}

export interface CheckReport {
  readonly blobs: number;
  readonly bytes: number;
  readonly faults: readonly Fault[];
}

const maxRepositoriesNamed = 20;
/** A server that runs publishes bytes before it records them. */
const orphanAgeMs = 60 * 60 * 1000;

/** Beside a running server, too. */
export async function checkStorage(options: CheckOptions): Promise<CheckReport> {
  const { database, store } = options;
  const faults: Fault[] = [];
  let [blobs, bytes] = [0, 0];
  const { storedBlobs } = database;
  for await (const copy of inPages(storedBlobs.list.bind(storedBlobs), '', ({ digest }) => digest)) {
    blobs += 1;
    bytes += copy.size;
    const verdict = await verifyCopy(store, copy, AbortSignal.any([]), () => undefined);
    if (!verdict || verdict === 'sound') continue;
    // The collector may have been there meanwhile, or a move to another store.
    if ((await database.blobs.find(copy.digest))?.storageKey !== copy.storageKey) continue;
    const repositories = await storedBlobs.listRepositories(copy.digest, maxRepositoriesNamed);
    faults.push({ kind: verdict, digest: copy.digest, storageKey: copy.storageKey, repositories });
    if (options.repair) await treatCopy({ ...options, heal: async () => false }, copy, verdict);
  }
  for await (const orphan of findOrphans(options)) {
    faults.push(orphan);
    if (options.repair) await store.delete(orphan.storageKey);
  }
  return { blobs, bytes, faults };
}

async function* findOrphans(options: CheckOptions): AsyncGenerator<Fault> {
  const { database, now } = options;
  for await (const { copy, record } of compareStored(options)) {
    if (!copy || record || !(await isOrphan(options, copy, now() - orphanAgeMs))) continue;
    // What was moved goes by itself.
    if ((await database.storedBlobs.findFinding(copy.key))?.kind === 'moved') continue;
    yield { kind: 'orphaned', digest: copy.digest, storageKey: copy.key, repositories: [] };
  }
}
