import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { BodyChunks } from '../../../src/outbound/body-chunks.ts';

const kib = 1024;

/** A body that is given bytes, and what is read of it. */
function setUp() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const body = new PassThrough({ highWaterMark: 64 * kib });
  const chunks = new BodyChunks(body);
  const lengths: number[] = [];
  const read = async () => {
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      lengths.push(next.value.length);
    return 'over';
  };
  return { body, chunks, lengths, read };
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
}

describe('a body', () => {
  test('gives its first bytes at once, many as soon as they have come, and a few in a moment', async () => {
    const { body, lengths, read } = setUp();
    const reading = read();
    const given = async (...sizes: number[]) => {
      for (const size of sizes) body.write(Buffer.alloc(size));
      await settled();
      return lengths;
    };
    expect(await given(10)).toEqual([10]);
    expect(await given(5, 6)).toEqual([10]);
    vi.advanceTimersByTime(5);
    expect(await given()).toEqual([10, 11]);
    expect(await given(...Array.from({ length: 8 }, () => 32 * kib))).toEqual([10, 11, 256 * kib]);
    vi.advanceTimersByTime(5);
    // Nothing came within the moment: what comes next is given at once.
    expect(await given(7)).toEqual([10, 11, 256 * kib, 7]);
    body.end(Buffer.alloc(3));
    await settled();
    expect(await reading).toBe('over');
    expect(lengths).toEqual([10, 11, 256 * kib, 7, 3]);
  });

  test('is the bytes that came, in their order', async () => {
    const { body, chunks } = setUp();
    for (const text of ['a', 'bc', 'def']) body.write(text);
    body.end('g');
    const read: Buffer[] = [];
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) read.push(next.value);
    expect(Buffer.concat(read).toString()).toBe('abcdefg');
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  test('is not copied where it comes in one piece', async () => {
    const { body, chunks } = setUp();
    const sent = Buffer.from('abc');
    body.write(sent);
    expect((await chunks.next()).value).toBe(sent);
  });

  test('is held back as soon as 256 KiB wait', async () => {
    const { body } = setUp();
    for (let given = 0; given < 8; given += 1) {
      expect(body.isPaused()).toBe(false);
      body.write(Buffer.alloc(32 * kib));
      await settled();
    }
    expect(body.isPaused()).toBe(true);
  });

  test('is held back while nobody reads it', async () => {
    const { body } = setUp();
    for (let given = 0; given < 64; given += 1) body.write(Buffer.alloc(32 * kib));
    await settled();
    expect(body.isPaused()).toBe(true);
    expect(body.writableLength).toBeGreaterThan(1024 * kib);
  });

  test('that breaks off gives what came before, then its error', async () => {
    const { body, chunks } = setUp();
    body.write('ab');
    await settled();
    body.destroy(new Error('broken'));
    await settled();
    expect((await chunks.next()).value?.toString()).toBe('ab');
    await expect(chunks.next()).rejects.toThrow('broken');
  });

  test('that is destroyed without an error is no whole one', async () => {
    const { body, chunks } = setUp();
    const next = expect(chunks.next()).rejects.toThrow('Premature close');
    body.destroy();
    await next;
  });

  test('that is over leaves no timer', async () => {
    const { body, chunks } = setUp();
    body.end('a');
    await chunks.next();
    await settled();
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });
});
