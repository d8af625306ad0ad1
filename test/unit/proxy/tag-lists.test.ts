import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import type { Source } from '../../../src/proxy/source.ts';
import { TagLists } from '../../../src/proxy/tag-lists.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { silentLog } from '../../support/silent-log.ts';
import { atUpstream, settled } from './proxy-kit.ts';

const ttlMs = 1000;
const all = { after: '', limit: 100 };

function setUp() {
  const clock = { now: 1 };
  /** As entries say. */
  const cached: string[] = [];
  const entries = { listTags: async () => cached };
  const lists = new TagLists({ entries, ttlMs, log: silentLog, now: () => clock.now });
  return { clock, lists, cached };
}

function sourceWith(id: number, ...tags: string[]) {
  const upstream = new FakeUpstream({ id });
  for (const tag of tags) upstream.tags.set(tag, digestOf(Buffer.from(tag)));
  return { upstream, source: { groupId: 1, repository: atUpstream, upstream } satisfies Source };
}

test('a page is what comes after a tag, whether or not that exists, and says whether there is more', async () => {
  const { lists } = setUp();
  const { source, upstream } = sourceWith(1, 'a', 'b', 'd', 'e');
  const page = (after: string, limit: number) => lists.list([source], { after, limit });
  expect(await page('', 2)).toEqual({ tags: ['a', 'b'], hasMore: true, outcome: 'miss' });
  expect(await page('b', 2)).toEqual({ tags: ['d', 'e'], hasMore: false, outcome: 'hit' });
  expect(await page('c', 1)).toMatchObject({ tags: ['d'], hasMore: true });
  expect(await page('e', 2)).toMatchObject({ tags: [], hasMore: false });
  expect(await page('', 0)).toMatchObject({ tags: [], hasMore: true });
  expect(await page('', 4)).toMatchObject({ tags: ['a', 'b', 'd', 'e'], hasMore: false });
  expect(upstream.asked).toEqual(['tags']);
});

test('pages go through the tags of all sources together', async () => {
  const { lists } = setUp();
  const sources = [sourceWith(1, 'a', 'c').source, sourceWith(2, 'b', 'c', 'd').source];
  const page = (after: string) => lists.list(sources, { after, limit: 3 });
  expect(await page('')).toMatchObject({ tags: ['a', 'b', 'c'], hasMore: true });
  expect(await page('c')).toMatchObject({ tags: ['d'], hasMore: false });
});

test('a list is believed for its time, be it empty, and then asked for again', async () => {
  const { lists, clock } = setUp();
  const { source, upstream } = sourceWith(1);
  expect(await lists.list([source], all)).toEqual({ tags: [], hasMore: false, outcome: 'miss' });
  upstream.tags.set('v1', digestOf(Buffer.from('v1')));
  clock.now += ttlMs - 1;
  expect(await lists.list([source], all)).toEqual({ tags: [], hasMore: false, outcome: 'hit' });
  clock.now += 1;
  expect(await lists.list([source], all)).toEqual({ tags: ['v1'], hasMore: false, outcome: 'miss' });
});

test('a list that many ask for at once is asked for once', async () => {
  const { lists } = setUp();
  const { source, upstream } = sourceWith(1, 'a');
  for (const answer of await Promise.all([1, 2].map(() => lists.list([source], all))))
    expect(answer.tags).toEqual(['a']);
  expect(upstream.asked).toEqual(['tags']);
});

test('a list is that of its upstream and image, and of the upstream as it is now', async () => {
  const { lists } = setUp();
  const { source } = sourceWith(1, 'a');
  const { source: changed } = sourceWith(1, 'b');
  await lists.list([source], all);
  const settings = { ...changed.upstream.settings, updatedAt: 1 };
  Object.assign(changed.upstream, { settings });
  expect((await lists.list([changed], all)).tags).toEqual(['b']);
  expect((await lists.list([sourceWith(2, 'c').source], all)).tags).toEqual(['c']);
});

test('a list that is unusable is not asked for again at once, and what was known before is served', async () => {
  const { lists, clock } = setUp();
  const { source, upstream } = sourceWith(1, 'a');
  const page = () => lists.list([source], { after: '', limit: 1 });
  await page();
  clock.now = 2000;
  upstream.fail(new OutboundError('invalid', 'sent a list that is nested deeper than 64 levels'), 'tags');
  for (let times = 0; times < 3; times += 1)
    expect(await page()).toMatchObject({ tags: ['a'], outcome: 'stale' });
  expect(upstream.asked).toHaveLength(2);
  clock.now = 2000 + ttlMs;
  upstream.recover();
  expect(await page()).toMatchObject({ outcome: 'stale' });
  clock.now += 1;
  expect(await page()).toMatchObject({ outcome: 'miss' });
});

test.each(['unavailable', 'rate-limited', 'unauthorized'] as const)(
  'where an upstream fails (%s), what it said last is served, and it is asked again each time',
  async (kind) => {
    const { lists, clock, cached } = setUp();
    cached.push('cached');
    const { source, upstream } = sourceWith(1, 'a', 'b');
    await lists.list([source], all);
    clock.now += ttlMs;
    upstream.fail(kind, 'tags');
    for (let times = 0; times < 2; times += 1)
      expect(await lists.list([source], { after: 'a', limit: 1 })).toEqual({
        tags: ['b'],
        hasMore: false,
        outcome: 'stale',
      });
    expect(upstream.asked).toHaveLength(3);
  },
);

test('where an upstream fails that has said nothing yet, the tags that are cached are served', async () => {
  const { lists, cached } = setUp();
  const { source, upstream } = sourceWith(1, 'a');
  upstream.fail('unavailable', 'tags');
  await expect(lists.list([source], all)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  cached.push('V1', 'no tag', 'v2');
  expect(await lists.list([source], all)).toEqual({ tags: ['V1', 'v2'], hasMore: false, outcome: 'stale' });
});

test('an upstream that does not have the image any more has no tags, whatever was known', async () => {
  const { lists, clock, cached } = setUp();
  cached.push('cached');
  const { source, upstream } = sourceWith(1, 'a');
  await lists.list([source], all);
  clock.now += ttlMs;
  upstream.fail('not-found', 'tags');
  await expect(lists.list([source], all)).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
    detail: expect.stringMatching(/tags.*upstream 1/),
  });
});

test('the whole is there as long as one source has a list, and fails as all of them fail', async () => {
  const { lists } = setUp();
  const [first, second] = [sourceWith(1, 'a'), sourceWith(2, 'b')];
  const list = () => lists.list([first.source, second.source], all);
  first.upstream.fail('unavailable', 'tags');
  expect(await list()).toEqual({ tags: ['b'], hasMore: false, outcome: 'miss' });
  second.upstream.fail('rate-limited', 'tags');
  const third = sourceWith(3);
  third.upstream.fail('rate-limited', 'tags');
  await expect(lists.list([first.source, third.source], all)).rejects.toMatchObject({
    code: 'TOOMANYREQUESTS',
    detail: expect.stringMatching(/upstream 1.*upstream 3/),
  });
});

test('the whole is worth no more than the least of its lists', async () => {
  const { lists, clock } = setUp();
  const [hit, miss, stale] = [sourceWith(1, 'a'), sourceWith(2, 'b'), sourceWith(3, 'c')];
  const list = async (...parts: (typeof hit)[]) =>
    (
      await lists.list(
        parts.map(({ source }) => source),
        all,
      )
    ).outcome;
  await list(stale);
  clock.now += ttlMs;
  stale.upstream.fail('unavailable', 'tags');
  await list(hit);
  expect(await list(hit, miss)).toBe('miss');
  expect(await list(hit, miss)).toBe('hit');
  expect(await list(hit)).toBe('hit');
  expect(await list(hit, stale)).toBe('stale');
  expect(await list(sourceWith(4, 'd'), stale)).toBe('stale');
});

test('a stale list is paged like any other', async () => {
  const { lists, clock } = setUp();
  const [first, second] = [sourceWith(1, 'a', 'b'), sourceWith(2, 'c')];
  const page = () => lists.list([first.source, second.source], { after: 'a', limit: 1 });
  await page();
  clock.now = 2000;
  first.upstream.fail('unavailable', 'tags');
  expect(await page()).toEqual({ tags: ['b'], hasMore: true, outcome: 'stale' });
});

test('who leaves is answered no more, and a bug is no answer', async () => {
  const { lists } = setUp();
  const { source, upstream } = sourceWith(1, 'a');
  const letGo = upstream.hold('tags');
  const leaving = new AbortController();
  const listed = lists.list([source], all, leaving.signal);
  await settled();
  leaving.abort(new Error('left'));
  await expect(listed).rejects.toThrow('left');
  letGo();
  upstream.fail(new TypeError('a bug'), 'tags');
  await expect(lists.list([source], all)).rejects.toThrow('a bug');
});
