import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { OutOfSpace, unlimitedSpace } from '../../../../src/storage/disk-space.ts';
import { GatheredBytes } from '../../../../src/storage/objects/gathered-bytes.ts';
import { LocalSpools } from '../../../../src/storage/objects/local-spools.ts';
import { seededBytes } from '../../../support/fake-content.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const mib = 1024 * 1024;

async function setUp(take = unlimitedSpace.take) {
  const directory = await temporaryDirectory();
  const spools = new LocalSpools(directory, { ...unlimitedSpace, take });
  const gathered = new GatheredBytes(spools);
  onTestFinished(async () => {
    await gathered.close();
    await spools.close();
  });
  const taken = async (count: number) => {
    const bytes = Buffer.alloc(count);
    await gathered.takeInto(bytes);
    return bytes;
  };
  /** Of its file, in bytes. */
  const fileBytes = async () => {
    const names = await readdir(directory, { recursive: true });
    const [name = ''] = names.filter((each) => /\/[0-9a-f]{24}$/.test(each));
    return (await stat(join(directory, name))).size;
  };
  return { spools, gathered, taken, fileBytes };
}

test('what is taken out is gone, what is behind it stays, and its place is used again once all is taken', async () => {
  const { gathered, taken, fileBytes } = await setUp();
  const bytes = seededBytes(3000, 1);
  await gathered.append([bytes.subarray(0, 1000), bytes.subarray(1000, 1500)]);
  expect([gathered.length, await taken(600)]).toEqual([1500, bytes.subarray(0, 600)]);
  await gathered.append([bytes.subarray(1500, 2000)]);
  expect([gathered.length, await fileBytes()]).toEqual([1400, 2000]);
  const some = Buffer.alloc(100);
  expect([await gathered.readAt(some, 50), some]).toEqual([100, bytes.subarray(650, 750)]);
  expect(await taken(1400)).toEqual(bytes.subarray(600, 2000));
  await gathered.append([bytes.subarray(2000)]);
  expect([gathered.length, await fileBytes()]).toEqual([1000, 2000]);
  expect(await taken(1000)).toEqual(bytes.subarray(2000));
});

test('its file grows by no more than 64 MiB of what was taken, however much goes through it', async () => {
  const { gathered, taken, fileBytes } = await setUp();
  const bytes = seededBytes(mib, 2);
  for (let count = 0; count < 65; count += 1) await gathered.append([bytes]);
  await taken(64 * mib);
  await gathered.append([Buffer.of(1)]);
  expect(await fileBytes()).toBe(65 * mib + 1);
  expect(await taken(1)).toEqual(bytes.subarray(0, 1));
  await gathered.append([Buffer.of(2)]);
  expect([gathered.length, await fileBytes()]).toEqual([mib + 1, 65 * mib + 1]);
  expect((await taken(mib - 1)).equals(bytes.subarray(1))).toBe(true);
  expect(await taken(2)).toEqual(Buffer.of(1, 2));
});

test('a disk that takes few bytes at a time gets all of them', async () => {
  const { spools, gathered, taken } = await setUp();
  const local = await spools.create();
  const { write } = local.file;
  Object.assign(local.file, {
    write: (bytes: Buffer, offset: number, length: number, position: number) =>
      Reflect.apply(write, local.file, [bytes, offset, Math.min(length, 7), position]),
  });
  vi.spyOn(spools, 'create').mockResolvedValue(local);
  const bytes = seededBytes(20, 3);
  await gathered.append([bytes.subarray(0, 5), bytes.subarray(5)]);
  expect(await taken(20)).toEqual(bytes);
});

test('nothing is written before there is room for all of it', async () => {
  let room = 10;
  const { gathered, fileBytes } = await setUp(async (bytes) => {
    if (bytes > room) throw new OutOfSpace();
    room -= bytes;
  });
  await gathered.append([Buffer.alloc(3), Buffer.alloc(4)]);
  await expect(gathered.append([Buffer.alloc(2), Buffer.alloc(2)])).rejects.toThrow(OutOfSpace);
  expect([gathered.length, await fileBytes()]).toEqual([7, 7]);
  await gathered.append([Buffer.alloc(3)]);
  expect(room).toBe(0);
});
