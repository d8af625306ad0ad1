import { expect, test } from 'vitest';
import { parseTag } from '../../../src/oci/reference.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import type { Source } from '../../../src/proxy/source.ts';
import { TagLists } from '../../../src/proxy/tag-lists.ts';
import { blobUpstream } from '../../support/blob-upstream.ts';
import { silentLog } from '../../support/silent-log.ts';

function setUp() {
  const clock = { now: 0 };
  const entries = { listTags: async () => [] };
  const lists = new TagLists({ entries, ttlMs: 1000, log: silentLog, now: () => clock.now });
  return { clock, lists };
}

/** Its answer can be changed. */
function sourceWith(id: number, ...tags: string[]) {
  const { source } = blobUpstream({ id, blobs: new Map() });
  const says = { tags: tags.map(parseTag), error: undefined as OutboundError | undefined, times: 0 };
  const listTags = async () => {
    says.times += 1;
    if (says.error) throw says.error;
    return says.tags;
  };
  return { says, source: { ...source, upstream: { ...source.upstream, listTags } } satisfies Source };
}

test('a page is what comes after a tag, whether or not that exists, and says whether there is more', async () => {
  const { lists } = setUp();
  const { source, says } = sourceWith(1, 'a', 'b', 'd', 'e');
  const page = (after: string, limit: number) => lists.list([source], { after, limit });
  expect(await page('', 2)).toEqual({ tags: ['a', 'b'], hasMore: true, outcome: 'miss' });
  expect(await page('b', 2)).toEqual({ tags: ['d', 'e'], hasMore: false, outcome: 'hit' });
  expect(await page('c', 1)).toMatchObject({ tags: ['d'], hasMore: true });
  expect(await page('e', 2)).toMatchObject({ tags: [], hasMore: false });
  expect(await page('', 0)).toMatchObject({ tags: [], hasMore: true });
  expect(await page('', 4)).toMatchObject({ tags: ['a', 'b', 'd', 'e'], hasMore: false });
  expect(says.times).toBe(1);
});

test('pages go through the tags of all sources together', async () => {
  const { lists } = setUp();
  const sources = [sourceWith(1, 'a', 'c').source, sourceWith(2, 'b', 'c', 'd').source];
  const page = (after: string) => lists.list(sources, { after, limit: 3 });
  expect(await page('')).toMatchObject({ tags: ['a', 'b', 'c'], hasMore: true });
  expect(await page('c')).toMatchObject({ tags: ['d'], hasMore: false });
});

test('a list that is unusable is not asked for again at once, and what was known before is served', async () => {
  const { lists, clock } = setUp();
  clock.now = 1;
  const { source, says } = sourceWith(1, 'a');
  const page = () => lists.list([source], { after: '', limit: 1 });
  await page();
  clock.now = 2000;
  says.error = new OutboundError('invalid', 'sent a list that is nested deeper than 64 levels');
  for (let times = 0; times < 3; times += 1)
    expect(await page()).toMatchObject({ tags: ['a'], outcome: 'stale' });
  expect(says.times).toBe(2);
  clock.now = 3500;
  says.error = undefined;
  expect(await page()).toMatchObject({ outcome: 'miss' });
});

test('a stale list makes the whole stale, and is paged like any other', async () => {
  const { lists, clock } = setUp();
  const first = sourceWith(1, 'a', 'b');
  const second = sourceWith(2, 'c');
  const page = () => lists.list([first.source, second.source], { after: 'a', limit: 1 });
  await page();
  clock.now = 2000;
  first.says.error = new OutboundError('unavailable', 'is down');
  expect(await page()).toEqual({ tags: ['b'], hasMore: true, outcome: 'stale' });
});
