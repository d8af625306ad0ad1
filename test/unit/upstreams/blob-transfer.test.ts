import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { BlobBody, parsePart } from '../../../src/upstreams/blob-transfer.ts';
import { answerOf, type SaidAnswer } from '../outbound/answer-kit.ts';

const mebibyte = 1024 * 1024;

interface Transfer {
  readonly body: BlobBody;
  /** Bytes, each time they are told. */
  readonly told: number[];
  readonly failures: unknown[];
  /** How long the next bytes take from when they are asked for. */
  takeMs: number;
}

function transferOf(
  chunks: Iterable<Buffer>,
  { expected, signal }: { expected?: number; signal?: AbortSignal } = {},
): Transfer {
  let now = 1_000_000;
  const sent = function* () {
    for (const chunk of chunks) {
      now += transfer.takeMs;
      yield chunk;
    }
  };
  const sending = Readable.from(sent(), { highWaterMark: 0 });
  const said: SaidAnswer = { body: sending, ...(signal && { signal }) };
  // Each chunk by itself, as it is sent.
  const answer = Object.assign(answerOf(said), { chunks: () => sending[Symbol.asyncIterator]() });
  const told: number[] = [];
  const failures: unknown[] = [];
  const body = new BlobBody({
    answer,
    expected,
    minBytesPerSecond: 100,
    windowMs: 10_000,
    now: () => now,
    onBytes: (count) => told.push(count),
    onFailure: (error) => failures.push(error),
  });
  const transfer = { body, told, failures, takeMs: 0 };
  return transfer;
}

async function drain({ body }: Transfer): Promise<number> {
  let length = 0;
  for await (const chunk of body) length += chunk.length;
  return length;
}

describe('what has arrived', () => {
  test('is told in lots, and the rest at the end', async () => {
    const { body, told } = transferOf(
      [4 * mebibyte - 1, 1, 5 * mebibyte, 3].map((size) => Buffer.alloc(size)),
    );
    const afterEach: number[][] = [];
    for await (const _chunk of body) afterEach.push([...told]);
    const [first, second] = [4 * mebibyte, 5 * mebibyte];
    expect(afterEach).toEqual([[], [first], [first, second], [first, second]]);
    expect(told).toEqual([first, second, 3]);
  });

  test('is told once where it is closed before its end, and it is over then', async () => {
    const { body, told, failures } = transferOf([Buffer.alloc(4), Buffer.alloc(4)]);
    await body.next();
    expect(await body.return()).toEqual({ done: true, value: undefined });
    body.close();
    expect([told, failures]).toEqual([[4], []]);
    expect((await body.next().catch(() => ({ done: true }))).done).toBe(true);
  });

  test('is not told of where it is nothing', async () => {
    const transfer = transferOf([]);
    expect(await drain(transfer)).toBe(0);
    transfer.body.close();
    expect(transfer.told).toEqual([]);
  });
});

describe('a body that', () => {
  test('is as long as it should be ends well', async () => {
    const transfer = transferOf([Buffer.alloc(4), Buffer.alloc(6)], { expected: 10 });
    expect(await drain(transfer)).toBe(10);
    expect(transfer.failures).toEqual([]);
  });

  test.each([
    ['shorter', 11, 'sent 10 of 11 bytes'],
    ['longer', 9, 'sent more than the 9 bytes it announced'],
  ])('is %s fails, once, and what came of it is told', async (_what, expected, message) => {
    const transfer = transferOf([Buffer.alloc(4), Buffer.alloc(6)], { expected });
    await expect(drain(transfer)).rejects.toMatchObject({ kind: 'unavailable', message });
    expect(transfer.failures).toMatchObject([{ kind: 'unavailable', message }]);
    expect(transfer.told).toEqual([10]);
  });

  test('breaks off where its reader gave up fails with the reason', async () => {
    const signal = AbortSignal.abort(new Error('left'));
    const transfer = transferOf([Buffer.alloc(4)], { expected: 10, signal });
    await expect(drain(transfer)).rejects.toThrow('left');
    expect(transfer.failures).toEqual([new Error('left')]);
  });
});

describe('the pace', () => {
  /** What became of chunks of such lengths, of which each took so many milliseconds. */
  async function drainSlowly(
    ...chunks: readonly (readonly [length: number, ms: number])[]
  ): Promise<unknown> {
    const transfer = transferOf(chunks.map(([length]) => Buffer.alloc(length)));
    try {
      for (const [, ms] of chunks) {
        transfer.takeMs = ms;
        await transfer.body.next();
      }
      expect(transfer.failures).toEqual([]);
      return 'passed';
    } catch (error) {
      expect(transfer.failures).toEqual([error]);
      expect(error).toMatchObject({ kind: 'unavailable', timedOut: true });
      return error instanceof Error && error.message;
    }
  }
  const tooSlow = (bytes: number, seconds: number) =>
    `sent ${bytes} bytes in ${seconds} s (upstreams.min_bytes_per_second)`;

  test('is not looked at before the window is over', async () => {
    expect(await drainSlowly([1, 9999])).toBe('passed');
    expect(await drainSlowly([1, 5000], [1, 4999])).toBe('passed');
  });

  test('may be as slow as is said, on average, and no slower', async () => {
    expect(await drainSlowly([1000, 10_000])).toBe('passed');
    expect(await drainSlowly([999, 10_000])).toBe(tooSlow(999, 10));
    expect(await drainSlowly([1, 9000], [999, 1000])).toBe('passed');
    expect(await drainSlowly([1, 9000], [998, 1000])).toBe(tooSlow(999, 10));
    expect(await drainSlowly([1999, 20_000])).toBe(tooSlow(1999, 20));
  });

  test('of the next window counts by itself', async () => {
    expect(await drainSlowly([90_000, 10_000], [999, 9999], [0, 1])).toBe(tooSlow(999, 10));
    expect(await drainSlowly([1000, 10_000], [1, 9999])).toBe('passed');
    expect(await drainSlowly([1000, 10_000], [1000, 10_000], [999, 10_000])).toBe(tooSlow(999, 10));
  });
});

describe('a part', () => {
  const part = (text: string, asked: { start: number; last?: number }) =>
    parsePart(answerOf({ status: 206, headers: { 'content-range': text } }), asked);

  test.each([
    ['bytes 4-9/10', { start: 4, length: 6, size: 10 }],
    [' Bytes 4-9/10\t', { start: 4, length: 6, size: 10 }],
    ['bytes 4-4/10', { start: 4, length: 1, size: 10 }],
    ['bytes 4-123/124', { start: 4, length: 120, size: 124 }],
    ['bytes 4-9/*', { start: 4, length: 6, size: undefined }],
  ])('is read from "%s"', (text, said) => {
    expect(part(text, { start: 4 })).toEqual(said);
  });

  test.each([
    'x bytes 4-9/10',
    'bytes 4-9/10 x',
    'bytes 4-9/**',
    'bytes 4-9/9',
    'bytes 4-3/10',
    `bytes 4-${'9'.repeat(16)}/*`,
    'bytes -9/10',
    'bytes 4-9',
  ])('is refused where it is said to be "%s"', (text) => {
    expect(() => part(text, { start: 4 })).toThrow(`answered bytes 4- with "${text}"`);
  });

  test('may start and end anywhere', () => {
    expect(part('bytes 120-139/140', { start: 120 })).toEqual({ start: 120, length: 20, size: 140 });
  });

  test('is refused where nothing is said of it', () => {
    expect(() => parsePart(answerOf({ status: 206 }), { start: 0, last: 3 })).toThrow(
      'answered bytes 0-3 with ""',
    );
    const refused = () => parsePart(answerOf({ status: 206 }), { start: 4 });
    expect(refused).toThrow('answered bytes 4- with ""');
  });

  test('ends where it was asked to, at the latest', () => {
    expect(part('bytes 4-6/10', { start: 4, last: 6 })).toEqual({ start: 4, length: 3, size: 10 });
    expect(part('bytes 4-5/10', { start: 4, last: 6 })).toEqual({ start: 4, length: 2, size: 10 });
    expect(() => part('bytes 4-7/10', { start: 4, last: 6 })).toThrow('answered bytes 4-6');
  });

  test('that is refused is told with its status and no more than its beginning', () => {
    const refused = () => part('x'.repeat(100), { start: 4 });
    expect(refused).toThrow(`answered bytes 4- with "${'x'.repeat(80)}"`);
    expect(refused).toThrow(expect.objectContaining({ kind: 'invalid', status: 206 }));
  });

  test('of an answer that says nothing of parts is the whole', () => {
    const whole = answerOf({ headers: { 'content-length': '10', 'content-range': 'bytes 4-9/10' } });
    expect(parsePart(whole, { start: 4 })).toEqual({ start: 0, length: 10, size: 10 });
    expect(parsePart(answerOf(), { start: 4 })).toEqual({ start: 0, length: undefined, size: undefined });
  });
});
