/** What is stored beside what is recorded, both in the order of keys, so that neither has to fit into memory. */
import type { BlobRecord } from '../metadata/content/blobs.ts';
import type { StoredBlobs } from '../metadata/content/stored-blobs.ts';
import type { BlobInventory, StoredCopy } from '../storage/blob-store.ts';
import { inPages } from './in-pages.ts';

/** One of them is undefined where the other was found alone: whoever relies on that looks again, since both change meanwhile. */
export interface Compared {
  readonly copy?: StoredCopy;
  readonly record?: BlobRecord;
}

export interface ComparedTools {
  readonly database: { readonly storedBlobs: Pick<StoredBlobs, 'listByKey'> };
  readonly inventory: Pick<BlobInventory, 'list'>;
}

export async function* compareStored({
  database,
  inventory,
}: ComparedTools): AsyncGenerator<Compared, void, undefined> {
  const { storedBlobs } = database;
  const records = inPages(storedBlobs.listByKey.bind(storedBlobs), '', ({ storageKey }) => storageKey);
  const next = async () => (await records.next()).value ?? undefined;
  let record = await next();
  for await (const copy of inventory.list()) {
    for (; record && record.storageKey < copy.key; record = await next()) yield { record };
    if (record?.storageKey !== copy.key) {
      yield { copy };
      continue;
    }
    yield { copy, record };
    record = await next();
  }
  for (; record; record = await next()) yield { record };
}

/**
 * Whether no record will ever name a copy: a key is used once, and what is older than a write takes has been recorded, or will never be.
 * In this order, since a write is forgotten only once it is recorded.
 */
export async function isOrphan(
  {
    database,
    inventory,
  }: {
    readonly database: { readonly storedBlobs: Pick<StoredBlobs, 'isRecorded'> };
    readonly inventory: Pick<BlobInventory, 'isUnfinished'>;
  },
  { key, writtenAt }: StoredCopy,
  before: number,
): Promise<boolean> {
  if (writtenAt > before) return false;
  return !(await inventory.isUnfinished(key)) && !(await database.storedBlobs.isRecorded(key));
}
