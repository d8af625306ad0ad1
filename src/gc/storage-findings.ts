/** What is done about a copy that is not what its record says: it goes out of everyone's reach, and people are told. */

import type { Finding, StoredBlobs } from '../metadata/content/stored-blobs.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { BlobInventory, BlobStore } from '../storage/blob-store.ts';
import { inPages } from './in-pages.ts';
import type { RecordedCopy, Verdict } from './verify-copy.ts';

export interface FindingTools {
  readonly database: Pick<Records, 'blobs' | 'storedBlobs' | 'auditEvents'>;
  readonly inventory: Pick<BlobInventory, 'quarantine'>;
  /**
   * Fetches a blob again from an upstream that has it, where a virtual registry has fetched it before. False where none has: the next
   * pull tries again.
   */
  readonly heal: (copy: RecordedCopy) => Promise<boolean>;
  readonly log: Log;
}

export type Treatment = 'healed' | 'quarantined' | 'gone';

const maxRepositoriesNamed = 20;

/**
 * Of a hosted blob nobody else has the bytes: it is absent until it is pushed again. One that was fetched is fetched again.
 * @returns gone: another copy was recorded meanwhile, or the blob has been collected
 */
export async function treatCopy(
  { database, inventory, heal, log }: FindingTools,
  copy: RecordedCopy,
  verdict: Exclude<Verdict, 'sound'>,
): Promise<Treatment> {
  const { digest, storageKey, size } = copy;
  const record = await database.blobs.find(digest);
  if (record?.storageKey !== storageKey) return 'gone';
  const repositories = await database.storedBlobs.listRepositories(digest, maxRepositoriesNamed);
  const isHosted = repositories.length > 0;
  if (verdict === 'corrupt') await inventory.quarantine(storageKey);
  const isNew = await database.storedBlobs.addFinding({
    kind: verdict,
    digest,
    storageKey,
    size,
    hosted: isHosted,
  });
  if (isNew) {
    log.error(
      { digest, key: storageKey, verdict, repositories },
      verdict === 'corrupt'
        ? 'the stored bytes of a blob are not what they were: they are quarantined until it is pushed or pulled again'
        : 'the stored bytes of a blob are gone: it is absent until it is pushed or pulled again',
    );
    await database.auditEvents.add({
      actorName: 'scrub',
      action: `blob.${verdict}`,
      targetId: digest,
      details: { size, repositories, storageKey },
    });
  }
  if (!(await heal(copy))) return 'quarantined';
  await database.storedBlobs.settleHealed();
  return 'healed';
}

/** What was healed meanwhile, whoever did it: by another copy, or because the bytes are there again, as of a share that was away. */
export async function settleFindings({
  database: { storedBlobs },
  store,
}: {
  readonly database: Pick<Records, 'storedBlobs'>;
  readonly store: Pick<BlobStore, 'open'>;
}): Promise<void> {
  await storedBlobs.settleHealed();
  for await (const { id, storageKey, size } of openFindings(storedBlobs, ['missing'])) {
    const reader = await store.open(storageKey);
    await reader?.close();
    if (reader?.size === size) await storedBlobs.settle(id, 'healed');
  }
}

/** Of these kinds, the oldest first; they may be settled meanwhile. @param before epoch milliseconds: found no later */
export function openFindings(
  storedBlobs: Pick<StoredBlobs, 'listOpen'>,
  kinds: readonly Finding['kind'][],
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Finding, void, undefined> {
  return inPages(
    (after, limit) => storedBlobs.listOpen(kinds, { after, before, limit }),
    0,
    ({ id }) => id,
  );
}
