/**
 * Moves blobs to one store from all others, beside servers that push and pull: each is copied, verified on its way, and recorded at its new
 * place. Records say what is left to do, so that a run goes on where one before was ended. Old copies stay for a day, for whoever reads them.
 */
import { eachOf } from '../concurrency/each-of.ts';
import type { BlobRecord } from '../metadata/content/blobs.ts';
import type { Database } from '../metadata/db/database.ts';
import { algorithmOf, finishDigest, hasherOf } from '../oci/digest.ts';
import type { BlobReader, BlobStore, CopyTarget, StorageKey } from '../storage/blob-store.ts';
import type { ChunkSource } from '../storage/chunk-reader.ts';
import type { Pace } from '../storage/pace.ts';
import { storeNameOf } from '../storage/stores-by-key.ts';
import { inPages } from './in-pages.ts';
import { isUnreadable } from './verify-copy.ts';

export interface MoveOptions {
  readonly database: Pick<Database, 'storedBlobs' | 'transaction'>;
  /** All of them. */
  readonly stores: Pick<BlobStore, 'open'>;
  /** Where they go. */
  readonly target: CopyTarget & Pick<BlobStore, 'delete'>;
  readonly targetName: string;
  /** Waited for after each of so many bytes. */
  readonly pace: Pace;
  readonly onOutcome: (outcome: MoveOutcome, blob: BlobRecord) => void;
}

/** missing, corrupt: what is wrong with the old copy, which stays as it is; gone: it was collected or written anew meanwhile. */
export type MoveOutcome = 'moved' | 'missing' | 'corrupt' | 'gone';

/** At a time: what is small costs little but waiting. */
const maxMoves = 4;

/** Those that are recorded in another store than this one, by digest. */
export async function* listOutside(
  { storedBlobs }: Pick<Database, 'storedBlobs'>,
  store: string,
): AsyncGenerator<BlobRecord, void, undefined> {
  for await (const blob of inPages(storedBlobs.list.bind(storedBlobs), '', ({ digest }) => digest))
    if (storeNameOf(blob.storageKey) !== store) yield blob;
}

/** All that is outside now. @throws what the database and the stores throw, with what was moved so far recorded */
export async function moveBlobs(options: MoveOptions): Promise<void> {
  await eachOf(listOutside(options.database, options.targetName), maxMoves, async (blob) =>
    options.onOutcome(await moveBlob(options, blob), blob),
  );
}

async function moveBlob(options: MoveOptions, blob: BlobRecord): Promise<MoveOutcome> {
  const reader = await options.stores.open(blob.storageKey);
  if (!reader) return outcomeOf(options, blob, 'missing');
  try {
    if (reader.size !== blob.size) throw new WrongBytes();
    const source = verifying(reader, blob, options.pace);
    const storageKey = await options.target.copyIn(source, blob.size, blob.digest);
    if (await record(options, blob, storageKey)) return 'moved';
    await options.target.delete(storageKey);
    return 'gone';
  } catch (error) {
    if (error instanceof WrongBytes || isUnreadable(error)) return outcomeOf(options, blob, 'corrupt');
    throw error;
  } finally {
    await reader.close();
  }
}

/** Nothing is wrong with what nobody needs any more. */
async function outcomeOf(
  { database }: MoveOptions,
  { storageKey }: BlobRecord,
  outcome: MoveOutcome,
): Promise<MoveOutcome> {
  return (await database.storedBlobs.isRecorded(storageKey)) ? outcome : 'gone';
}

/** False where another copy was recorded meanwhile, or the blob collected. */
function record({ database }: MoveOptions, blob: BlobRecord, storageKey: StorageKey): Promise<boolean> {
  const { digest, size } = blob;
  return database.transaction(async (tx) => {
    if (!(await tx.blobs.replaceCopy({ ...blob, storageKey }, blob.storageKey))) return false;
    await tx.storedBlobs.setVerified({ digest, storageKey });
    const { storageKey: left } = blob;
    await tx.storedBlobs.addFinding({ kind: 'moved', digest, storageKey: left, size, hosted: false });
    return true;
  });
}

/** The bytes in order; the last ones come only where all are those of the digest. */
function verifying(reader: BlobReader, { digest, size }: BlobRecord, pace: Pace): ChunkSource {
  const algorithm = algorithmOf(digest);
  const hash = hasherOf(algorithm);
  return {
    async readAt(buffer, position) {
      const bytes = await reader.readAt(buffer, position, size);
      hash.update(buffer.subarray(0, bytes));
      await pace(bytes);
      if (position + bytes === size && finishDigest(algorithm, hash) !== digest) throw new WrongBytes();
      return bytes;
    },
  };
}

class WrongBytes extends Error {
  override readonly name = 'WrongBytes';
}
