import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { unlimitedSpace } from '../../../src/storage/disk-space.ts';
import { FilesystemSpool, type SpoolFile } from '../../../src/storage/filesystem-spool.ts';
import { seededBytes } from '../../support/fake-content.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const bytes = seededBytes(100_000, 1);

/** A real file that takes at most so many bytes in one write, as systems may, and is full after so many in all, or fails at the end. */
async function createSpool(maxWrite: number, room = Number.POSITIVE_INFINITY, isFailing = false) {
  const root = await temporaryDirectory();
  const real = await open(join(root, 'spool'), 'wx+');
  const fate: string[] = [];
  let left = room;
  const file: SpoolFile = {
    async writev(buffers, position) {
      const some = Buffer.concat(
        buffers.map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength)),
      ).subarray(0, Math.min(maxWrite, left));
      if (some.length === 0) throw new Error('no space left on device');
      left -= some.length;
      await real.write(some, 0, some.length, position ?? null);
      return { bytesWritten: some.length, buffers };
    },
    read: real.read.bind(real),
    async sync() {
      if (isFailing) throw new Error('input/output error');
      fate.push('synced');
    },
    close: () => real.close(),
  };
  const spool = new FilesystemSpool(file, 0, {
    publish: async (digest, sync) => {
      await sync();
      fate.push('published');
      return `published/${digest}`;
    },
    remove: async () => void fate.push('removed'),
    leave: async () => void fate.push('left'),
    space: { take: () => undefined, lookAgain: () => void fate.push('room doubted') },
  });
  onTestFinished(() => spool.close());
  return { spool, fate };
}

test.each([1000, 4096, 33_333, 99_999])('a write that takes only %i bytes is gone on with', async (most) => {
  const { spool } = await createSpool(most);
  await spool.append(bytes.subarray(0, 10), bytes.subarray(10, 10), bytes.subarray(10, 50_000));
  await spool.append(bytes.subarray(50_000));
  const read = Buffer.alloc(bytes.length);
  await spool.readAt(read, 0);
  expect(digestOf(read)).toBe(digestOf(bytes));
});

test('after a write that failed nothing is appended or committed: some of it may be there', async () => {
  const { spool, fate } = await createSpool(1000, 2500);
  await spool.append(bytes.subarray(0, 2000));
  const failure: unknown = await spool.append(bytes.subarray(2000, 4000)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SpoolError);
  expect(failure).toMatchObject({
    message: 'the spool cannot be written: the storage fails',
    cause: { message: 'no space left on device' },
  });
  expect(spool.length).toBe(2000);
  await expect(spool.append(bytes.subarray(2000, 2001))).rejects.toThrow('broken');
  await expect(spool.commit(digestOf(bytes))).rejects.toThrow('broken');
  await spool.close();
  expect(fate).toEqual(['room doubted', 'left']);
});

test('bytes that cannot be made durable are not published, and there is no second try', async () => {
  const { spool, fate } = await createSpool(9999, undefined, true);
  await spool.append(bytes);
  await expect(spool.commit(digestOf(bytes))).rejects.toThrow(SpoolError);
  await expect(spool.commit(digestOf(bytes))).rejects.toThrow('aborted');
  await spool.close();
  expect(fate).toEqual(['removed', 'room doubted']);
});

test('a spool is durable before it is published, and left only where it was neither committed nor aborted', async () => {
  const [committed, aborted, left] = [
    await createSpool(9999),
    await createSpool(9999),
    await createSpool(9999),
  ];
  await committed.spool.commit(digestOf(Buffer.of()));
  await aborted.spool.abort();
  for (const { spool } of [committed, aborted, left]) await spool.close();
  expect([committed.fate, aborted.fate, left.fate]).toEqual([['synced', 'published'], ['removed'], ['left']]);
});

test('a spool that is broken may be aborted, once, and is not left then', async () => {
  const { spool, fate } = await createSpool(1000, 0);
  await expect(spool.append(bytes)).rejects.toThrow(SpoolError);
  await spool.abort();
  await spool.abort();
  await spool.close();
  expect(fate).toEqual(['room doubted', 'removed']);
});

test('a spool that is closed is left once, and is neither grown, committed nor aborted any more', async () => {
  const { spool, fate } = await createSpool(9999);
  await Promise.all([spool.close(), spool.close()]);
  await spool.abort();
  await expect(spool.append(bytes)).rejects.toThrow('closed');
  await expect(spool.commit(digestOf(bytes))).rejects.toThrow('closed');
  expect(fate).toEqual(['left']);
});

test('a spool that cannot be left says so', async () => {
  const spool = new FilesystemSpool(
    {
      writev: () => Promise.reject(new Error('nobody writes')),
      read: () => Promise.reject(new Error('nobody reads')),
      sync: async () => undefined,
      close: async () => undefined,
    },
    0,
    {
      publish: async (digest) => digest,
      remove: async () => undefined,
      leave: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })),
      space: unlimitedSpace,
    },
  );
  await expect(spool.close()).rejects.toThrow('the spool cannot be closed: the disk fails');
});
