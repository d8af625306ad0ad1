import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { OutboundError, type OutboundErrorKind } from '../../../src/outbound/outbound-error.ts';
import { Download } from '../../../src/proxy/download.ts';
import { FakeUpstream, inChunks } from '../../support/fake-upstream.ts';
import { silentLog } from '../../support/silent-log.ts';
import { atUpstream, nth } from './proxy-kit.ts';

const bytes = Buffer.from(Array.from({ length: 35_000 }, (_, index) => (index * 7919) % 251));
const digest = digestOf(bytes);
const never = new AbortController().signal;

/** Upstreams that have the blob. */
function setUp(count = 1) {
  const upstreams = Array.from({ length: count }, (_, index) => new FakeUpstream({ id: index + 1 }));
  for (const upstream of upstreams) upstream.addBlob(bytes);
  const sources = upstreams.map((upstream) => ({ groupId: 1, repository: atUpstream, upstream }));
  const pauses: number[] = [];
  let resumed = 0;
  const observer = {
    started: () => undefined,
    followed: () => undefined,
    resumed() {
      resumed += 1;
    },
    spooled: () => undefined,
    finished: () => undefined,
  };
  const tools = { log: silentLog, observer, pause: async (ms: number) => void pauses.push(ms) };
  const open = (range: { start: number; last?: number } = { start: 0 }) =>
    Download.open(tools, digest, sources, range, never);
  const read = async (range?: { start: number; last?: number }) => collect(await open(range));
  const asked = () => upstreams.map((each) => each.asked.map((question) => question.split(' ').at(-1)));
  return { upstream: nth(upstreams, 0), upstreams, tools, pauses, resumed: () => resumed, open, read, asked };
}

async function collect(download: Download): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of download.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sends so many bytes of its part, then breaks off, or just ends. */
function breakAfter(count: number, how: OutboundErrorKind | Error | 'end' = 'unavailable') {
  return async function* (start: number, end: number) {
    yield* inChunks(bytes, start, Math.min(start + count, end));
    if (how === 'end') return;
    throw how instanceof Error ? how : new OutboundError(how, 'ended the connection');
  };
}

describe('a download', () => {
  test('is that of the first source that has the blob, and lets go of it at the end', async () => {
    const { upstreams, open, asked } = setUp(3);
    nth(upstreams, 0).blobs.clear();
    const download = await open();
    expect(download).toMatchObject({ size: bytes.length, source: { upstream: nth(upstreams, 1) } });
    expect(await collect(download)).toEqual(bytes);
    expect(asked()).toEqual([['0-'], ['0-'], []]);
    expect(nth(upstreams, 1).openBodies).toBe(0);
  });

  test('that nobody has says what each source said', async () => {
    const { upstreams, open } = setUp(2);
    nth(upstreams, 0).blobs.clear();
    nth(upstreams, 1).fail('rate-limited', 'GET blob');
    await expect(open()).rejects.toMatchObject({
      code: 'TOOMANYREQUESTS',
      detail: expect.stringMatching(/upstream 1.*upstream 2/),
    });
    nth(upstreams, 1).blobs.clear();
    nth(upstreams, 1).recover();
    await expect(open()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    nth(upstreams, 0).fail(new TypeError('a bug'), 'GET blob');
    await expect(open()).rejects.toThrow('a bug');
  });

  test('that is wanted no more lets go of its source', async () => {
    const { upstream, open } = setUp();
    const download = await open();
    expect(upstream.openBodies).toBe(1);
    download.close();
    expect(upstream.openBodies).toBe(0);
  });

  test.each([
    { start: 12_000 },
    { start: 12_000, last: 12_999 },
    { start: 0, last: 9_999 },
    { start: 0, last: 0 },
  ])('of a part gives that part, whether or not the source knows parts: %o', async (range) => {
    const part = bytes.subarray(range.start, (range.last ?? bytes.length - 1) + 1);
    for (const knowsRanges of [true, false]) {
      const { upstream, read } = setUp();
      upstream.knowsRanges = knowsRanges;
      expect(await read(range)).toEqual(part);
      expect(upstream.openBodies).toBe(0);
    }
  });

  test('of a blob whose size nobody says ends where its source ends', async () => {
    const { upstream, open } = setUp();
    upstream.saysSizes = false;
    const download = await open();
    expect(download.size).toBeUndefined();
    expect(await collect(download)).toEqual(bytes);
  });
});

describe('a download that breaks', () => {
  test('because it was closed asks nobody for the rest', async () => {
    const { upstream, open, asked, pauses } = setUp(2);
    const broken = Promise.withResolvers<never>();
    upstream.bodies.push(async function* () {
      yield await broken.promise;
    });
    const download = await open();
    const next = expect(download.chunks().next()).rejects.toThrow('ended the connection');
    download.close();
    broken.reject(new OutboundError('unavailable', 'ended the connection'));
    await next;
    expect([asked(), pauses]).toEqual([[['0-'], []], []]);
  });

  test('and is closed while it is opened again lets go of what is opened', async () => {
    const { upstream, open } = setUp();
    upstream.bodies.push(breakAfter(0), breakAfter(0));
    const download = await open();
    const opening = upstream.hold('GET blob');
    const next = expect(download.chunks().next()).rejects.toThrow('ended the connection');
    await vi.waitFor(() => expect(upstream.asked).toHaveLength(2));
    download.close();
    opening();
    await next;
    expect(upstream.openBodies).toBe(0);
  });

  test.each(['unavailable', 'end'] as const)(
    'goes on where it stopped, at the same source (%s)',
    async (how) => {
      const { upstream, read, asked, pauses, resumed } = setUp(2);
      upstream.bodies.push(breakAfter(15_000, how));
      expect(await read()).toEqual(bytes);
      expect(asked()).toEqual([['0-', '15000-'], []]);
      expect(pauses).toEqual([100]);
      expect(resumed()).toBe(1);
      expect(upstream.openBodies).toBe(0);
    },
  );

  test('uses each byte once where its source knows no parts, and gives no empty chunks', async () => {
    const { upstream, open } = setUp();
    upstream.knowsRanges = false;
    upstream.bodies.push(breakAfter(25_000));
    const lengths: number[] = [];
    for await (const chunk of (await open()).chunks()) lengths.push(chunk.length);
    expect(lengths).toEqual([10_000, 10_000, 5000, 5000, 5000]);
  });

  test('goes on with the rest of its part', async () => {
    const { upstream, read, asked } = setUp();
    upstream.bodies.push(breakAfter(1000, 'end'));
    expect(await read({ start: 5000, last: 24_999 })).toEqual(bytes.subarray(5000, 25_000));
    expect(asked()).toEqual([['5000-24999', '6000-24999']]);
  });

  test('pauses twice as long each time, five times, and then goes on at the next source as at the first', async () => {
    const { upstreams, read, asked, pauses } = setUp(2);
    for (const upstream of upstreams)
      upstream.bodies.push(...Array.from({ length: 6 }, () => breakAfter(1000)));
    await expect(read()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      detail: expect.stringMatching(/broke off after 12000 bytes.*upstream 1.*upstream 2/),
    });
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 100, 200, 400, 800, 1600]);
    expect(asked()).toEqual([
      ['0-', '1000-', '2000-', '3000-', '4000-', '5000-'],
      ['6000-', '7000-', '8000-', '9000-', '10000-', '11000-'],
    ]);
    for (const { openBodies } of upstreams) expect(openBodies).toBe(0);
  });

  test.each(['not-found', 'unauthorized', 'rate-limited', 'invalid'] as const)(
    'goes on at the next source at once where it is of no use to wait (%s)',
    async (kind) => {
      const { upstreams, read, asked, pauses } = setUp(3);
      nth(upstreams, 0).bodies.push(breakAfter(10_000));
      nth(upstreams, 0).bodies.push(breakAfter(10_000, kind));
      nth(upstreams, 1).fail(kind, 'GET blob');
      expect(await read()).toEqual(bytes);
      expect(asked()).toEqual([['0-', '10000-'], ['20000-'], ['20000-']]);
      expect(pauses).toEqual([100]);
    },
  );

  test('counts it where its source does not answer, too', async () => {
    const { upstream, tools, read, asked, pauses } = setUp(2);
    upstream.bodies.push(breakAfter(10_000));
    tools.pause = async (ms) => {
      pauses.push(ms);
      upstream.fail('unavailable', 'GET blob');
    };
    expect(await read()).toEqual(bytes);
    expect(pauses).toEqual([100, 200, 400, 800, 1600]);
    expect(asked()).toEqual([['0-', ...Array(5).fill('10000-')], ['10000-']]);
  });

  test('does not go on with another blob', async () => {
    const { upstreams, read } = setUp(3);
    nth(upstreams, 0).bodies.push(breakAfter(10_000, 'invalid'));
    nth(upstreams, 1).blobs.set(digest, Buffer.concat([bytes, bytes]));
    expect(await read()).toEqual(bytes);
    for (const { openBodies } of upstreams) expect(openBodies).toBe(0);
  });

  test('does not read of a blob of another size, be it shorter', async () => {
    const { upstreams, read, asked, pauses } = setUp(3);
    nth(upstreams, 0).bodies.push(breakAfter(10_000, 'invalid'));
    nth(upstreams, 1).blobs.set(digest, bytes.subarray(0, 20_000));
    expect(await read()).toEqual(bytes);
    expect([asked(), pauses]).toEqual([[['0-'], ['10000-'], ['10000-']], []]);
  });

  test('fails as by nonsense where the next source has another blob', async () => {
    const { upstreams, read } = setUp(2);
    nth(upstreams, 0).bodies.push(breakAfter(10_000, 'not-found'));
    nth(upstreams, 1).blobs.set(digest, Buffer.concat([bytes, bytes]));
    await expect(read()).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
  });

  test('fails as unknown where nobody has the rest', async () => {
    const { upstreams, read } = setUp(2);
    nth(upstreams, 0).bodies.push(breakAfter(10_000, 'not-found'));
    nth(upstreams, 1).blobs.clear();
    await expect(read()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('goes on where only one of two sources says its size', async () => {
    for (const silent of [0, 1]) {
      const { upstreams, read } = setUp(2);
      nth(upstreams, 0).bodies.push(breakAfter(10_000, 'invalid'));
      nth(upstreams, silent).saysSizes = false;
      expect(await read()).toEqual(bytes);
    }
  });

  test('breaks for good where its source sends more than it announced', async () => {
    const { upstream, read } = setUp();
    upstream.bodies.push(async function* () {
      yield bytes;
      yield Buffer.from('more');
    });
    await expect(read()).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
  });

  test('is not taken up again once it is to stop', async () => {
    const { upstream, tools, read, asked } = setUp(2);
    upstream.bodies.push(breakAfter(10_000));
    tools.pause = () => Promise.reject(new Error('the server is stopping'));
    await expect(read()).rejects.toThrow('the server is stopping');
    expect(asked()).toEqual([['0-'], []]);
    expect(upstream.openBodies).toBe(0);
  });

  test('by a bug is not taken up again', async () => {
    const { upstream, read, asked } = setUp();
    upstream.bodies.push(breakAfter(10_000, new TypeError('a bug')));
    await expect(read()).rejects.toThrow('a bug');
    expect(asked()).toEqual([['0-']]);
    expect(upstream.openBodies).toBe(0);
  });
});
