/** Uploads into a bucket: when what goes up, what it costs, and what is read of it. */
import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import type { Spool } from '../../../../src/storage/blob-store.ts';
import { OutOfSpace } from '../../../../src/storage/disk-space.ts';
import { bytes, grow, openSmallParts, readAll, upload } from '../../../support/small-parts.ts';

describe('an upload', () => {
  test('goes up part by part, and keeps back enough for one at its end', async () => {
    const { uploads, storage, store } = await openSmallParts();
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
    const { uploads, counted, store, left } = await openSmallParts();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 1500, 100);
    const key = await spool.commit(digestOf(bytes.subarray(0, 1500)));
    await spool.close();
    expect([counted('begin'), counted('put'), counted('complete')]).toEqual([0, 1, 0]);
    expect(await readAll(await store.open(key), 1500)).toEqual(bytes.subarray(0, 1500));
    expect(await left()).toEqual({ objects: 1, begun: 0, files: 0 });
  });

  test('that is closed leaves a part where that is big enough, and a piece otherwise', async () => {
    const { uploads, counted, left } = await openSmallParts();
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
    const { uploads, counted, left, store, growTo } = await openSmallParts();
    await growTo(...Array.from({ length: 17 }, (_, index) => 10 * (index + 1)));
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
    const { uploads, growTo } = await openSmallParts();
    await growTo(300, 500, 900);
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
    expect([await spool.readAt(some, 2050), await spool.readAt(some, 2100)]).toEqual([50, 0]);
    expect(some.subarray(0, 50)).toEqual(bytes.subarray(2050, 2100));
    await spool.append(Buffer.of());
    await expect(spool.append(Buffer.of(1))).rejects.toThrow('the spool cannot be written');
    await spool.close();
  });

  test('what was read of its parts is committed as it is', async () => {
    const { uploads, store, counted } = await openSmallParts();
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

  test('closed twice at once is closed once, and whole for both', async () => {
    const { uploads, counted } = await openSmallParts();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 500);
    for (const closing of [spool.close(), spool.close()]) {
      await closing;
      expect(await uploads.uploadLength(upload)).toBe(500);
    }
    expect(counted('put')).toBe(1);
  });

  test.each([
    ['nothing', [], 0],
    ['one piece', [300], 300],
    ['two pieces', [300, 500], 500],
    ['a piece and more', [300], 700],
    ['parts alone', [1000], 1000],
    ['a part and a piece', [1000, 1300], 1300],
  ])('of %s is committed as one object', async (_, sizes, size) => {
    const { uploads, store, records, counted, left, growTo, clean } = await openSmallParts();
    await growTo(...sizes);
    const spool = await uploads.openUpload(upload);
    await grow(spool, size);
    const key = await spool.commit(digestOf(bytes.subarray(0, size)));
    await spool.abort();
    await expect(spool.append(Buffer.of(1))).rejects.toThrow('the spool is committed');
    await spool.close();
    const digest = digestOf(bytes.subarray(0, size));
    expect(await records.listLeft(Date.now() + 1000, 10)).toMatchObject([{ digest, storageKey: key }]);
    for (let looks = 0; looks < 2; looks += 1) {
      expect(await left()).toEqual({ objects: 1, begun: 0, files: 0 });
      expect(await readAll(await store.open(key), size)).toEqual(bytes.subarray(0, size));
      // The blob stays when the write is forgotten.
      expect(await clean(true)).toBe(looks === 0);
    }
    expect(counted('abort')).toBe(0);
  });

  test('that ends with a full part is read without another', async () => {
    const { uploads, counted, growTo } = await openSmallParts();
    await growTo(1000);
    const spool = await uploads.openUpload(upload);
    expect(await readAll(spool, 1000)).toEqual(bytes.subarray(0, 1000));
    expect(counted('putPart')).toBe(1);
    await spool.close();
  });

  test('asks for nothing in vain when it is removed', async () => {
    const { uploads, counted, growTo } = await openSmallParts();
    await growTo(500);
    await uploads.removeUpload(upload);
    expect([counted('abort'), counted('delete')]).toEqual([0, 1]);
    await growTo(1000, 1500, 2500);
    // The piece went when its bytes were in a part.
    expect(counted('delete')).toBe(1);
    await uploads.removeUpload(upload);
    expect([counted('abort'), counted('delete')]).toEqual([1, 0]);
    const spool = await uploads.openUpload(upload);
    await spool.abort();
    expect(counted('abort')).toBe(0);
    await spool.close();
  });

  test('in more pieces than a cloud has numbers of parts goes up all the same', async () => {
    const { uploads, store, growTo } = await openSmallParts();
    await growTo(...Array.from({ length: 120 }, (_, index) => 25 * (index + 1)));
    const spool = await uploads.openUpload(upload);
    await grow(spool, 6100);
    const key = await spool.commit(digestOf(bytes.subarray(0, 6100)));
    await spool.close();
    expect(await readAll(await store.open(key), 6100)).toEqual(bytes.subarray(0, 6100));
  });

  test('changes its record twice for its first part, and once for each that follows', async () => {
    const { uploads, records } = await openSmallParts();
    const saved = vi.spyOn(records, 'save');
    const spool = await uploads.openUpload(upload);
    await grow(spool, 5000);
    await spool.close();
    // That it begins, its number, five parts, and that it is left.
    expect(saved).toHaveBeenCalledTimes(1 + 1 + 5 + 1);
  });

  test('is asked for once where it is, made at once where it is new, and given up where others are always faster', async () => {
    const { uploads, records } = await openSmallParts();
    const create = vi.spyOn(records, 'create');
    const take = vi.spyOn(records, 'take');
    const asked = async (open: Promise<Spool>) => {
      await open;
      const counts = [create.mock.calls.length, take.mock.calls.length];
      for (const each of [create, take]) each.mockClear();
      return counts;
    };
    expect(await asked(uploads.openUpload('one', true))).toEqual([1, 0]);
    expect(await asked(uploads.openUpload('one'))).toEqual([0, 1]);
    expect(await asked(uploads.openUpload('two'))).toEqual([1, 1]);
    create.mockResolvedValue(false);
    await expect(uploads.openUpload('three')).rejects.toMatchObject({ name: 'SpoolError' });
    expect(create).toHaveBeenCalledTimes(100);
  });

  test('needs room on the disk for what is gathered of it, and no more', async () => {
    const { uploads, space } = await openSmallParts();
    let room = 128 * 1024 * 1024;
    space.demand = async (wanted) => {
      if (wanted > room) throw new OutOfSpace();
    };
    await uploads.demandRoom(10 * 1024 ** 3);
    room -= 1;
    await expect(uploads.demandRoom(10 * 1024 ** 3)).rejects.toThrow(OutOfSpace);
    await uploads.demandRoom(room);
  });
});
