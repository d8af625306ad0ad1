/** Uploads into a bucket that fail or are given up: what is told, what is left behind, and who removes it. */
import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { bytes, grow, openSmallParts, readAll, upload } from '../../../support/small-parts.ts';

describe('an upload', () => {
  test('that is aborted leaves nothing', async () => {
    const { uploads, left, records } = await openSmallParts();
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
    const { uploads, storage } = await openSmallParts();
    const spool = await uploads.openUpload(upload);
    storage.failing = (call) => (call === 'putPart' ? Promise.reject(new Error('away')) : undefined);
    await grow(spool, 2000);
    await vi.waitFor(() => expect(spool.append(Buffer.of())).rejects.toThrow(), 30_000);
    storage.failing = undefined;
    const what = 'a part cannot be stored: the storage fails';
    await expect(spool.append(Buffer.of(1))).rejects.toMatchObject({ name: 'SpoolError', message: what });
    expect(() => spool.commit(digestOf(bytes))).toThrow(what);
    // The bytes of that part are nowhere, and those behind it are not taken for them.
    await expect(spool.readAt(Buffer.alloc(10), 0)).rejects.toThrow(what);
    await spool.close();
    expect(await uploads.uploadLength(upload)).toBe(0);
  });

  test('says why it cannot be written, first and last, and why it cannot be closed', async () => {
    const { uploads, storage, fails } = await openSmallParts();
    const stopped = Promise.withResolvers<void>();
    const spool = await uploads.openUpload(upload);
    storage.failing = (call) => (call === 'putPart' ? stopped.promise : undefined);
    await grow(spool, 2500);
    const growing = grow(spool, 3000);
    stopped.reject(new Error('away'));
    await expect(growing).rejects.toThrow('the spool cannot be written: the storage fails');
    await expect(spool.append(Buffer.of(1))).rejects.toThrow('a part cannot be stored');
    await spool.close();
    const other = await uploads.openUpload(upload);
    await grow(other, 10);
    fails('put');
    await expect(other.close()).rejects.toThrow('the spool cannot be closed: the storage fails');
    await expect(other.append(Buffer.of(1))).rejects.toThrow('the spool is closed');
    // A piece that may be there is none that is.
    expect(await uploads.uploadLength(upload)).toBe(0);
  });

  test.each([
    ['is gone', undefined],
    ['is shorter', 10],
  ])('a piece that %s is no bytes, and keeps no memory', async (_, size) => {
    const { uploads, storage, growTo } = await openSmallParts();
    await growTo(16);
    const [key = ''] = storage.objects.keys();
    await (size === undefined ? storage.delete(key) : storage.put(key, bytes.subarray(0, size)));
    const spool = await uploads.openUpload(upload);
    await grow(spool, 400);
    await expect(spool.commit(digestOf(bytes.subarray(0, 400)))).rejects.toThrow(
      'the spool cannot be committed',
    );
    await spool.abort();
    await spool.close();
    await growTo(3500);
  });

  test('whose last piece cannot be put keeps no memory', async () => {
    const { uploads, storage, fails, growTo } = await openSmallParts();
    fails('put');
    await expect(growTo(900)).rejects.toThrow('the spool cannot be closed');
    storage.failing = undefined;
    await growTo(3500);
    expect(await uploads.uploadLength(upload)).toBe(3500);
  });

  test.each([
    ['what was begun, and nobody was told,', 'begin'],
    ['what was begun for a part that did not come', 'putPart'],
  ])('%s does not stay, whatever becomes of it', async (_, broken) => {
    for (const size of [500, 3500]) {
      const { uploads, storage, left, clean, growTo } = await openSmallParts();
      if (broken === 'putPart')
        storage.failing = (call) => {
          if (call === 'putPart') throw new Error('away');
        };
      else
        vi.spyOn(storage, 'begin').mockImplementationOnce(async (key) => {
          await storage.begin(key);
          throw new Error('the answer is lost');
        });
      await expect(growTo(1000)).rejects.toThrow('the spool cannot be closed');
      storage.failing = undefined;
      expect(await left()).toMatchObject({ begun: 1 });
      const spool = await uploads.openUpload(upload);
      await grow(spool, size);
      await spool.commit(digestOf(bytes.subarray(0, size)));
      await spool.close();
      await clean(true);
      expect(await left()).toEqual({ objects: 1, begun: 0, files: 0 });
    }
  });

  test('that cannot be committed can be aborted', async () => {
    const { uploads, storage, left } = await openSmallParts();
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
    const { uploads, storage, left, clean } = await openSmallParts();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 2500);
    storage.failing = (call) => (call === 'abort' ? Promise.reject(new Error('away')) : undefined);
    await spool.abort();
    await spool.close();
    expect(await left()).toEqual({ objects: 0, begun: 1, files: 0 });
    storage.failing = undefined;
    expect(await clean(false)).toBe(true);
    expect(await left()).toEqual({ objects: 0, begun: 0, files: 0 });
    expect(await clean(false)).toBe(false);
  });

  test('a blob stays where what else was left of its write is removed', async () => {
    const { uploads, storage, left, clean, store } = await openSmallParts();
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
    expect(await clean(true)).toBe(true);
    expect((await left()).objects).toBe(1);
    expect(await readAll(await store.open(key), 2500)).toEqual(bytes.subarray(0, 2500));
  });

  test('that goes on is not removed as left', async () => {
    const { uploads, cleaner, storage } = await openSmallParts();
    const spool = await uploads.openUpload(upload);
    await grow(spool, 2500);
    const [key] = [...storage.begun.values()].map((begun) => begun.key);
    expect(await cleaner.remove(key?.split('/')[2] ?? '', false)).toBe(false);
    await spool.close();
  });
});
