import { describe, expect, test } from 'vitest';
import { SpoolWindow } from '../../../src/proxy/spool-window.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { MemorySpool } from '../../support/memory-spool.ts';

const mib = 1024 * 1024;

/** A spool that tells what is read of it. @param budget in bytes */
function setUp({ room = Number.POSITIVE_INFINITY, budget = 16 * mib } = {}) {
  const spool = new MemorySpool(room);
  const reads: number[] = [];
  const readAt = spool.readAt.bind(spool);
  spool.readAt = (buffer, position) => {
    reads.push(position);
    return readAt(buffer, position);
  };
  const written: string[] = [];
  const window = new SpoolWindow(spool, new BufferBudget(budget), (bytes) =>
    written.push(Buffer.from(bytes).toString()),
  );
  const lent = async (position: number) => {
    const { bytes, release } = await window.lend(position);
    const copy = Buffer.from(bytes);
    release();
    return copy;
  };
  return { spool, window, reads, written, lent };
}

/** Mebibytes, each of a byte of its own. */
const mebibyte = (value: number) => Buffer.alloc(mib, value);

describe('a window on a spool', () => {
  test('writes what comes in its order, and tells of it then', async () => {
    const { window, written, spool } = setUp();
    await window.add(Buffer.from('ab'));
    await window.add(Buffer.from('cde'));
    expect(window.received).toBe(5);
    await window.written();
    expect([window.length, spool.length, written]).toEqual([5, 5, ['ab', 'cde']]);
  });

  test('takes more while one chunk is written, and waits with the one after it', async () => {
    const { window, spool } = setUp();
    const disk = Promise.withResolvers<void>();
    const append = spool.append.bind(spool);
    spool.append = async (...chunks) => {
      await disk.promise;
      return append(...chunks);
    };
    await window.add(Buffer.from('a'));
    let isTaken = false;
    const second = window.add(Buffer.from('b')).then(() => {
      isTaken = true;
    });
    await new Promise(setImmediate);
    expect([isTaken, window.length]).toEqual([false, 0]);
    disk.resolve();
    await second;
  });

  test('lends what came last without reading it', async () => {
    const { window, reads, lent } = setUp();
    await window.add(Buffer.from('abc'));
    await window.add(Buffer.from('de'));
    await window.written();
    expect((await lent(1)).toString()).toBe('bc');
    expect((await lent(3)).toString()).toBe('de');
    expect(reads).toEqual([]);
  });

  test('reads what came before once for all who are there', async () => {
    const { window, reads, lent } = setUp();
    for (let value = 0; value < 8; value += 1) await window.add(mebibyte(value));
    await window.written();
    const both = await Promise.all([lent(mib), lent(mib + 5)]);
    expect(both.map((bytes) => [bytes.length, bytes[0]])).toEqual([
      [mib / 4, 1],
      [mib / 4 - 5, 1],
    ]);
    expect(reads).toEqual([mib]);
    expect((await lent(7 * mib))[0]).toBe(7);
    expect(reads).toEqual([mib]);
  });

  test('keeps more of what came the more are reading', async () => {
    const { window, reads, lent } = setUp();
    const slow: Awaited<ReturnType<typeof window.lend>>[] = [];
    await window.add(mebibyte(0));
    await window.written();
    for (let readers = 0; readers < 16; readers += 1) slow.push(await window.lend(0));
    for (let value = 1; value < 6; value += 1) await window.add(mebibyte(value));
    await window.written();
    expect([(await lent(0))[0], (await lent(2 * mib))[0]]).toEqual([0, 2]);
    expect(reads).toEqual([]);
    for (const { release } of slow) release();
    await window.add(mebibyte(6));
    await window.written();
    expect((await lent(3 * mib))[0]).toBe(3);
    expect(reads).toEqual([3 * mib]);
  });

  test('keeps what is lent as it is until it is released', async () => {
    const { window } = setUp();
    await window.add(mebibyte(1));
    await window.written();
    const { bytes, release } = await window.lend(0);
    for (let value = 2; value < 10; value += 1) await window.add(mebibyte(value));
    await window.written();
    expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([mib, 1, 1]);
    release();
    expect(bytes.length).toBe(0);
  });

  test('lends little, which is read for one alone, where much is kept by who is slow', async () => {
    const { window, reads, lent } = setUp({ budget: mib });
    const slow: Awaited<ReturnType<typeof window.lend>>[] = [];
    for (let value = 0; value < 3; value += 1) {
      await window.add(mebibyte(value));
      await window.written();
      if (value < 2) slow.push(await window.lend(value * mib));
    }
    expect(reads).toEqual([]);
    expect((await lent(2 * mib)).length).toBe(64 * 1024);
    expect(reads).toEqual([2 * mib]);
    for (const { release } of slow) release();
    expect((await lent(2 * mib)).length).toBe(mib);
  });

  test('fails for who reads what cannot be read, and tries again for the next', async () => {
    const { window, spool, lent } = setUp();
    for (let value = 0; value < 8; value += 1) await window.add(mebibyte(value));
    await window.written();
    const { readAt } = spool;
    spool.readAt = () => Promise.reject(new Error('the disk fails'));
    await expect(window.lend(0)).rejects.toThrow('the disk fails');
    spool.readAt = async () => 0;
    await expect(window.lend(0)).rejects.toThrow('the spool ends at 0');
    spool.readAt = readAt;
    expect((await lent(0))[0]).toBe(0);
  });

  test('says at once that nothing more can be written, and to whoever adds more', async () => {
    const { window, written } = setUp({ room: 3 });
    await window.add(Buffer.from('abc'));
    const failed = new Promise((resolve) => window.failed.addEventListener('abort', resolve));
    await window.add(Buffer.from('d'));
    await failed;
    expect(window.failed.reason).toBeInstanceOf(SpoolError);
    await expect(window.add(Buffer.from('e'))).rejects.toBeInstanceOf(SpoolError);
    await expect(window.written()).rejects.toBeInstanceOf(SpoolError);
    expect([window.length, written]).toEqual([3, ['abc']]);
  });

  test('frees what it keeps when it is closed, and what is lent once it is released', async () => {
    const { window } = setUp();
    const kept = mebibyte(1);
    const read = mebibyte(2);
    await window.add(kept);
    await window.add(read);
    await window.written();
    const { release } = await window.lend(mib);
    window.close();
    expect([kept.length, read.length]).toEqual([0, mib]);
    release();
    expect(read.length).toBe(0);
  });
});
