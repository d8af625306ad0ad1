/** Uploads and fills into a bucket whose parts are of 1000 bytes: when what goes up, what is left behind, and who removes it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import type { BlobReader, Spool } from '../../../../src/storage/blob-store.ts';
import { unlimitedSpace } from '../../../../src/storage/disk-space.ts';
import { createObjectStores } from '../../../../src/storage/objects/object-stores.ts';
import { openSqlite } from '../../../support/databases.ts';
import { seededBytes } from '../../../support/fake-content.ts';
import { MemoryObjectStorage } from '../../../support/memory-object-storage.ts';

const bytes = seededBytes(20_000, 1);
const upload = '00000000-0000-4000-8000-000000000001';

async function setUp() {
  const limits = { minBytes: 1000, maxBytes: 1000, maxParts: 10_000 };
  const storage = Object.assign(new MemoryObjectStorage(1000), { limits });
  const { objectWrites } = await openSqlite(Date.now);
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-objects-'));
  const stores = createObjectStores({
    store: 'bucket',
    storage,
    records: objectWrites,
    guard: { check: async () => undefined },
    spoolDirectory: join(directory, 'spool'),
    space: unlimitedSpace,
    chunkBytes: 1000,
  });
  onTestFinished(async () => {
    await stores.store.close();
    await rm(directory, { recursive: true, force: true });
  });
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
  return { storage, records: objectWrites, directory, counted, left, ...stores };
}

async function readAll(reader: Pick<BlobReader, 'readAt'> | undefined, size: number): Promise<Buffer> {
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
async function grow(spool: Spool, to: number, chunk = to): Promise<void> {
  for (let at = spool.length; at < to; at = spool.length)
    await spool.append(bytes.subarray(at, Math.min(to, at + chunk)));
}

describe('an upload', () => {
  test('goes up part by part, and keeps back enough for one at its end', async () => {
    const { uploads, storage, store } = await setUp();
    const made = ({ begin = 0, putPart = 0, put = 0, complete = 0 }) => [begin, putPart, put, complete];
    const untilMade = (...counts: number[]) =>
      vi.waitFor(() => expect(made(storage.calls)).toEqual(counts), 30_000);
    const spool = await uploads.openUpload(upload);
    await grow(spool, 1999);
    await untilMade(0, 0, 0, 0);
    await grow(spool, 2000);
    await untilMade(1, 1, 0, 0);
    await grow(spool, 6500);
    await untilMade(1, 5, 0, 0);
    const key = await spool.commit(digestOf(bytes.subarray(0, 6500)));
    await untilMade(1, 6, 0, 1);
    await spool.close();
    expect(await readAll(await store.open(key), 6500)).toEqual(bytes.subarray(0, 6500));
  });

  test('of little is put at once', async () => {
    const { uploads, counted, store, left } = await setUp();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 1500, 100);
    const key = await spool.commit(digestOf(bytes.subarray(0, 1500)));
    await spool.close();
    expect([counted('begin'), counted('put'), counted('complete')]).toEqual([0, 1, 0]);
    expect(await readAll(await store.open(key), 1500)).toEqual(bytes.subarray(0, 1500));
    expect(await left()).toEqual({ objects: 1, begun: 0, files: 0 });
  });

  test('that is closed leaves a part where that is big enough, and a piece otherwise', async () => {
    const { uploads, counted, left } = await setUp();
    let spool = await uploads.openUpload(upload);
    await grow(spool, 1000);
    await spool.close();
    expect([counted('putPart'), counted('put')]).toEqual([1, 0]);
    expect(await uploads.uploadLength(upload)).toBe(1000);
    spool = await uploads.openUpload(upload);
    expect(spool.length).toBe(1000);
    await grow(spool, 1999);
    await spool.close();
    expect([counted('putPart'), counted('put')]).toEqual([0, 1]);
    expect(await uploads.uploadLength(upload)).toBe(1999);
    spool = await uploads.openUpload(upload);
    await grow(spool, 2000);
    await spool.close();
    // The piece is in the part.
    expect([counted('putPart'), counted('put'), counted('delete')]).toEqual([1, 0, 1]);
    expect(await left()).toEqual({ objects: 0, begun: 1, files: 0 });
    spool = await uploads.openUpload(upload);
    await spool.close();
    expect([counted('putPart'), counted('put'), await uploads.uploadLength(upload)]).toEqual([0, 0, 2000]);
  });

  test('in small pieces makes one of them from time to time', async () => {
    const { uploads, counted, left, store } = await setUp();
    for (let size = 10; size <= 170; size += 10) {
      const spool = await uploads.openUpload(upload);
      await grow(spool, size);
      await spool.close();
    }
    expect([counted('put'), counted('delete'), await left()]).toEqual([
      17,
      16,
      { objects: 1, begun: 0, files: 0 },
    ]);
    const spool = await uploads.openUpload(upload);
    expect(await readAll(spool, 170)).toEqual(bytes.subarray(0, 170));
    // The one piece that there is becomes the blob.
    const key = await spool.commit(digestOf(bytes.subarray(0, 170)));
    expect([counted('put'), await left()]).toEqual([0, { objects: 1, begun: 0, files: 0 }]);
    expect(await readAll(await store.open(key), 170)).toEqual(bytes.subarray(0, 170));
    await spool.close();
  });

  test('is read where it is: in pieces, on the disk, and once it is read of its parts nothing can be added', async () => {
    const { uploads } = await setUp();
    for (const size of [300, 500, 900]) {
      const spool = await uploads.openUpload(upload);
      await grow(spool, size);
      await spool.close();
    }
    const spool = await uploads.openUpload(upload);
    await grow(spool, 950);
    expect(await readAll(spool, 950)).toEqual(bytes.subarray(0, 950));
    const some = Buffer.alloc(100);
    expect([
      await spool.readAt(some, 450),
      await spool.readAt(some, 940),
      await spool.readAt(some, 950),
    ]).toEqual([50, 10, 0]);
    await grow(spool, 2100);
    expect(await readAll(spool, 2100)).toEqual(bytes.subarray(0, 2100));
    await expect(spool.append(Buffer.of(1))).rejects.toMatchObject({ name: 'SpoolError' });
    await spool.close();
  });

  test('what was read of its parts is committed as it is', async () => {
    const { uploads, store, counted } = await setUp();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 3100);
    await readAll(spool, 3100);
    const key = await spool.commit(digestOf(bytes.subarray(0, 3100)));
    expect(counted('complete')).toBe(1);
    expect(await readAll(spool, 3100)).toEqual(bytes.subarray(0, 3100));
    await spool.close();
    await spool.close();
    expect(await readAll(await store.open(key), 3100)).toEqual(bytes.subarray(0, 3100));
  });

  test('that is aborted leaves nothing', async () => {
    const { uploads, left, records } = await setUp();
    let spool = await uploads.openUpload(upload);
    await grow(spool, 500);
    await spool.close();
    spool = await uploads.openUpload(upload);
    await grow(spool, 3500);
    await spool.abort();
    await spool.abort();
    expect(() => spool.commit(digestOf(bytes))).toThrow('the spool is aborted');
    await spool.close();
    expect([await left(), await records.listUploads('bucket')]).toEqual([
      { objects: 0, begun: 0, files: 0 },
      [],
    ]);
    const sealed = await uploads.openUpload(upload);
    await grow(sealed, 3500);
    await readAll(sealed, 10);
    await sealed.abort();
    await sealed.close();
    expect(await left()).toEqual({ objects: 0, begun: 0, files: 0 });
  });

  test('one of whose parts cannot be stored says so from then on, and is not kept as if it were', async () => {
    const { uploads, storage } = await setUp();
    const spool = await uploads.openUpload(upload);
    storage.failing = (call) => (call === 'putPart' ? Promise.reject(new Error('away')) : undefined);
    await grow(spool, 2000);
    await new Promise(setImmediate);
    await expect(grow(spool, 4000)).rejects.toMatchObject({ name: 'SpoolError' });
    await expect(spool.append(Buffer.of(1))).rejects.toMatchObject({ name: 'SpoolError' });
    expect(() => spool.commit(digestOf(bytes))).toThrow();
    storage.failing = undefined;
    await spool.close();
    expect(await uploads.uploadLength(upload)).toBe(0);
  });

  test('that cannot be committed can be aborted', async () => {
    const { uploads, storage, left } = await setUp();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 2500);
    storage.failing = (call) => (call === 'complete' ? Promise.reject(new Error('away')) : undefined);
    await expect(spool.commit(digestOf(bytes.subarray(0, 2500)))).rejects.toMatchObject({
      name: 'SpoolError',
    });
    storage.failing = undefined;
    await spool.abort();
    await spool.close();
    expect(await left()).toEqual({ objects: 0, begun: 0, files: 0 });
  });

  test('what cannot be removed when it is aborted is removed later, by its record', async () => {
    const { uploads, storage, left, cleaner, records } = await setUp();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 2500);
    storage.failing = (call) => (call === 'abort' ? Promise.reject(new Error('away')) : undefined);
    await spool.abort();
    await spool.close();
    expect(await left()).toEqual({ objects: 0, begun: 1, files: 0 });
    storage.failing = undefined;
    const [write] = await records.listLeft(Date.now() + 1_000_000_000, 10);
    expect(await cleaner.remove(write?.id ?? '', false)).toBe(true);
    expect(await left()).toEqual({ objects: 0, begun: 0, files: 0 });
    expect(await cleaner.remove(write?.id ?? '', false)).toBe(false);
  });

  test('a blob stays where what else was left of its write is removed', async () => {
    const { uploads, storage, left, cleaner, records, store } = await setUp();
    let spool = await uploads.openUpload(upload);
    await grow(spool, 500);
    await spool.close();
    spool = await uploads.openUpload(upload);
    storage.failing = (call) => (call === 'delete' ? Promise.reject(new Error('away')) : undefined);
    await grow(spool, 2500);
    const key = await spool.commit(digestOf(bytes.subarray(0, 2500)));
    await spool.close();
    storage.failing = undefined;
    expect((await left()).objects).toBe(2);
    const [write] = await records.listLeft(Date.now() + 1_000_000_000, 10);
    expect(await cleaner.remove(write?.id ?? '', true)).toBe(true);
    expect((await left()).objects).toBe(1);
    expect(await readAll(await store.open(key), 2500)).toEqual(bytes.subarray(0, 2500));
  });

  test('that goes on is not removed as left', async () => {
    const { uploads, cleaner, storage } = await setUp();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 2500);
    const [key] = [...storage.begun.values()].map((begun) => begun.key);
    expect(await cleaner.remove(key?.split('/')[2] ?? '', false)).toBe(false);
    await spool.close();
  });
});

describe('a fill', () => {
  async function fill(world: Awaited<ReturnType<typeof setUp>>, size: number) {
    const spool = await world.store.createSpool();
    try {
      await grow(spool, size, 700);
      return await spool.commit(digestOf(bytes.subarray(0, size)));
    } finally {
      await spool.close();
    }
  }

  test.each([
    [0, { put: 1, putPart: 0, complete: 0 }],
    [2000, { put: 1, putPart: 0, complete: 0 }],
    [2001, { put: 0, putPart: 3, complete: 1 }],
    [20_000, { put: 0, putPart: 20, complete: 1 }],
  ])(
    'of %i bytes goes up when it is there, and is read without asking whether it is',
    async (size, calls) => {
      const world = await setUp();
      const key = await fill(world, size);
      const counted = {
        put: world.counted('put'),
        putPart: world.counted('putPart'),
        complete: world.counted('complete'),
      };
      expect([counted, await world.left()]).toEqual([calls, { objects: 1, begun: 0, files: 0 }]);
      expect(await readAll(await world.store.open(key), size)).toEqual(bytes.subarray(0, size));
      expect(world.counted('head')).toBe(0);
    },
  );

  test('that cannot go up leaves nothing', async () => {
    const world = await setUp();
    world.storage.failing = (call) => (call === 'complete' ? Promise.reject(new Error('away')) : undefined);
    await expect(fill(world, 5000)).rejects.toMatchObject({ name: 'SpoolError' });
    expect(await world.left()).toMatchObject({ objects: 0, begun: 0 });
  });

  test('an object is asked for once, and again once it was found gone', async () => {
    const world = await setUp();
    const key = await fill(world, 3000);
    const object = key.slice('bucket:'.length);
    await world.storage.delete(object);
    await expect(readAll(await world.store.open(key), 3000)).rejects.toThrow('the stored bytes are gone');
    expect(world.counted('head')).toBe(0);
    expect(await world.store.open(key)).toBeUndefined();
    expect(await world.store.open(key)).toBeUndefined();
    expect(world.counted('head')).toBe(2);
    await world.storage.put(object, Buffer.from('back'));
    for (let n = 0; n < 2; n += 1) expect((await world.store.open(key))?.size).toBe(4);
    expect(world.counted('head')).toBe(1);
    await world.store.delete(key);
    expect(await world.store.open(key)).toBeUndefined();
  });

  test('a damaged one is put aside, whatever its size, and the rest stays where that fails', async () => {
    for (const size of [0, 700, 2500]) {
      const world = await setUp();
      const key = await fill(world, size);
      const object = key.slice('bucket:'.length);
      world.storage.failing = (call) => (call === 'putPart' ? Promise.reject(new Error('away')) : undefined);
      await expect(world.inventory.quarantine(key)).rejects.toThrow('away');
      expect([[...world.storage.objects.keys()], world.storage.begun.size]).toEqual([[object], 0]);
      world.storage.failing = undefined;
      expect(await world.inventory.quarantine(key)).toBe(true);
      const aside = `v1/quarantine/${object.split('/')[2]}`;
      expect([...world.storage.objects.keys()]).toEqual([aside]);
      expect(world.storage.objects.get(aside)?.bytes).toEqual(bytes.subarray(0, size));
      expect(await world.inventory.quarantine(key)).toBe(false);
    }
  });

  test('blobs and pieces are listed, and nothing else that is in the bucket', async () => {
    const world = await setUp();
    const key = await fill(world, 3000);
    await world.storage.put('v1/store', Buffer.of(1));
    await world.storage.put('other', Buffer.of(1));
    const [copy, ...others] = await Array.fromAsync(world.inventory.list());
    expect([copy, others]).toMatchObject([
      { key, size: 3000, digest: undefined, writtenAt: expect.any(Number) },
      [],
    ]);
    expect(await world.inventory.isUnfinished?.(key)).toBeTypeOf('boolean');
  });
});
