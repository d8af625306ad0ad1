/** The stores of a bucket, as a process has them, for the suites of all stores. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { unlimitedSpace } from '../../src/storage/disk-space.ts';
import type { LeftRecords } from '../../src/storage/objects/object-cleaner.ts';
import type { ObjectStorage } from '../../src/storage/objects/object-storage.ts';
import { createObjectStores } from '../../src/storage/objects/object-stores.ts';
import { type BlobStoreUnderTest, describeBlobStore } from './blob-store-suite.ts';
import { describeUploadStore } from './upload-store-suite.ts';

export interface Bucket {
  /** As a process of its own has it; they all share the bucket, which is empty at first. */
  connect(): Promise<ObjectStorage>;
  dispose(): Promise<void>;
}

/** Of one process, with a directory of its own. @param records that processes share */
export async function openObjectStores(bucket: Pick<Bucket, 'connect'>, records: LeftRecords) {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-objects-'));
  const stores = createObjectStores({
    store: 'bucket',
    storage: await bucket.connect(),
    records,
    spoolDirectory: join(directory, 'spool'),
    guard: { check: async () => undefined },
    space: unlimitedSpace,
    chunkBytes: 1,
  });
  return {
    ...stores,
    async close(): Promise<void> {
      await stores.store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What all stores promise, of one in a bucket. @param openRecords only inside a test */
export function describeObjectStores(
  name: string,
  createBucket: () => Promise<Bucket>,
  openRecords: () => Promise<LeftRecords>,
): void {
  describeBlobStore(name, async (): Promise<BlobStoreUnderTest> => {
    const bucket = await createBucket();
    const { store, close } = await openObjectStores(bucket, await openRecords());
    return {
      store,
      deletesAtOnce: true,
      async dispose() {
        await close();
        await bucket.dispose();
      },
    };
  });

  test(`${name} lists blobs and pieces, and knows which of them are on their way to a record`, async () => {
    const bucket = await createBucket();
    const records = await openRecords();
    const { store, uploads, inventory, close } = await openObjectStores(bucket, records);
    const before = Date.now();
    const bytes = Buffer.from('hello');
    const key = await store.copyIn(
      { readAt: async (into, at) => bytes.copy(into, 0, at) },
      5,
      digestOf(bytes),
    );
    const upload = await uploads.openUpload('upload', true);
    await upload.append(bytes);
    await upload.close();
    const listed = await Array.fromAsync(inventory.list());
    const keys = listed.map((copy) => copy.key);
    expect(keys).toContain(key);
    expect(keys).toHaveLength(2);
    expect(listed.every(({ digest, size }) => digest === undefined && size === 5)).toBe(true);
    expect(listed.every(({ writtenAt }) => Math.abs(writtenAt - before) < 3_600_000)).toBe(true);
    expect(await Promise.all(keys.map((each) => inventory.isUnfinished(each)))).toEqual([true, true]);
    // What is older than all records of writes.
    const [id = ''] = key.split('/').at(-1)?.split('-') ?? [];
    await records.remove(id);
    expect(await inventory.isUnfinished(key)).toBe(false);
    await close();
    await bucket.dispose();
  });

  describeUploadStore(name, async () => {
    const bucket = await createBucket();
    const records = await openRecords();
    const here = await openObjectStores(bucket, records);
    const elsewhere = await openObjectStores(bucket, records);
    let created = 0;
    return {
      create() {
        created += 1;
        return (created % 2 ? here : elsewhere).uploads;
      },
      blobs: here.store,
      keepsOnClose: true,
      async dispose() {
        await here.close();
        await elsewhere.close();
        await bucket.dispose();
      },
    };
  });
}
