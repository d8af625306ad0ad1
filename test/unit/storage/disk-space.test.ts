import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { DiskSpace, isOutOfSpace, OutOfSpace, roomOf } from '../../../src/storage/disk-space.ts';

const stepBytes = 16 * 1024 * 1024;

/** Two directories and their disks, which others fill and empty. */
class Disks {
  readonly rooms: Record<string, number>;
  /** How often the first was looked at. */
  looks = 0;
  readonly reserves = new Set<number>();
  readonly space = new DiskSpace(
    { directories: ['blobs', 'data'], reserveBytes: 1024 },
    async (directory, reserve) => {
      if (directory === 'blobs') this.looks += 1;
      this.reserves.add(reserve);
      return { bytes: this.rooms[directory] ?? 0, reserve };
    },
  );

  constructor(blobs: number, data = Number.POSITIVE_INFINITY) {
    this.rooms = { blobs, data };
  }
}

describe('what only adds', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
  });

  test('goes on while it leaves the reserve, to the last byte', async () => {
    const { space, reserves } = new Disks(100);
    await space.demand(100);
    await expect(space.demand(101)).rejects.toMatchObject({ retryAfterSeconds: 30 });
    await expect(space.take(101)).rejects.toThrow(OutOfSpace);
    await space.take(60);
    expect(space.take(40)).toBeUndefined();
    expect([...reserves]).toEqual([1024]);
  });

  test.each([
    [1, 0],
    [0, 1],
    [-5, 1],
  ])('needs some room on each disk, even for nothing: %i and %i are none', async (blobs, data) => {
    await expect(new Disks(blobs, data).space.demand(0)).rejects.toThrow(OutOfSpace);
    await new Disks(1, 1).space.demand(0);
  });

  test('is refused once what was taken has used the room up', async () => {
    const disks = new Disks(100);
    await disks.space.take(100);
    await expect(disks.space.demand(0)).rejects.toThrow(OutOfSpace);
    disks.rooms['blobs'] = 0;
    await expect(disks.space.take(1)).rejects.toThrow(OutOfSpace);
  });

  test('looks at the disk again once a step is written, however much room there was', async () => {
    const disks = new Disks(2 ** 40);
    await disks.space.demand(0);
    expect(disks.space.take(stepBytes)).toBeUndefined();
    disks.rooms['blobs'] = 5;
    await expect(disks.space.take(6)).rejects.toThrow(OutOfSpace);
    disks.rooms['blobs'] = 2 ** 40;
    await disks.space.demand(stepBytes + 1);
  });

  test('looks at the disk again after a second', async () => {
    const disks = new Disks(2 ** 40);
    await disks.space.demand(1);
    disks.rooms['blobs'] = 0;
    vi.advanceTimersByTime(1000);
    await disks.space.demand(stepBytes);
    expect(disks.space.take(1)).toBeUndefined();
    vi.advanceTimersByTime(1);
    await expect(disks.space.take(1)).rejects.toThrow(OutOfSpace);
    disks.rooms['blobs'] = 1;
    vi.advanceTimersByTime(1001);
    await disks.space.demand(1);
  });

  test('looks at the disk again once a write has failed', async () => {
    const disks = new Disks(2 ** 40);
    await disks.space.demand(1);
    disks.rooms['blobs'] = 0;
    await disks.space.demand(1);
    disks.space.lookAgain();
    await expect(disks.space.take(1)).rejects.toThrow(OutOfSpace);
    disks.space.lookAgain();
    await expect(disks.space.demand(0)).rejects.toThrow(OutOfSpace);
  });

  test('looks once for all who ask at once', async () => {
    const disks = new Disks(2 ** 40);
    await Promise.all([disks.space.demand(1), disks.space.take(1), disks.space.demand(1)]);
    expect(disks.looks).toBe(1);
    disks.space.lookAgain();
    await disks.space.demand(1);
    expect(disks.looks).toBe(2);
  });
});

test('room is what is free beyond a reserve, which is at most a twentieth of the disk', async () => {
  const { blocks, bsize, bavail } = await statfs(tmpdir());
  const [small, largest] = [await roomOf(tmpdir(), 1024), await roomOf(tmpdir(), 2 ** 60)];
  expect([small.reserve, largest.reserve]).toEqual([1024, Math.floor((blocks * bsize) / 20)]);
  // Others write meanwhile.
  expect(Math.abs(small.bytes - bavail * bsize)).toBeLessThan(largest.reserve / 2);
  expect(Math.abs(small.bytes - largest.bytes - largest.reserve)).toBeLessThan(largest.reserve / 2);
});

test('a directory that is not there has no say', async () => {
  expect(await roomOf('/nowhere/at/all', 1)).toEqual({ bytes: Number.POSITIVE_INFINITY, reserve: 0 });
});

test('a full disk is told from other faults', () => {
  const because = (code: string) => new Error('x', { cause: Object.assign(new Error(code), { code }) });
  const told = [
    new OutOfSpace(),
    because('ENOSPC'),
    because('EDQUOT'),
    because('EIO'),
    new Error('x'),
    new Error('x', { cause: new Error('y') }),
    new Error('x', { cause: { code: 'ENOSPC' } }),
    { cause: Object.assign(new Error('x'), { code: 'ENOSPC' }) },
    'x',
  ].map(isOutOfSpace);
  expect(told).toEqual([true, true, true, false, false, false, false, false, false]);
});
