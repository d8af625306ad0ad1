import { describe, expect, test } from 'vitest';
import { BufferBudget, readChunks } from '../../../src/storage/chunk-reader.ts';
import { eventually } from '../../support/eventually.ts';

const kib = 1024;
const mib = 1024 * kib;
const bytes = Buffer.from(Array.from({ length: 3 * mib + 17 }, (_, index) => (index * 31) % 251));

/** Gives at most so many bytes at once, and notes what it was asked for. */
function sourceOf(content: Buffer, maxRead = Infinity) {
  const buffers: Uint8Array[] = [];
  return {
    buffers,
    pending: 0,
    async readAt(buffer: Uint8Array, position: number): Promise<number> {
      buffers.push(buffer);
      this.pending += 1;
      await new Promise((resolve) => setImmediate(resolve));
      this.pending -= 1;
      return content.copy(buffer, 0, position, position + Math.min(buffer.length, maxRead));
    },
  };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

describe('reading', () => {
  test.each([
    [0, bytes.length],
    [0, 1],
    [5, 5],
    [bytes.length - 3, bytes.length],
    [17, 2 * mib],
    [5, Number.POSITIVE_INFINITY],
  ])('from %i to %i gives these bytes', async (start, end) => {
    const read = await collect(readChunks(sourceOf(bytes), start, end, new BufferBudget()));
    expect(read.equals(bytes.subarray(start, end))).toBe(true);
  });

  test('goes on where a read gave less than was asked for', async () => {
    const read = await collect(readChunks(sourceOf(bytes, 70_001), 3, bytes.length, new BufferBudget()));
    expect(read.equals(bytes.subarray(3))).toBe(true);
  });

  test('fills the next buffer while the chunk is in use, and leaves the chunk alone', async () => {
    const source = sourceOf(bytes);
    const chunks = readChunks(source, 0, bytes.length, new BufferBudget());
    const first = await chunks.next();
    expect(source.pending).toBe(1);
    const copy = Buffer.from(first.value ?? []);
    await eventually(() => expect(source.pending).toBe(0));
    expect(copy.equals(first.value ?? Buffer.of())).toBe(true);
    await chunks.return();
  });

  test('fails where the source ends early', async () => {
    const read = collect(readChunks(sourceOf(bytes), 0, bytes.length + 1, new BufferBudget()));
    await expect(read).rejects.toThrow(`the bytes end at ${bytes.length} and not at ${bytes.length + 1}`);
  });

  test('fails with the error of the source, once what was read before it is used', async () => {
    const broken = {
      readAt: (buffer: Uint8Array, position: number) =>
        position === 0 ? Promise.resolve(buffer.length) : Promise.reject(new Error('input/output error')),
    };
    const chunks = readChunks(broken, 0, bytes.length, new BufferBudget());
    expect((await chunks.next()).done).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(chunks.next()).rejects.toThrow('input/output error');
  });

  test('that is left early gives its buffers back only when the disk is done with them', async () => {
    const budget = new BufferBudget();
    const source = sourceOf(bytes);
    const chunks = readChunks(source, 0, bytes.length, budget);
    await chunks.next();
    await chunks.return();
    expect(source.pending).toBe(0);
    const used = new Set(source.buffers.map((each) => each.buffer));
    const reused = new Set([budget.take(mib), budget.take(mib)].map((each) => each.buffer));
    expect([...reused].filter((each) => used.has(each))).toHaveLength(2);
  });

  test('few bytes takes no whole buffers, wherever they are', async () => {
    const source = sourceOf(bytes, 10 * kib);
    await collect(readChunks(source, 60 * kib, 100 * kib, new BufferBudget()));
    expect(source.buffers).toHaveLength(4);
    for (const { buffer } of source.buffers) expect(buffer.byteLength).toBeLessThan(512 * kib);
  });
});

describe('the budget', () => {
  test('gives smaller buffers as readers become more, and bigger ones as they leave', () => {
    const budget = new BufferBudget(16 * mib);
    const sizes: number[] = [];
    for (let readers = 1; readers <= 64; readers += 1) {
      budget.enter();
      if ([1, 16, 17, 33, 64].includes(readers)) sizes.push(budget.bufferBytes);
      expect(readers * 2 * budget.bufferBytes).toBeLessThanOrEqual(16 * mib);
    }
    expect(sizes).toEqual([512 * kib, 512 * kib, 256 * kib, 128 * kib, 128 * kib]);
    for (let readers = 64; readers > 1; readers -= 1) budget.leave();
    expect(budget.bufferBytes).toBe(512 * kib);
  });

  test('never goes below what reads well', () => {
    const budget = new BufferBudget(mib);
    for (let readers = 0; readers < 1000; readers += 1) budget.enter();
    expect(budget.bufferBytes).toBe(64 * kib);
  });

  test('takes no more for a few bytes than they need', () => {
    expect(new BufferBudget().take(100)).toHaveLength(100);
  });

  test('gives a whole buffer only for more than the smallest', () => {
    const budget = new BufferBudget();
    expect(budget.take(64 * kib)).toHaveLength(64 * kib);
    expect(budget.take(64 * kib + 1)).toHaveLength(512 * kib);
  });

  test('keeps what is given back for others, 8 MiB at most', () => {
    const budget = new BufferBudget();
    const buffers = Array.from({ length: 17 }, () => budget.take(mib));
    for (const buffer of buffers) budget.giveBack(buffer);
    const again = new Set(Array.from({ length: 17 }, () => budget.take(mib)));
    expect(buffers.filter((buffer) => again.has(buffer))).toHaveLength(16);
    // All of them are out again: there is room for as many.
    for (const buffer of again) budget.giveBack(buffer);
    const once = Array.from({ length: 17 }, () => budget.take(mib));
    expect(once.filter((buffer) => again.has(buffer))).toHaveLength(16);
  });

  test('keeps no buffer of a size that is right no more', () => {
    const budget = new BufferBudget(4 * mib);
    const [kept, late] = [budget.take(mib), budget.take(mib)];
    budget.giveBack(kept);
    for (let others = 0; others < 32; others += 1) budget.enter();
    budget.giveBack(late);
    const small = budget.take(mib);
    expect(small).toHaveLength(64 * kib);
    expect(budget.renew(small, mib)).toBe(small);
    for (let others = 0; others < 32; others += 1) budget.leave();
    const large = budget.renew(small, mib);
    expect(large).toHaveLength(512 * kib);
    expect([kept, late]).not.toContain(large);
  });

  test('is kept by readers that came when there were few', async () => {
    const budget = new BufferBudget(4 * mib);
    const source = sourceOf(bytes);
    const chunks = readChunks(source, 0, bytes.length, budget);
    await chunks.next();
    for (let others = 0; others < 31; others += 1) budget.enter();
    await chunks.next();
    await chunks.next();
    expect(source.buffers.map((buffer) => buffer.length).slice(0, 4)).toEqual([
      512 * kib,
      512 * kib,
      64 * kib,
      64 * kib,
    ]);
    await chunks.return();
  });
});
