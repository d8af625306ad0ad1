import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { DiskSpace, isOutOfSpace, OutOfSpace, roomOf } from '../../../src/storage/disk-space.ts';

const directories = [tmpdir()];

test('what would not leave the reserve is refused before it is written, and what fits is not waited for', async () => {
  const { bytes: room } = await roomOf(tmpdir(), 1024);
  const space = new DiskSpace({ directories, reserveBytes: 1024 });
  await space.demand(1);
  expect(space.take(1024)).toBeUndefined();
  await expect(space.demand(room * 2)).rejects.toThrow(OutOfSpace);
  await expect(space.take(room * 2)).rejects.toThrow('nearly full');
});

test('a reserve is at most a twentieth of a disk, and a directory that is not there has no say', async () => {
  const { blocks, bsize } = await statfs(tmpdir());
  expect((await roomOf(tmpdir(), 1024)).reserve).toBe(1024);
  expect((await roomOf(tmpdir(), 2 ** 60)).reserve).toBe(Math.floor((blocks * bsize) / 20));
  expect((await roomOf('/nowhere/at/all', 1)).bytes).toBe(Number.POSITIVE_INFINITY);
});

test('a full disk is told from other faults', () => {
  const because = (code: string) => new Error('x', { cause: Object.assign(new Error(code), { code }) });
  expect(
    [new OutOfSpace(), because('ENOSPC'), because('EDQUOT'), because('EIO'), 'x'].map(isOutOfSpace),
  ).toEqual([true, true, true, false, false]);
});
