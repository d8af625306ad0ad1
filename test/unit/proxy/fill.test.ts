import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { fillingBlob, uncachedBlob } from '../../../src/proxy/blob-answers.ts';
import { Download } from '../../../src/proxy/download.ts';
import { Fill, verified } from '../../../src/proxy/fill.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { MemorySpool } from '../../support/memory-spool.ts';
import { OpenBody } from '../../support/open-body.ts';
import { silentLog } from '../../support/silent-log.ts';
import { atUpstream, bytesOf, settled } from './proxy-kit.ts';

const kib = 1024;
/** What is not given before all is verified. */
const heldBack = 16 * kib;
const bytes = Buffer.from(Array.from({ length: 100 * kib }, (_, index) => (index * 7919) % 251));
const never = new AbortController().signal;

interface Given {
  readonly blob?: Buffer;
  readonly digest?: Digest;
  readonly spool?: MemorySpool;
  readonly saysSizes?: boolean;
  readonly sizeHint?: number;
}

const idleTools = {
  log: silentLog,
  pause: async () => undefined,
  observer: {
    started: () => undefined,
    followed: () => undefined,
    resumed: () => undefined,
    spooled: () => undefined,
    finished: () => undefined,
  },
};

/** A fill that gets what the body is given. */
async function setUp({
  blob = bytes,
  digest = digestOf(blob),
  spool = new MemorySpool(),
  ...more
}: Given = {}) {
  const upstream = new FakeUpstream({ id: 1 });
  upstream.saysSizes = more.saysSizes ?? true;
  upstream.blobs.set(digest, blob);
  const body = new OpenBody();
  upstream.bodies.push(() => body);
  const sources = [{ groupId: 1, repository: atUpstream, upstream }];
  let spooled = 0;
  const observer = {
    ...idleTools.observer,
    spooled(count: number) {
      spooled += count;
    },
  };
  const tools = { ...idleTools, observer };
  const download = await Download.open(tools, digest, sources, { start: 0 }, never);
  const fill = new Fill(digest, download, more.sizeHint, spool, { buffers: new BufferBudget(), observer });
  const answer = () => {
    fill.hold();
    return fillingBlob('miss', fill, sources, tools);
  };
  return { fill, body, spool, upstream, answer, spooled: () => spooled };
}

/** What arrives, as it arrives. */
function follow(chunks: AsyncIterable<Uint8Array>) {
  const read: Buffer[] = [];
  const ended = (async () => {
    for await (const chunk of chunks) read.push(Buffer.from(chunk));
  })();
  ended.catch(() => undefined);
  return {
    ended,
    get bytes() {
      return Buffer.concat(read);
    },
  };
}

describe('a fill', () => {
  test('gives what has arrived at once, but for the last bytes, which wait for the digest', async () => {
    const { fill, body, answer } = await setUp();
    const run = fill.run();
    const early = follow(answer().read(0, undefined, never));
    body.give(bytes.subarray(0, 50 * kib));
    await settled();
    expect(early.bytes).toEqual(bytes.subarray(0, 50 * kib));
    const late = follow(answer().read(0, undefined, never));
    await settled();
    expect(late.bytes).toEqual(bytes.subarray(0, 50 * kib));
    body.give(bytes.subarray(50 * kib));
    await eventually(() => expect(early.bytes.length).toBe(bytes.length - heldBack));
    expect(late.bytes).toEqual(bytes.subarray(0, -heldBack));
    expect(fill.visible).toBe(bytes.length - heldBack);
    body.give(undefined);
    await Promise.all([early.ended, late.ended]);
    expect(early.bytes).toEqual(bytes);
    expect(late.bytes).toEqual(bytes);
    expect(fill.visible).toBe(bytes.length);
    expect(await run).toBe(bytes.length);
  });

  test('tells its size where its upstream or a manifest says it', async () => {
    expect((await setUp()).fill.size).toBe(bytes.length);
    expect((await setUp({ sizeHint: 7 })).fill.size).toBe(bytes.length);
    expect((await setUp({ sizeHint: 7, saysSizes: false })).fill.size).toBe(7);
    expect((await setUp({ saysSizes: false })).fill.size).toBeUndefined();
  });

  test('of a size that nobody says holds back the last of what has arrived', async () => {
    const { fill, body, answer } = await setUp({ saysSizes: false });
    const run = fill.run();
    const reading = follow(answer().read(0, undefined, never));
    body.give(bytes.subarray(0, 10 * kib));
    await settled();
    expect(fill.visible).toBe(0);
    body.give(bytes.subarray(10 * kib));
    await eventually(() => expect(reading.bytes.length).toBe(bytes.length - heldBack));
    body.give(undefined);
    await run;
    await reading.ended;
    expect(reading.bytes).toEqual(bytes);
  });

  test.each([0, 1, 100])('of %i bytes gives nothing before it is verified', async (size) => {
    const { fill, body, answer } = await setUp({ blob: bytes.subarray(0, size) });
    const reading = follow(answer().read(0, undefined, never));
    const run = fill.run();
    body.give(bytes.subarray(0, size));
    let isOver = false;
    reading.ended.then(() => {
      isOver = true;
    });
    await settled();
    expect(isOver).toBe(false);
    expect(reading.bytes).toHaveLength(0);
    body.give(undefined);
    await run;
    await reading.ended;
    expect(reading.bytes).toEqual(bytes.subarray(0, size));
  });

  test.each([
    ['other bytes of the same length', Buffer.from(bytes).fill(1, 0, 1)],
    ['fewer bytes, of a size that nobody said', bytes.subarray(1)],
  ])('completes no reader with %s', async (_, blob) => {
    const { fill, body, answer } = await setUp({
      blob,
      digest: digestOf(bytes),
      saysSizes: blob.length === bytes.length,
    });
    const whole = follow(answer().read(0, undefined, never));
    const part = follow(answer().read(90 * kib, undefined, never));
    const detail = expect.stringMatching(`upstream 1.*${digestOf(blob)}.*${digestOf(bytes)}`);
    const wrong = { code: 'UNAVAILABLE', status: 502, detail };
    const run = expect(fill.run()).rejects.toMatchObject(wrong);
    body.give(blob);
    body.give(undefined);
    await run;
    await expect(whole.ended).rejects.toMatchObject(wrong);
    await expect(part.ended).rejects.toMatchObject(wrong);
    expect(whole.bytes.length).toBeLessThanOrEqual(blob.length - heldBack);
    expect(part.bytes).toHaveLength(0);
  });

  test('of an empty blob that is none completes no reader', async () => {
    const { fill, body, answer } = await setUp({ blob: Buffer.alloc(0), digest: digestOf(bytes) });
    const reading = follow(answer().read(0, undefined, never));
    const run = expect(fill.run()).rejects.toThrow(/in place of/);
    body.give(undefined);
    await run;
    await expect(reading.ended).rejects.toThrow(/in place of/);
  });

  test('ends as soon as there are more bytes than a manifest says', async () => {
    const { fill, body, spool } = await setUp({ sizeHint: bytes.length - 1, saysSizes: false });
    const tooLong = { code: 'UNAVAILABLE', status: 502, detail: expect.stringContaining('too long') };
    const run = expect(fill.run()).rejects.toMatchObject(tooLong);
    body.give(bytes.subarray(0, -1));
    body.give(bytes.subarray(-1));
    await run;
    expect(spool.length).toBe(bytes.length - 1);
  });

  test('fails its readers as it fails, those who come after it, too', async () => {
    const { fill, body, answer } = await setUp();
    const early = follow(answer().read(0, undefined, never));
    const run = expect(fill.run()).rejects.toThrow('a bug');
    body.give(new TypeError('a bug'));
    await run;
    await expect(early.ended).rejects.toThrow('a bug');
    await expect(bytesOf(answer(), 5, 10)).rejects.toThrow('a bug');
  });
});

describe('a reader of a fill', () => {
  test('gets a part of it as soon as that has arrived', async () => {
    const { fill, body, answer } = await setUp();
    const run = fill.run();
    const part = follow(answer().read(10 * kib, 20 * kib, never));
    body.give(bytes.subarray(0, 15 * kib));
    await settled();
    expect(part.bytes).toEqual(bytes.subarray(10 * kib, 15 * kib));
    body.give(bytes.subarray(15 * kib, 40 * kib));
    await part.ended;
    expect(part.bytes).toEqual(bytes.subarray(10 * kib, 20 * kib));
    body.give(bytes.subarray(40 * kib));
    body.give(undefined);
    await run;
  });

  test('has all of a part, whatever then becomes of the rest', async () => {
    const { fill, body, answer } = await setUp();
    const run = expect(fill.run()).rejects.toThrow('a bug');
    const reading = answer().read(0, 10, never)[Symbol.asyncIterator]();
    body.give(bytes.subarray(0, 20));
    expect(Buffer.from((await reading.next()).value)).toEqual(bytes.subarray(0, 10));
    body.give(new TypeError('a bug'));
    await run;
    expect(await reading.next()).toEqual({ done: true, value: undefined });
  });

  test('that leaves changes nothing for the others, and is told at once', async () => {
    const { fill, body, answer } = await setUp();
    const run = fill.run();
    const leaving = new AbortController();
    const left = follow(answer().read(0, undefined, leaving.signal));
    const stays = follow(answer().read(0, undefined, never));
    body.give(bytes.subarray(0, 10));
    await settled();
    leaving.abort(new Error('left'));
    await expect(left.ended).rejects.toThrow('left');
    body.give(bytes.subarray(10));
    body.give(undefined);
    await run;
    await stays.ended;
    expect(stays.bytes).toEqual(bytes);
  });

  test('that has left before is given nothing', async () => {
    const { fill, body, answer } = await setUp();
    const run = fill.run();
    body.give(bytes);
    body.give(undefined);
    await run;
    await expect(bytesOf(answer(), 0, undefined, AbortSignal.abort(new Error('left')))).rejects.toThrow(
      'left',
    );
  });

  test('that has read all leaves nothing at its signal', async () => {
    const { fill, body, answer } = await setUp();
    const run = fill.run();
    body.give(bytes);
    body.give(undefined);
    await run;
    const { signal } = new AbortController();
    await bytesOf(answer(), 0, undefined, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('keeps the spool readable until it closes, once, however often', async () => {
    const { fill, body, spool, answer, spooled } = await setUp();
    const run = fill.run();
    const [one, other] = [answer(), answer()];
    body.give(bytes);
    body.give(undefined);
    await run;
    expect(spooled()).toBe(bytes.length);
    await fill.end();
    await one.close();
    await one.close();
    expect(spool.state).toBe('open');
    expect(await bytesOf(other)).toEqual(bytes);
    expect(spool.state).toBe('closed');
    expect(spooled()).toBe(0);
  });

  test('that closes first leaves the spool to the fill', async () => {
    const { fill, body, spool, answer } = await setUp();
    const run = fill.run();
    await answer().close();
    expect(spool.state).toBe('open');
    body.give(bytes);
    body.give(undefined);
    await run;
    expect(spool.state).toBe('open');
    await fill.end();
    expect(spool.state).toBe('closed');
  });

  test('far ahead of what has arrived does not wait for it', async () => {
    const far = 17 * kib * kib;
    const blob = Buffer.alloc(far + 10, 'x');
    const { fill, body, answer, upstream } = await setUp({ blob });
    const run = fill.run();
    expect(await bytesOf(answer(), far, far + 5)).toEqual(Buffer.from('xxxxx'));
    expect(await bytesOf(answer(), far)).toEqual(Buffer.from('x'.repeat(10)));
    expect(upstream.asked.slice(1)).toEqual([
      `GET blob ${fill.digest} ${far}-${far + 4}`,
      `GET blob ${fill.digest} ${far}-`,
    ]);
    const near = follow(answer().read(16 * kib * kib, 16 * kib * kib + 1, never));
    await settled();
    expect(upstream.asked).toHaveLength(3);
    body.give(blob);
    body.give(undefined);
    await run;
    await near.ended;
  });
});

describe('a fill whose disk is full midway', () => {
  const room = 60 * kib;

  /** So many bytes have been spooled, then no more. */
  async function setUpFull(spooled = room) {
    const all = await setUp({ spool: new MemorySpool(spooled) });
    const run = all.fill.run().catch(() => undefined);
    all.body.give(bytes.subarray(0, spooled));
    const reading = follow(all.answer().read(0, undefined, never));
    all.body.give(bytes.subarray(spooled));
    await run;
    return { ...all, reading };
  }

  test('gives all of what it has, and each reader fetches the rest for itself', async () => {
    const { reading, answer, upstream, fill } = await setUpFull();
    await reading.ended;
    expect(reading.bytes).toEqual(bytes);
    expect(await bytesOf(answer(), 10 * kib, 20 * kib)).toEqual(bytes.subarray(10 * kib, 20 * kib));
    expect(upstream.asked).toHaveLength(2);
    expect(await bytesOf(answer(), 50 * kib, 70 * kib)).toEqual(bytes.subarray(50 * kib, 70 * kib));
    expect(await bytesOf(answer(), 70 * kib)).toEqual(bytes.subarray(70 * kib));
    expect(upstream.asked.slice(1)).toEqual([
      `GET blob ${fill.digest} ${room}-`,
      `GET blob ${fill.digest} ${room}-${70 * kib - 1}`,
      `GET blob ${fill.digest} ${70 * kib}-`,
    ]);
  });

  test('gives the last of what it has, too, now that no digest is waited for', async () => {
    const { reading, upstream, fill } = await setUpFull(95 * kib);
    await reading.ended;
    expect(reading.bytes).toEqual(bytes);
    expect(upstream.asked.slice(1)).toEqual([`GET blob ${fill.digest} ${95 * kib}-`]);
  });

  test('completes no reader of the whole whose rest is wrong', async () => {
    const { answer, upstream, reading } = await setUpFull();
    await reading.ended;
    const wrong = Buffer.concat([bytes.subarray(0, -1), Buffer.from('x')]);
    upstream.bodies.push(async function* (start) {
      yield wrong.subarray(start, -1);
      yield wrong.subarray(-1);
    });
    await expect(bytesOf(answer())).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
  });
});

describe('a blob that is not kept', () => {
  const part = bytes.subarray(0, 20);
  const digest = digestOf(part);

  /** @param blob what is sent */
  function setUpUncached(blob: Buffer, size: number | undefined = part.length) {
    const upstream = new FakeUpstream({ id: 1 });
    upstream.blobs.set(digest, blob);
    const sources = [{ groupId: 1, repository: atUpstream, upstream }];
    return { upstream, answer: uncachedBlob(digest, size, sources, idleTools) };
  }

  test('is told as fetched anew, with its size where that is known', () => {
    expect(setUpUncached(part).answer).toMatchObject({ digest, size: 20, outcome: 'miss' });
  });

  test.each([[0], [0, 20]])(
    'is verified where it is read from %i to its end (%s)',
    async (start, end?: number) => {
      const { upstream, answer } = setUpUncached(part);
      expect(await bytesOf(answer, start, end)).toEqual(part);
      expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
      const { answer: wrong } = setUpUncached(Buffer.alloc(20));
      await expect(bytesOf(wrong, start, end)).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
    },
  );

  test.each([[5], [5, 20], [0, 5], [5, 6]])(
    'is given in parts as they come (%i, %s)',
    async (start, end?: number) => {
      expect(await bytesOf(setUpUncached(part).answer, start, end)).toEqual(part.subarray(start, end));
    },
  );
});

describe('bytes that are verified on the way', () => {
  const chunks = ['a', 'bc', 'd'].map((text) => Buffer.from(text));

  async function* given() {
    yield* chunks;
  }

  async function pass(digest: Digest) {
    const passed: string[] = [];
    const hash = createHash('sha256');
    const done = (async () => {
      for await (const chunk of verified(given(), digest, hash)) passed.push(chunk.toString());
    })();
    return { passed, done };
  }

  test('are passed on as they are', async () => {
    const { passed, done } = await pass(digestOf(Buffer.from('abcd')));
    await done;
    expect(passed).toEqual(['a', 'bc', 'd']);
  });

  test('end before the last chunk where they are others', async () => {
    const { passed, done } = await pass(digestOf(Buffer.from('abce')));
    await expect(done).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
    expect(passed).toEqual(['a', 'bc']);
  });

  test('may be none', async () => {
    async function* none(): AsyncGenerator<Buffer> {}
    const passed: Buffer[] = [];
    const empty = digestOf(Buffer.alloc(0));
    for await (const chunk of verified(none(), empty, createHash('sha256'))) passed.push(chunk);
    expect(passed).toEqual([]);
  });
});
