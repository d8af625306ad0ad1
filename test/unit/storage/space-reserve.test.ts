import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SpaceReserve } from '../../../src/storage/space-reserve.ts';
import { eventually } from '../../support/eventually.ts';
import { silentLog } from '../../support/silent-log.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const mib = 1024 * 1024;

/** @param room beyond the reserve, in bytes */
function createReserve(directory: string, room: number, reserveBytes = mib) {
  const reserve = new SpaceReserve(directory, reserveBytes, silentLog, async (asked, bytes) => {
    expect(asked).toBe(directory);
    return { bytes: room, reserve: bytes };
  });
  onTestFinished(() => reserve.close());
  return reserve;
}

async function start(directory: string, room: number, reserveBytes?: number): Promise<SpaceReserve> {
  const reserve = createReserve(directory, room, reserveBytes);
  reserve.start();
  await reserve.close();
  return reserve;
}

test('half of what is kept free holds its place, of bytes that nothing compresses, for its owner alone', async () => {
  const directory = await temporaryDirectory();
  await start(directory, mib / 2);
  const file = join(directory, 'space.reserve');
  const { size, mode } = await stat(file);
  expect([size, mode & 0o777]).toEqual([mib / 2, 0o600]);
  expect(new Set(await readFile(file)).size).toBe(256);
});

test('where there is no room for it, it is not made', async () => {
  const directory = await temporaryDirectory();
  await start(directory, mib / 2 - 1);
  expect(await readdir(directory)).toEqual([]);
});

test('what is there already is left as it is', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'space.reserve'), 'mine');
  await start(directory, mib);
  expect(await readFile(join(directory, 'space.reserve'), 'utf8')).toBe('mine');
});

test('it is given up once, at once', async () => {
  const directory = await temporaryDirectory();
  const reserve = await start(directory, mib);
  expect([reserve.giveUp(), reserve.giveUp()]).toEqual([true, false]);
  expect(await readdir(directory)).toEqual([]);
});

test('it is there again some seconds later, and no more once it is closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const directory = await temporaryDirectory();
  const reserve = createReserve(directory, mib);
  reserve.start();
  await eventually(async () => expect(await readdir(directory)).toEqual(['space.reserve']));
  reserve.giveUp();
  await eventually(async () => {
    vi.advanceTimersByTime(10_000);
    expect(await readdir(directory)).toEqual(['space.reserve']);
  });
  await reserve.close();
  expect(vi.getTimerCount()).toBe(0);
});

const disk = await mountSmallDisk();

test.skipIf(!disk)('what others leave no room for while it is made leaves nothing', async () => {
  onTestFinished(() => disk?.remove());
  const root = disk?.root ?? '';
  await start(root, 64 * mib, 64 * mib);
  expect(await readdir(root)).toEqual([]);
});
