import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { Fills, type FillTools } from '../../../src/proxy/fills.ts';
import type { Source } from '../../../src/proxy/source.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { MemorySpool } from '../../support/memory-spool.ts';
import { OpenBody } from '../../support/open-body.ts';
import { silentLog } from '../../support/silent-log.ts';
import { atUpstream, nth, settled } from './proxy-kit.ts';

const bytes = Buffer.from('the bytes of a layer');
const digest = digestOf(bytes);
const never = new AbortController().signal;
const other = parseRepositoryName('library/other');

/** @param onEnded is told once a fill has ended */
function setUp(changed: Partial<FillTools> = {}, onEnded: () => void = () => undefined) {
  const spools: MemorySpool[] = [];
  const published: { readonly digest: string; readonly size: number; readonly sources: readonly Source[] }[] =
    [];
  let spooled = 0;
  const seen = { started: 0, followed: 0, ended: [] as string[] };
  const fills = new Fills({
    log: silentLog,
    buffers: new BufferBudget(),
    pause: async () => undefined,
    observer: {
      started() {
        seen.started += 1;
      },
      followed() {
        seen.followed += 1;
      },
      resumed: () => undefined,
      spooled(count) {
        spooled += count;
      },
      finished(result) {
        seen.ended.push(result);
        onEnded();
      },
    },
    async createSpool() {
      const spool = new MemorySpool();
      spools.push(spool);
      return spool;
    },
    demandRoom: async () => undefined,
    publish: async (blob, _, sources) =>
      void published.push({ digest: blob.digest, size: blob.size, sources }),
    ...changed,
  });
  const join = (
    sources: readonly Source[],
    options: { since?: number; signal?: AbortSignal; of?: typeof digest } = {},
  ) => fills.join(options.of ?? digest, sources, undefined, options.since ?? fills.moment, options.signal);
  /** A fill that is held. */
  const joined = async (sources: readonly Source[], signal?: AbortSignal) => {
    const found = await join(sources, signal && { signal });
    if (typeof found === 'string') throw new Error(`it is ${found}`);
    return found;
  };
  return { fills, spools, published, seen, spooled: () => spooled, join, joined };
}

let ids = 0;

/** A source of the blob, at an upstream of its own at this URL. */
function sourceAt(url: string, body?: OpenBody) {
  ids += 1;
  const upstream = new FakeUpstream({ id: ids, url });
  upstream.addBlob(bytes);
  if (body) upstream.bodies.push(() => body);
  return { groupId: 1, repository: atUpstream, upstream } satisfies Source;
}

function giveAll(body: OpenBody): void {
  body.give(bytes);
  body.give(undefined);
}

describe('a running fill', () => {
  test('is followed at the same source without a question', async () => {
    const { joined, seen, spools, fills, published } = setUp();
    const body = new OpenBody();
    const source = sourceAt('https://a.test', body);
    const first = await joined([source]);
    const second = await joined([source]);
    expect([first.isFollower, second.isFollower]).toEqual([false, true]);
    expect(second.fill).toBe(first.fill);
    giveAll(body);
    await first.fill.release();
    await fills.isStored(digest, 0);
    expect(source.upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    expect(seen).toEqual({ started: 1, followed: 1, ended: ['completed'] });
    expect(published).toEqual([{ digest, size: bytes.length, sources: [source] }]);
    expect(nth(spools, 0).state).toBe('open');
    await second.fill.release();
    expect(nth(spools, 0).state).toBe('closed');
  });

  test.each([
    ['another upstream of the same origin', () => sourceAt('https://a.test/other')],
    ['another image of the same upstream', (source: Source) => ({ ...source, repository: other })],
  ])('is followed at %s once that says by HEAD that it has the blob', async (_, second) => {
    const { joined, fills, published } = setUp();
    const body = new OpenBody();
    const source = sourceAt('https://a.test', body);
    const { fill } = await joined([source]);
    const theirs = second(source);
    const followed = await Promise.all([joined([theirs]), joined([theirs])]);
    expect(followed.map((each) => each.fill === fill && each.isFollower)).toEqual([true, true]);
    const again = await joined([theirs]);
    const asked = (theirs.upstream as FakeUpstream).asked.filter((question) => question.startsWith('HEAD'));
    expect(asked).toEqual([`HEAD blob ${digest}`, `HEAD blob ${digest}`]);
    giveAll(body);
    for (const each of [fill, again.fill, ...followed.map((one) => one.fill)]) await each.release();
    await fills.isStored(digest, 0);
    expect(published.map(({ sources }) => sources)).toEqual([[source, theirs]]);
  });

  test('is followed by who has sources elsewhere, too, of which none is asked', async () => {
    const { joined } = setUp();
    const { fill } = await joined([sourceAt('https://a.test', new OpenBody())]);
    const [elsewhere, theirs] = [sourceAt('https://b.test'), sourceAt('https://a.test')];
    expect((await joined([elsewhere, theirs])).fill).toBe(fill);
    expect(elsewhere.upstream.asked).toEqual([]);
  });

  test('is not followed by whom the origin does not say yes to, who get a fill of their own', async () => {
    const { joined, seen } = setUp();
    const source = sourceAt('https://a.test', new OpenBody());
    await joined([source]);
    const theirs = sourceAt('https://a.test');
    theirs.upstream.fail('not-found', 'HEAD blob');
    expect((await joined([theirs])).isFollower).toBe(false);
    expect(theirs.upstream.asked).toEqual([`HEAD blob ${digest}`, `GET blob ${digest} 0-`]);
    expect(seen.followed).toBe(0);
  });

  test('is not waited for at another origin than it comes from', async () => {
    const { joined } = setUp();
    const [a, b] = [sourceAt('https://a.test', new OpenBody()), sourceAt('https://b.test')];
    await joined([a, b]);
    const theirs = sourceAt('https://b.test');
    expect((await joined([theirs])).isFollower).toBe(false);
    expect(theirs.upstream.asked).toEqual([`GET blob ${digest} 0-`]);
  });

  test('that has not been opened may come from any of its sources, and is waited for', async () => {
    const { join, joined, seen } = setUp();
    const [a, b] = [sourceAt('https://a.test'), sourceAt('https://b.test')];
    const letGo = a.upstream.hold('GET blob');
    a.upstream.blobs.clear();
    const first = joined([a, b]);
    await settled();
    const theirs = sourceAt('https://b.test');
    const second = joined([theirs]);
    const third = join([sourceAt('https://c.test')]);
    await third;
    await settled();
    expect(theirs.upstream.asked).toEqual([]);
    letGo();
    expect((await second).fill).toBe((await first).fill);
    expect(theirs.upstream.asked).toEqual([`HEAD blob ${digest}`]);
    expect(seen.followed).toBe(1);
  });

  test('is followed while others come and go', async () => {
    const { joined, fills } = setUp();
    const [source, staying] = [sourceAt('https://a.test'), sourceAt('https://b.test', new OpenBody())];
    const { fill } = await joined([staying]);
    await (await joined([source])).fill.release();
    await eventually(() => expect(fills.hasEnded(digest, 0)).toBe(true));
    expect((await joined([staying])).fill).toBe(fill);
  });

  test('that begins as the last one ends is followed', async () => {
    const [source, next] = [sourceAt('https://a.test'), sourceAt('https://b.test', new OpenBody())];
    let begun: Promise<unknown> | undefined;
    const { joined, fills } = setUp({}, () => {
      begun ??= joined([next]);
    });
    await (await joined([source])).fill.release();
    await fills.isStored(digest, 0);
    await begun;
    await settled();
    expect((await joined([next])).isFollower).toBe(true);
  });

  test('that ends while its origin is asked sends who asks to look again', async () => {
    const { join, joined, fills, spools } = setUp();
    const body = new OpenBody();
    const { fill } = await joined([sourceAt('https://a.test', body)]);
    const theirs = sourceAt('https://a.test');
    const letGo = theirs.upstream.hold('HEAD blob');
    const following = join([theirs]);
    await settled();
    giveAll(body);
    await fill.release();
    await fills.isStored(digest, 0);
    letGo();
    expect(await following).toBe('look-again');
    expect(nth(spools, 0).state).toBe('closed');
  });

  test('is let go of by who leaves while its origin is asked', async () => {
    const { join, joined, fills, spools } = setUp();
    const body = new OpenBody();
    const { fill } = await joined([sourceAt('https://a.test', body)]);
    const theirs = sourceAt('https://a.test');
    theirs.upstream.hold('HEAD blob');
    const leaving = new AbortController();
    const following = join([theirs], { signal: leaving.signal });
    await settled();
    leaving.abort(new Error('left'));
    await expect(following).rejects.toThrow('left');
    giveAll(body);
    await fill.release();
    await fills.isStored(digest, 0);
    expect(nth(spools, 0).state).toBe('closed');
  });

  test.each(Array.from({ length: 12 }, (_, turns) => turns))(
    'that ends just as it is joined can be read, or sends to look again (%i turns before)',
    async (turns) => {
      const source = sourceAt('https://a.test');
      let late: ReturnType<ReturnType<typeof setUp>['join']> | undefined;
      const { join, joined, fills, spooled } = setUp({
        async publish() {
          const joinLater = async () => {
            for (let turn = 0; turn < turns; turn += 1) await undefined;
            return join([source]);
          };
          late ??= joinLater();
        },
      });
      const { fill } = await joined([source]);
      await fill.release();
      await fills.isStored(digest, 0);
      const found = await late;
      if (typeof found !== 'object') {
        expect(found).toBe('look-again');
        // What was counted in was counted out, once.
        expect(spooled()).toBe(0);
        return;
      }
      const chunks: Buffer[] = [];
      const rest = () => {
        throw new Error('no rest is needed');
      };
      for await (const chunk of found.fill.read(0, undefined, rest, never)) chunks.push(Buffer.from(chunk));
      expect(Buffer.concat(chunks)).toEqual(bytes);
      await found.fill.release();
    },
  );
});

describe('a fill that has ended', () => {
  test('sends those to look again who looked before it ended, and no others', async () => {
    const { fills, join, joined } = setUp();
    const source = sourceAt('https://a.test');
    const before = fills.moment;
    expect(fills.hasEnded(digest, before)).toBe(false);
    const { fill } = await joined([source]);
    await fill.release();
    expect(await fills.isStored(digest, before)).toBe(true);
    expect(fills.hasEnded(digest, before)).toBe(true);
    expect(fills.hasEnded(digest, fills.moment)).toBe(false);
    expect(await join([source], { since: before })).toBe('look-again');
    expect((await joined([source])).isFollower).toBe(false);
    expect(fills.hasEnded(digestOf(Buffer.from('another')), before)).toBe(false);
  });

  test('by failing is not stored, leaves nothing, and the next one starts anew', async () => {
    const { fills, joined, seen, spools, published } = setUp();
    const source = sourceAt('https://a.test');
    source.upstream.bodies.push(async function* () {
      yield Buffer.from('other bytes of a layer').subarray(0, bytes.length);
    });
    const { fill } = await joined([source]);
    await fill.release();
    expect(await fills.isStored(digest, 0)).toBe(false);
    expect(seen.ended).toEqual(['failed']);
    expect(published).toEqual([]);
    expect(nth(spools, 0).state).toBe('closed');
    expect((await joined([source])).isFollower).toBe(false);
    expect(await fills.isStored(digest, 0)).toBe(true);
  });

  test('by sending wrong bytes has its source asked last for that blob, and for no other', async () => {
    const { fills, joined } = setUp();
    const [a, b] = [sourceAt('https://a.test'), sourceAt('https://b.test')];
    a.upstream.bodies.push(async function* () {
      yield Buffer.from('x'.repeat(bytes.length));
    });
    await (await joined([a, b])).fill.release();
    await fills.isStored(digest, 0);
    expect((await joined([a, b])).fill.source).toEqual(b);
    await fills.isStored(digest, 0);
    b.upstream.blobs.clear();
    expect((await joined([a, b])).fill.source).toEqual(a);
    const another = a.upstream.addBlob('another');
    b.upstream.addBlob('another');
    const found = await fills.join(another, [a, b], undefined, fills.moment);
    expect(typeof found === 'object' && found.fill.source).toEqual(a);
  });

  test('by breaking off does not have its source asked last', async () => {
    const { fills, joined } = setUp();
    const [a, b] = [sourceAt('https://a.test'), sourceAt('https://b.test')];
    const body = new OpenBody();
    body.give(new TypeError('a bug'));
    a.upstream.bodies.push(() => body);
    await (await joined([a, b])).fill.release();
    await fills.isStored(digest, 0);
    expect((await joined([a, b])).fill.source).toEqual(a);
  });

  test.each([
    ['uncached', new SpoolError('no space left on device')],
    ['failed', new Error('the database is away')],
  ])('by what cannot be kept is told as %s', async (how, error) => {
    const { fills, joined, seen, spools } = setUp({ publish: () => Promise.reject(error) });
    const { fill } = await joined([sourceAt('https://a.test')]);
    await fill.release();
    expect(await fills.isStored(digest, 0)).toBe(false);
    expect(seen.ended).toEqual([how]);
    expect(nth(spools, 0).state).toBe('closed');
  });
});

describe('a fill whose disk is full midway', () => {
  test('is told as uncached, and nothing of it is kept', async () => {
    const spool = new MemorySpool(7);
    const { fills, joined, seen, published } = setUp({ createSpool: async () => spool });
    const { fill } = await joined([sourceAt('https://a.test')]);
    await fill.release();
    expect(await fills.isStored(digest, 0)).toBe(false);
    expect(seen.ended).toEqual(['uncached']);
    expect(published).toEqual([]);
    expect(spool.state).toBe('closed');
  });
});

test('a fill is not started for who has left already', async () => {
  const { fills, join } = setUp();
  const source = sourceAt('https://a.test');
  await expect(join([source], { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
  await fills.close(never);
  expect(source.upstream.asked).toEqual([]);
});

describe('a fill that cannot be opened', () => {
  test('tells all who wait for it why, asks once, and leaves nothing', async () => {
    const { join, spools, seen } = setUp();
    const source = sourceAt('https://a.test');
    source.upstream.blobs.clear();
    const letGo = source.upstream.hold('GET blob');
    const waiting = [join([source]), join([source])];
    await settled();
    letGo();
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(source.upstream.asked).toHaveLength(1);
    expect(spools.map(({ state }) => state)).toEqual(['closed']);
    expect(seen).toEqual({ started: 0, followed: 0, ended: [] });
    source.upstream.addBlob(bytes);
    expect(await join([source])).toMatchObject({ isFollower: false });
  });

  test('is no reason to refuse who has other sources, too', async () => {
    const { join, joined } = setUp();
    const [a, more] = [sourceAt('https://a.test'), sourceAt('https://a.test')];
    a.upstream.blobs.clear();
    const letGo = a.upstream.hold('GET blob');
    const refused = join([a]);
    await settled();
    const second = joined([a, more]);
    const third = joined([more]);
    letGo();
    await expect(refused).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect((await second).fill.source).toEqual(more);
    expect((await third).fill).toBe((await second).fill);
  });

  test('is no reason to refuse who has as many sources, but others', async () => {
    const { join, joined } = setUp();
    const [a, b, c] = [sourceAt('https://a.test'), sourceAt('https://a.test'), sourceAt('https://a.test')];
    for (const { upstream } of [a, b]) upstream.blobs.clear();
    const letGo = a.upstream.hold('GET blob');
    const refused = join([a, b]);
    await settled();
    const second = joined([a, c]);
    letGo();
    await expect(refused).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect((await second).fill.source).toEqual(c);
  });

  test.each(['spool', 'room'])(
    'for want of a %s is passed on to each client, and told once',
    async (want) => {
      const full = () => Promise.reject(new SpoolError('no space left on device'));
      const { join, seen, spools } = setUp(want === 'spool' ? { createSpool: full } : { demandRoom: full });
      const source = sourceAt('https://a.test');
      expect(await Promise.all([join([source]), join([source])])).toEqual(['uncached', 'uncached']);
      expect(seen).toEqual({ started: 1, followed: 0, ended: ['uncached'] });
      expect(source.upstream.openBodies).toBe(0);
      for (const { state } of spools) expect(state).toBe('closed');
      expect(await Promise.all([join([source]), join([source, sourceAt('https://a.test')])])).toEqual([
        'uncached',
        'uncached',
      ]);
      expect(seen.started).toBe(3);
    },
  );

  test.each([
    ['as many bytes as its upstream says', true, 7, bytes.length],
    ['as many bytes as a manifest says', false, 7, 7],
    ['any room', false, undefined, 0],
  ])('asks for room for %s', async (_, saysSizes, sizeHint, room) => {
    const demanded: number[] = [];
    const { fills } = setUp({ demandRoom: async (count) => void demanded.push(count) });
    const source = sourceAt('https://a.test');
    source.upstream.saysSizes = saysSizes;
    await fills.join(digest, [source], sizeHint, fills.moment);
    expect(demanded).toEqual([room]);
  });

  test('by a bug is no reason to pass it on', async () => {
    const { join } = setUp({ createSpool: () => Promise.reject(new TypeError('a bug')) });
    await expect(join([sourceAt('https://a.test')])).rejects.toThrow('a bug');
  });
});

describe('what has arrived of a blob', () => {
  test('is found by who has a source that has said yes to it, while it is filled', async () => {
    const { fills, joined } = setUp();
    const body = new OpenBody();
    const source = sourceAt('https://a.test', body);
    expect(await fills.find(digest, [source])).toBeUndefined();
    const { fill } = await joined([source]);
    const theirs = sourceAt('https://a.test');
    expect(await fills.find(digest, [theirs, source])).toBe(fill);
    expect(await fills.find(digest, [theirs])).toBeUndefined();
    expect(await fills.find(digest, [{ ...source, repository: other }])).toBeUndefined();
    expect(await fills.find(digestOf(Buffer.from('another')), [source])).toBeUndefined();
    const following = await joined([theirs]);
    expect(await fills.find(digest, [theirs])).toBe(fill);
    giveAll(body);
    await fill.release();
    await following.fill.release();
    await fills.isStored(digest, 0);
    expect(await fills.find(digest, [source])).toBeUndefined();
  });

  test('is found where another fill of the blob cannot be opened', async () => {
    const { fills, join, joined } = setUp();
    const failing = sourceAt('https://b.test');
    failing.upstream.blobs.clear();
    const letGo = failing.upstream.hold('GET blob');
    const refused = expect(join([failing])).rejects.toThrow();
    await settled();
    const source = sourceAt('https://a.test', new OpenBody());
    const { fill } = await joined([source]);
    const found = fills.find(digest, [source]);
    letGo();
    await refused;
    expect(await found).toBe(fill);
  });
});

describe('closing', () => {
  test('waits for fills that run', async () => {
    const { fills, joined, seen } = setUp();
    const body = new OpenBody();
    const { fill } = await joined([sourceAt('https://a.test', body)]);
    await fill.release();
    const closed = fills.close(never);
    let isClosed = false;
    closed.then(() => {
      isClosed = true;
    });
    await settled();
    expect(isClosed).toBe(false);
    giveAll(body);
    await closed;
    expect(seen.ended).toEqual(['completed']);
  });

  test.each(['before', 'after'])('breaks off fills whose time is over %s it begins', async (when) => {
    const { fills, join } = setUp();
    const source = sourceAt('https://a.test');
    source.upstream.hold('GET blob');
    const detail = expect.stringContaining('stopping');
    const refused = expect(join([source])).rejects.toMatchObject({ code: 'UNAVAILABLE', detail });
    await settled();
    const over = new AbortController();
    if (when === 'before') over.abort();
    const closed = fills.close(over.signal).then(() => true);
    await settled();
    if (when === 'after') expect(await Promise.race([closed, false])).toBe(false);
    over.abort();
    await closed;
    await refused;
  });
});
