import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { OciError } from '../../../src/oci/errors.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { OrderedRepository } from '../../../src/proxy/ordered-repository.ts';
import { MemoryRepository } from '../../support/memory-repository.ts';

const v1 = parseTag('v1');
const down = () => new OciError('UNAVAILABLE', { detail: 'the first is down', status: 502 });

/** A local upstream, then remote ones. */
function setUp(order: 'here first' | 'away first' = 'here first') {
  const here = new MemoryRepository('hosted');
  const away = new MemoryRepository('miss');
  const parts = [
    { repository: here, isHere: true },
    { repository: away, isHere: false },
  ];
  return { here, away, both: new OrderedRepository(order === 'here first' ? parts : parts.toReversed()) };
}

describe('a manifest', () => {
  test('by tag is that of the first part that has it, and no other is asked', async () => {
    const { here, away, both } = setUp();
    const team = here.add('team', 'v1');
    away.add('hub', 'v1');
    expect(await both.manifest(v1, true)).toMatchObject({ digest: team, outcome: 'hosted' });
    expect(here.asked).toEqual(['manifest v1']);
    expect(away.asked).toEqual([]);
  });

  test('by tag comes from the next part where the first does not know it', async () => {
    const { here, away, both } = setUp();
    here.add('team', 'v2');
    const hub = away.add('hub', 'v1');
    expect(await both.manifest(v1, false)).toMatchObject({ digest: hub, outcome: 'miss' });
    expect(away.asked).toEqual(['manifest head v1']);
  });

  test('by tag is asked in the order of priority, wherever the parts are', async () => {
    const { here, away, both } = setUp('away first');
    here.add('team', 'v1');
    const hub = away.add('hub', 'v1');
    expect(await both.manifest(v1, true)).toMatchObject({ digest: hub });
    expect(here.asked).toEqual([]);
  });

  test('by digest is looked for here before the network', async () => {
    const { here, away, both } = setUp('away first');
    const digest = here.add('team');
    away.add('team');
    expect(await both.manifest(digest, true)).toMatchObject({ digest, outcome: 'hosted' });
    expect(away.asked).toEqual([]);
  });

  test('that the first part fails on comes from the next', async () => {
    const { here, away, both } = setUp();
    here.failure = down();
    const hub = away.add('hub', 'v1');
    expect(await both.manifest(v1, true)).toMatchObject({ digest: hub });
  });

  test('that nobody has is unknown, in the words of each part', async () => {
    const { both } = setUp();
    await expect(both.manifest(v1, true)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      status: 404,
      detail: 'v1 is not in memory; v1 is not in memory',
    });
  });

  test('that nobody may look for is of an unknown name', async () => {
    const { here, away, both } = setUp();
    here.failure = new OciError('NAME_UNKNOWN', { detail: 'refused here' });
    away.failure = new OciError('NAME_UNKNOWN', { detail: 'refused there' });
    await expect(both.manifest(v1, true)).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
      detail: 'refused here; refused there',
    });
    for (const known of [here, away]) {
      known.failure = undefined;
      await expect(both.manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
      known.failure = new OciError('NAME_UNKNOWN', { detail: 'refused' });
    }
  });

  test.each(['here first', 'away first'] as const)(
    'is not said to be unknown while a part could not be asked, %s',
    async (order) => {
      const { away, both } = setUp(order);
      away.failure = new OciError('TOOMANYREQUESTS', { headers: { 'Retry-After': '7' } });
      await expect(both.manifest(v1, true)).rejects.toBe(away.failure);
    },
  );

  test('fails as the first part that could not be asked', async () => {
    const { here, away, both } = setUp();
    here.failure = down();
    away.failure = new OciError('TOOMANYREQUESTS');
    await expect(both.manifest(v1, true)).rejects.toBe(here.failure);
  });

  test('is not asked further after a bug', async () => {
    const { here, away, both } = setUp();
    here.failure = new TypeError('a bug');
    await expect(both.manifest(v1, true)).rejects.toBe(here.failure);
    expect(away.asked).toEqual([]);
  });
});

describe('a blob', () => {
  test.each(['here first', 'away first'] as const)('that is here needs no network, %s', async (order) => {
    const { here, away, both } = setUp(order);
    const digest = here.addBlob('layer');
    expect(await both.statBlob(digest)).toEqual({ digest, size: 5, outcome: 'hosted' });
    expect(await both.blob(digest)).toMatchObject({ digest, size: 5, outcome: 'hosted' });
    expect(away.asked).toEqual([]);
  });

  test('that is here need not be fetched ahead, and one that is not is fetched where it is', async () => {
    const { here, away, both } = setUp('away first');
    const digest = here.addBlob('layer');
    expect(await both.keepBlob(digest)).toMatchObject({ blob: { digest }, fetchedBytes: 0 });
    expect(away.asked).toEqual([]);
    expect(await both.keepBlob(away.addBlob('other'))).toMatchObject({ fetchedBytes: 5 });
  });

  test('that is not here comes from the next part', async () => {
    const { away, both } = setUp();
    const digest = away.addBlob('layer');
    expect(await both.statBlob(digest)).toMatchObject({ outcome: 'miss' });
    expect(await both.blob(digest)).toMatchObject({ outcome: 'miss' });
  });

  test('that nobody has is unknown', async () => {
    const { both } = setUp();
    const nowhere = digestOf(Buffer.from('nowhere'));
    await expect(both.blob(nowhere)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await expect(both.statBlob(nowhere)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });
});

describe('tags', () => {
  const all = { after: '', limit: 100 };

  test('are those of all parts, each once, in byte order', async () => {
    const { here, away, both } = setUp();
    here.add('team', 'b', 'Z', 'v1');
    away.add('hub', 'a', 'b', '_');
    expect(await both.tags(all)).toEqual({
      tags: ['Z', '_', 'a', 'b', 'v1'],
      hasMore: false,
      outcome: 'miss',
    });
  });

  test('come in pages that lose none, whichever part they are of', async () => {
    const { here, away, both } = setUp();
    here.add('team', 'a', 'c', 'e', 'g');
    away.add('hub', 'b', 'c', 'd', 'h');
    const pages: (readonly string[])[] = [];
    for (let after = '', hasMore = true; hasMore; ) {
      const page = await both.tags({ after, limit: 3 });
      pages.push(page.tags);
      after = page.tags.at(-1) ?? '';
      hasMore = page.hasMore;
    }
    expect(pages).toEqual([['a', 'b', 'c'], ['d', 'e', 'g'], ['h']]);
    expect(await both.tags({ after: 'cc', limit: 1 })).toMatchObject({ tags: ['d'], hasMore: true });
    expect(await both.tags({ after: '', limit: 0 })).toMatchObject({ tags: [], hasMore: true });
  });

  test('are more than a page where those of one part are', async () => {
    const { here, away, both } = setUp();
    here.add('team', 'A', 'b', 'c');
    away.add('hub', 'A', 'b');
    expect(await both.tags({ after: '', limit: 2 })).toMatchObject({ tags: ['A', 'b'], hasMore: true });
    expect(await both.tags({ after: '', limit: 3 })).toMatchObject({ tags: ['A', 'b', 'c'], hasMore: false });
  });

  test('of one part are its answer where the others know nothing or fail', async () => {
    const { here, away, both } = setUp();
    here.add('team', 'v1');
    const answer = { tags: ['v1'], hasMore: false, outcome: 'hosted' };
    expect(await both.tags(all)).toEqual(answer);
    away.failure = down();
    expect(await both.tags(all)).toEqual(answer);
  });

  test('are worth no more than the worst of them', async () => {
    const stale = new MemoryRepository('stale');
    const hit = new MemoryRepository('hit');
    const here = new MemoryRepository('hosted');
    for (const [index, each] of [stale, hit, here].entries()) each.add('x', `v${index}`);
    const of = (...parts: MemoryRepository[]) =>
      new OrderedRepository(parts.map((repository) => ({ repository, isHere: false }))).tags(all);
    expect(await of(here, hit)).toMatchObject({ outcome: 'hit' });
    expect(await of(here, hit, stale)).toMatchObject({ outcome: 'stale' });
    expect(await of(here, here)).toMatchObject({ outcome: 'hosted' });
  });

  test('that nobody has are of an unknown name, and unavailable where a part failed', async () => {
    const { away, both } = setUp();
    await expect(both.tags(all)).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    away.failure = down();
    await expect(both.tags(all)).rejects.toBe(away.failure);
    away.failure = new TypeError('a bug');
    await expect(both.tags(all)).rejects.toBe(away.failure);
  });
});

describe('referrers', () => {
  const subject = digestOf(Buffer.from('image'));

  test('are those of the first part that knows any', async () => {
    const { here, away, both } = setUp();
    away.addReferrer(subject, 'of/hub');
    expect(await both.referrers(subject)).toMatchObject({ descriptors: [{ artifactType: 'of/hub' }] });
    here.addReferrer(subject, 'of/team');
    expect(await both.referrers(subject)).toMatchObject({
      descriptors: [{ artifactType: 'of/team' }],
      outcome: 'hosted',
    });
  });

  test('are none where nobody knows any', async () => {
    const { away, both } = setUp();
    expect(await both.referrers(subject)).toEqual({ descriptors: [], outcome: 'hosted' });
    away.failure = new OciError('NAME_UNKNOWN', { detail: 'refused' });
    expect(await both.referrers(subject)).toEqual({ descriptors: [], outcome: 'hosted' });
  });

  test('are not said to be none while a part could not be asked', async () => {
    const { here, away, both } = setUp();
    away.failure = down();
    await expect(both.referrers(subject)).rejects.toBe(away.failure);
    here.addReferrer(subject, 'of/team');
    expect((await both.referrers(subject)).descriptors).toHaveLength(1);
  });
});
