/** A bucket in memory whose parts are of 1000 bytes, with memory for one of them, and what is stored in it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BlobReader, Spool } from '../../src/storage/blob-store.ts';
import { unlimitedSpace } from '../../src/storage/disk-space.ts';
import { LocalSpools } from '../../src/storage/objects/local-spools.ts';
import { ObjectBlobStore } from '../../src/storage/objects/object-blob-store.ts';
import { ObjectCleaner } from '../../src/storage/objects/object-cleaner.ts';
import { ObjectInventory } from '../../src/storage/objects/object-inventory.ts';
import { ObjectUploadStore } from '../../src/storage/objects/object-upload-store.ts';
import { PartMemory } from '../../src/storage/objects/part-memory.ts';
import { openSqlite } from './databases.ts';
import { seededBytes } from './fake-content.ts';
import { MemoryObjectStorage } from './memory-object-storage.ts';

export const bytes = seededBytes(20_000, 1);
export const upload = '00000000-0000-4000-8000-000000000001';

export async function openSmallParts() {
  const limits = { minBytes: 1000, maxBytes: 1000, maxParts: 50 };
  const storage = Object.assign(new MemoryObjectStorage(1000), { limits });
  const { objectWrites } = await openSqlite(Date.now);
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-objects-'));
  const space = { ...unlimitedSpace };
  const tools = {
    store: 'bucket',
    storage,
    records: objectWrites,
    guard: { check: async () => undefined },
    spools: new LocalSpools(join(directory, 'spool'), space),
    // Whoever does not give it back stops the next.
    memory: new PartMemory(1000),
    sizing: { chunkBytes: 1000, limits },
  };
  const store = new ObjectBlobStore(tools);
  onTestFinished(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  const uploads = new ObjectUploadStore(tools);
  /** The upload, closed at each of these sizes. */
  const growTo = async (...sizes: readonly number[]) => {
    for (const size of sizes) {
      const spool = await uploads.openUpload(upload);
      await grow(spool, size);
      await spool.close();
    }
  };
  /** Of the call, since it was asked for last. */
  const counted = (call: keyof typeof storage.calls) => {
    const count = storage.calls[call] ?? 0;
    storage.calls[call] = 0;
    return count;
  };
  const left = async () => ({
    objects: [...storage.objects.keys()].length,
    begun: storage.begun.size,
    files: (await readdir(join(directory, 'spool'), { recursive: true }).catch(() => [])).filter((name) =>
      /\/[0-9a-f]{24}$/.test(name),
    ).length,
  });
  const cleaner = new ObjectCleaner(tools);
  /** What was committed or given up: the first of it is removed. @param isKept see the cleaner */
  const clean = async (isKept: boolean) => {
    const [write] = await objectWrites.listLeft(Date.now() + 1_000_000_000, 10);
    return cleaner.remove(write?.id ?? '', isKept);
  };
  const fails = (...calls: readonly string[]) => {
    storage.failing = (call) => (calls.includes(call) ? Promise.reject(new Error('away')) : undefined);
  };
  return {
    ...{ storage, records: objectWrites, directory, space, store, uploads, cleaner },
    inventory: new ObjectInventory(tools),
    ...{ counted, left, growTo, clean, fails },
  };
}

export async function readAll(reader: Pick<BlobReader, 'readAt'> | undefined, size: number): Promise<Buffer> {
  if (!reader) throw new Error('absent');
  const all = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const count = await reader.readAt(all.subarray(done), done);
    if (count === 0) throw new Error(`ended at ${done}`);
    done += count;
  }
  return all;
}

/** Appends from where it is, in chunks. */
export async function grow(spool: Spool, to: number, chunk = to): Promise<void> {
  for (let at = spool.length; at < to; at = spool.length)
    await spool.append(bytes.subarray(at, Math.min(to, at + chunk)));
}
