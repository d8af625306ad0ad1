/** What goes into a bucket when all of it is there, where it waits until then, and what is found there. */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OutOfSpace, unlimitedSpace } from '../../../../src/storage/disk-space.ts';
import { bytes, grow, openSmallParts, readAll } from '../../../support/small-parts.ts';

describe('a fill', () => {
  async function fill(world: Awaited<ReturnType<typeof openSmallParts>>, size: number) {
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
      const world = await openSmallParts();
      const key = await fill(world, size);
      const counted = {
        put: world.counted('put'),
        putPart: world.counted('putPart'),
        complete: world.counted('complete'),
      };
      expect([counted, await world.left()]).toEqual([calls, { objects: 1, begun: 0, files: 0 }]);
      expect(await readAll(await world.store.open(key, size), size)).toEqual(bytes.subarray(0, size));
      expect(world.counted('head')).toBe(0);
    },
  );

  test.each([
    ['complete', 5000],
    ['putPart', 5000],
    ['put', 500],
  ])('that cannot go up leaves nothing where %s fails, and keeps no memory', async (call, size) => {
    const world = await openSmallParts();
    world.fails(call);
    await expect(fill(world, size)).rejects.toMatchObject({ name: 'SpoolError' });
    expect(await world.left()).toEqual({ objects: 0, begun: 0, files: 0 });
    world.storage.failing = undefined;
    await fill(world, size);
  });

  test('that was committed stays where the records did not say so', async () => {
    const world = await openSmallParts();
    const { save } = world.records;
    vi.spyOn(world.records, 'save').mockImplementation(async (...changed) => {
      const isSaved = await save.apply(world.records, changed);
      if (changed[2].committed) throw new Error('the answer is lost');
      return isSaved;
    });
    for (const size of [500, 5000]) await expect(fill(world, size)).rejects.toThrow();
    expect(await world.left()).toMatchObject({ objects: 2 });
  });

  test('a source that ends early is no blob', async () => {
    const world = await openSmallParts();
    const source = { readAt: async (into: Uint8Array, at: number) => bytes.copy(into, 0, at, 4000) };
    await expect(world.store.copyIn(source, 5000, digestOf(bytes))).rejects.toThrow('the bytes end at 4000');
    expect(await world.left()).toEqual({ objects: 0, begun: 0, files: 0 });
  });

  test('a store that cannot be written to fails its check, and one that can keeps nothing of it', async () => {
    const world = await openSmallParts();
    await world.store.check();
    expect((await world.left()).files).toBe(0);
    world.space.take = () => Promise.reject(new OutOfSpace());
    await expect(world.store.check()).rejects.toThrow(OutOfSpace);
    expect((await world.left()).files).toBe(0);
  });

  test('no spool outlives its store, nor do connections', async () => {
    const world = await openSmallParts();
    const ended = vi.spyOn(world.storage, 'close');
    const spool = await world.store.createSpool();
    await world.store.close();
    await spool.close();
    expect([await readdir(join(world.directory, 'spool')), ended.mock.calls.length]).toEqual([[], 1]);
  });

  test('a directory of spools that was removed is made again, and is kept while it is there', async () => {
    const world = await openSmallParts();
    const spools = join(world.directory, 'spool');
    await writeFile(spools, 'in its place');
    await expect(world.store.createSpool()).rejects.toMatchObject({ name: 'SpoolError' });
    await rm(spools);
    await (await world.store.createSpool()).close();
    const [owner = ''] = await readdir(spools);
    world.space.demand = () => Promise.reject(new OutOfSpace());
    await expect(world.store.createSpool()).rejects.toThrow(OutOfSpace);
    world.space.demand = unlimitedSpace.demand;
    await (await world.store.createSpool()).close();
    expect(await readdir(spools)).toEqual([owner]);
    await rm(join(spools, owner), { recursive: true });
    await expect(world.store.createSpool()).rejects.toThrow('no spool can be made');
    await (await world.store.createSpool()).close();
  });

  test('an object is asked for where nobody says its size, and where somebody does, found gone when it is read', async () => {
    const world = await openSmallParts();
    const key = await fill(world, 3000);
    const object = key.slice('bucket:'.length);
    await world.storage.delete(object);
    await expect(readAll(await world.store.open(key, 3000), 3000)).rejects.toThrow(
      'the stored bytes are gone',
    );
    expect(world.counted('head')).toBe(0);
    expect(await world.store.open(key)).toBeUndefined();
    expect(await world.store.open(key)).toBeUndefined();
    expect(world.counted('head')).toBe(2);
    await world.storage.put(object, Buffer.from('back'));
    expect((await world.store.open(key))?.size).toBe(4);
    expect(world.counted('head')).toBe(1);
    await world.store.delete(key);
    expect(await world.store.open(key)).toBeUndefined();
  });

  test('a damaged one is put aside, whatever its size, and the rest stays where that fails', async () => {
    for (const size of [0, 700, 2500]) {
      const world = await openSmallParts();
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
    const world = await openSmallParts();
    const key = await fill(world, 3000);
    await world.storage.put('v1/store', Buffer.of(1));
    await world.storage.put('other', Buffer.of(1));
    const asked: string[] = [];
    world.storage.failing = (call, prefix) => void (call === 'list' && asked.push(prefix));
    const [copy, ...others] = await Array.fromAsync(world.inventory.list());
    expect([copy, others]).toMatchObject([
      { key, size: 3000, digest: undefined, writtenAt: expect.any(Number) },
      [],
    ]);
    expect(asked).toEqual(['v1/']);
  });
});
