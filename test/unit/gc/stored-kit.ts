/** Blobs in repositories, their bytes in memory, and what was found wrong with them. */
import type { Finding } from '../../../src/metadata/content/stored-blobs.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import type { BlobInventory, StorageKey, StoredCopy } from '../../../src/storage/blob-store.ts';
import { openSqlite } from '../../support/databases.ts';
import { createRepository } from '../../support/hosted-records.ts';
import { listeningLog } from '../../support/listening-log.ts';
import { MemoryBlobStore } from '../../support/memory-blob-store.ts';

export const hourMs = 60 * 60 * 1000;
export const dayMs = 24 * hourMs;

export type StoredKit = Awaited<ReturnType<typeof startStored>>;

export async function startStored() {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const database = await openSqlite(() => clock.now);
  const store = new MemoryBlobStore();
  const { log, told } = listeningLog();
  const writtenAt = new Map<StorageKey, number>();
  const quarantined: StorageKey[] = [];
  const unfinished = new Set<StorageKey>();
  const inventory: BlobInventory = {
    async *list(): AsyncGenerator<StoredCopy> {
      for (const [key, { length: size }] of [...store.blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const [digest] = key.split('/') as [Digest];
        yield { key, digest, size, writtenAt: writtenAt.get(key) ?? 0 };
      }
    },
    isUnfinished: async (key) => unfinished.has(key),
    async quarantine(key) {
      quarantined.push(key);
      return store.blobs.delete(key);
    },
  };
  /** Bytes that no record names yet. */
  const write = async (text: string) => {
    const spool = await store.createSpool();
    await spool.append(Buffer.from(text));
    const digest = digestOf(Buffer.from(text));
    const storageKey = await spool.commit(digest);
    writtenAt.set(storageKey, clock.now);
    return { digest, storageKey, size: text.length, createdAt: clock.now };
  };
  /** A blob that repositories link: where it is. */
  const push = async (text: string, ...repositories: readonly string[]) => {
    const blob = await write(text);
    for (const name of repositories.length > 0 ? repositories : ['acme/shop']) {
      const { id } = await createRepository(database, name);
      await database.repositoryBlobs.link(id, blob.digest, blob);
    }
    return blob;
  };
  /** So many blobs of acme/shop, by digest. */
  const pushMany = async (count: number) => {
    const blobs = await Promise.all(Array.from({ length: count }, (_, index) => write(`${index}`)));
    const { id } = await createRepository(database, 'acme/shop');
    await database.transaction(async (tx) => {
      for (const blob of blobs) await tx.repositoryBlobs.link(id, blob.digest, blob);
    });
    return blobs.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  };
  return {
    clock,
    now: () => clock.now,
    database,
    store,
    inventory,
    quarantined,
    unfinished,
    log,
    told,
    write,
    push,
    pushMany,
    rot: (key: StorageKey) =>
      void store.blobs.set(key, Buffer.from('R'.repeat(store.blobs.get(key)?.length ?? 0))),
    /** The first first: what was found, what became of it, and of which bytes. */
    findings: async (): Promise<readonly [Finding['kind'], Finding['state'], Digest][]> => {
      const { records } = await database.storedBlobs.listFindings(undefined, { page: 1, perPage: 1000 });
      return records.map(({ kind, state, digest }) => [kind, state, digest] as const).reverse() as never;
    },
    events: async () => (await database.auditEvents.list({}, { page: 1, perPage: 1000 })).records,
  };
}
