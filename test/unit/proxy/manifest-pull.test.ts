import { describe, expect, test, vi } from 'vitest';
import { MissingContent } from '../../../src/metadata/db/violations.ts';
import { dockerManifest, ociManifest } from '../../../src/oci/media-types.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { recordedTypeOf } from '../../../src/proxy/manifest-fetch.ts';
import { bytesBlob, fakeImage, fakeIndex } from '../../support/fake-content.ts';
import { atUpstream, backoffMs, hourMs, nth, settled, startProxy, stopTime } from './proxy-kit.ts';

const one = fakeImage({ architecture: 'amd64' });
const two = fakeImage({ architecture: 'arm64' });

/** An upstream that has `one` as v1, pulled a validity ago. */
async function startStale(upstreams: Parameters<typeof startProxy>[0] = {}) {
  const kit = await startProxy(upstreams);
  for (const upstream of kit.upstreams) upstream.add(one, 'v1');
  await kit.manifest('v1');
  kit.clock.now += 24 * hourMs;
  for (const upstream of kit.upstreams) upstream.asked.length = 0;
  return kit;
}

describe('a manifest by tag', () => {
  test('is asked for by HEAD, fetched once, served as it is, and known from then on', async () => {
    const { upstream, manifest, entryOf, clock, groupId } = await startProxy();
    upstream.add(one, 'v1');
    const { digest, payload, mediaType } = one;
    expect(await manifest('v1')).toEqual({ digest, payload, mediaType, outcome: 'miss' });
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(await manifest('v1')).toEqual({ digest, payload, mediaType, outcome: 'hit' });
    expect(upstream.asked).toHaveLength(2);
    expect(await entryOf(upstream, 'v1')).toMatchObject({
      groupId,
      kind: 'manifest',
      repository: atUpstream,
      reference: 'v1',
      digest,
      mediaType,
      size: payload.length,
      checkedAt: clock.now,
    });
  });

  test('is fresh for its validity, and not a moment longer', async () => {
    const { upstream, manifest, hot, clock } = await startProxy({ upstreams: [{ cacheValidityHours: 2 }] });
    upstream.add(one, 'v1');
    await manifest('v1');
    upstream.asked.length = 0;
    clock.now += 2 * hourMs - 1;
    expect((await manifest('v1')).outcome).toBe('hit');
    hot.forgetAll();
    expect((await manifest('v1')).outcome).toBe('hit');
    expect(upstream.asked).toEqual([]);
    clock.now += 1;
    expect((await manifest('v1')).outcome).toBe('revalidated');
    expect(upstream.asked).toEqual(['HEAD manifest v1']);
    clock.now += 2 * hourMs - 1;
    expect((await manifest('v1')).outcome).toBe('hit');
    hot.forgetAll();
    expect((await manifest('v1')).outcome).toBe('hit');
    expect(upstream.asked).toHaveLength(1);
  });

  test('is fresh for ever where the validity is 0', async () => {
    const { upstream, manifest, hot, clock } = await startProxy({ upstreams: [{ cacheValidityHours: 0 }] });
    upstream.add(one, 'v1');
    await manifest('v1');
    clock.now += 10_000 * hourMs;
    expect((await manifest('v1')).outcome).toBe('hit');
    hot.forgetAll();
    expect((await manifest('v1')).outcome).toBe('hit');
  });

  test('that many pull at once is fetched once, and all but the first have waited', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add(one, 'v1');
    const answers = await Promise.all([1, 2, 3].map(() => manifest('v1')));
    expect(answers.map(({ outcome }) => outcome)).toEqual(['miss', 'collapsed', 'collapsed']);
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
  });

  test('that is pulled while another one is fetched is not mistaken for it', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add(one, 'v1');
    upstream.add(two, 'v2');
    const answers = await Promise.all(['v1', 'v2'].map((tag) => manifest(tag)));
    expect(answers.map(({ digest }) => digest)).toEqual([one.digest, two.digest]);
  });

  test('that many pull at once after its validity is revalidated once, and not recorded anew', async () => {
    const { upstream, manifest, database } = await startStale();
    const linking = vi.spyOn(database.cacheEntries, 'linkManifest');
    const answers = await Promise.all([1, 2, 3].map(() => manifest('v1')));
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(3).fill('revalidated'));
    expect(linking).not.toHaveBeenCalled();
    expect(upstream.asked).toEqual(['HEAD manifest v1']);
  });

  test('that was just pulled is served without a look into the database, and one by digest always', async () => {
    stopTime();
    const { upstream, manifest, database, clock } = await startProxy();
    upstream.add(one, 'v1');
    for (const reference of ['v1', one.digest]) await manifest(reference);
    const looking = [
      vi.spyOn(database.cacheEntries, 'listAt'),
      vi.spyOn(database.cacheEntries, 'listByDigest'),
      vi.spyOn(database.manifests, 'findPayload'),
    ];
    expect((await manifest('v1')).outcome).toBe('hit');
    clock.now += 1000 * hourMs;
    expect((await manifest(one.digest)).outcome).toBe('hit');
    for (const look of looking) expect(look).not.toHaveBeenCalled();
  });

  test('of an image that patterns refuse is not looked for, and not asked of an upstream whose patterns refuse it', async () => {
    const { upstreams, manifest } = await startProxy({ upstreams: [{ denyPatterns: ['app'] }, {}] });
    nth(upstreams, 0).add(one, 'v1');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(upstreams.map(({ asked }) => asked.length)).toEqual([0, 2]);
    const refusing = await startProxy({ upstreams: [{ denyPatterns: ['app'] }] });
    await expect(refusing.manifest('v1')).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
      detail: expect.stringContaining("'app'"),
    });
  });

  test('is not kept in memory under another image or another tag', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add(one, 'v1');
    upstream.add(two, 'v2');
    await manifest('v1');
    expect((await manifest('v2')).digest).toBe(two.digest);
  });

  test('fails as its upstream fails, and is asked for again by the next pull', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add(one, 'v1');
    upstream.fail('unavailable', 'HEAD manifest', 'GET manifest');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
    upstream.recover();
    expect((await manifest('v1')).outcome).toBe('miss');
  });

  test('is not recorded for a client that has left before anything was asked', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add(one, 'v1');
    await expect(manifest('v1', AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    await settled();
    expect(upstream.asked).toEqual([]);
  });

  test('is served under the type that it has where its upstream says nonsense', async () => {
    const { upstream, manifest, hot, entryOf } = await startProxy();
    const image = fakeImage({ format: 'docker' });
    upstream.add({ ...image, mediaType: 'text/html' }, 'v1');
    expect((await manifest('v1')).mediaType).toBe(dockerManifest);
    hot.forgetAll();
    expect((await manifest('v1')).mediaType).toBe(dockerManifest);
    expect((await entryOf(upstream, 'v1'))?.mediaType).toBe(dockerManifest);
  });

  test('is served under the type that it has, whatever an older record says', async () => {
    const { upstream, manifest, record, clock } = await startProxy();
    await record(upstream, { ...two, mediaType: 'text/html' }, 'v2');
    await record(upstream, { ...one, payload: Buffer.from('none'), mediaType: 'text/html' }, 'v1');
    expect((await manifest('v2')).mediaType).toBe(two.mediaType);
    expect((await manifest('v1')).mediaType).toBe(ociManifest);
    clock.now += 24 * hourMs;
    upstream.add(two, 'v1');
    expect(await manifest('v1')).toMatchObject({ mediaType: two.mediaType, outcome: 'updated' });
  });

  test('that fails to be read with a bug is no answer', async () => {
    const { upstream, manifest } = await startProxy();
    upstream.add({ ...one, payload: undefined as never }, 'v1');
    await expect(manifest('v1')).rejects.toThrow(TypeError);
    expect(() => recordedTypeOf('text/html', undefined as never)).toThrow(TypeError);
  });

  test.each([
    ['no JSON', ociManifest],
    [JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }), ociManifest],
  ])('that is none is not passed on: %s', async (text, mediaType) => {
    const { upstream, manifest, entryOf } = await startProxy();
    const payload = Buffer.from(text);
    upstream.add({ ...one, payload, mediaType }, 'v1');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
    expect(await entryOf(upstream, 'v1')).toBeUndefined();
  });
});

describe('a manifest after its validity', () => {
  test('is switched where the tag has moved', async () => {
    const { upstream, manifest, entryOf } = await startStale();
    upstream.add(two, 'v1');
    expect(await manifest('v1')).toMatchObject({
      digest: two.digest,
      payload: two.payload,
      outcome: 'updated',
    });
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'hit' });
    expect((await entryOf(upstream, 'v1'))?.digest).toBe(two.digest);
  });

  test('is not fetched where the tag has moved to what is known under another name', async () => {
    const { upstream, manifest, entryOf, clock } = await startStale();
    upstream.add(two, 'v2');
    await manifest('v2');
    upstream.tags.set('v1', two.digest);
    upstream.asked.length = 0;
    expect(await manifest('v1')).toMatchObject({
      digest: two.digest,
      payload: two.payload,
      outcome: 'updated',
    });
    expect(upstream.asked).toEqual(['HEAD manifest v1']);
    expect(await entryOf(upstream, 'v1')).toMatchObject({
      digest: two.digest,
      mediaType: two.mediaType,
      size: two.payload.length,
      checkedAt: clock.now,
    });
  });

  test('is fetched where what was known under another name is collected meanwhile', async () => {
    const { upstream, manifest, database } = await startStale();
    upstream.add(two, 'v2');
    await manifest('v2');
    upstream.tags.set('v1', two.digest);
    upstream.asked.length = 0;
    const link = vi.spyOn(database.cacheEntries, 'linkManifest').mockRejectedValueOnce(new MissingContent());
    expect((await manifest('v1')).digest).toBe(two.digest);
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    link.mockRejectedValueOnce(new TypeError('a bug'));
    await expect(manifest('v3')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    upstream.tags.set('v4', two.digest);
    await expect(manifest('v4')).rejects.toThrow('a bug');
  });

  test('holds where its upstream does not say its digest by HEAD', async () => {
    const { upstream, manifest, entryOf, clock } = await startStale();
    upstream.saysDigests = false;
    expect((await manifest('v1')).outcome).toBe('revalidated');
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect((await entryOf(upstream, 'v1'))?.checkedAt).toBe(clock.now);
  });

  test('is gone where the upstream has it no more', async () => {
    const { upstream, manifest, entryOf } = await startStale();
    upstream.tags.delete('v1');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN', status: 404 });
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(await entryOf(upstream, 'v1')).toBeUndefined();
  });

  test('gives way to the next upstream where the upstream has it no more', async () => {
    const { upstreams, manifest, entryOf } = await startStale({ upstreams: [{}, {}] });
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    first.tags.delete('v1');
    second.add(two, 'v1');
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'miss' });
    expect(first.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(await entryOf(first, 'v1')).toBeUndefined();
    expect((await entryOf(second, 'v1'))?.digest).toBe(two.digest);
  });

  test.each(['unavailable', 'rate-limited', 'invalid'] as const)(
    'is served stale where the upstream fails (%s), which is then left alone for a while',
    async (kind) => {
      const { upstream, manifest, clock, errors } = await startStale();
      upstream.fail(kind, 'HEAD manifest');
      expect(await manifest('v1')).toMatchObject({ payload: one.payload, outcome: 'stale' });
      expect(await manifest('v1')).toMatchObject({ outcome: 'stale' });
      upstream.recover();
      clock.now += backoffMs - 1;
      expect(await manifest('v1')).toMatchObject({ outcome: 'stale' });
      expect(upstream.asked).toEqual(['HEAD manifest v1']);
      clock.now += 1;
      expect(await manifest('v1')).toMatchObject({ outcome: 'revalidated' });
      expect(errors).toHaveLength(kind === 'invalid' ? 1 : 0);
    },
  );

  test('is served stale where the upstream says that it has changed, and then fails', async () => {
    const { upstream, manifest } = await startStale();
    upstream.add(two, 'v1');
    upstream.fail('unavailable', 'GET manifest');
    expect(await manifest('v1')).toMatchObject({ payload: one.payload, outcome: 'stale' });
  });

  test('leaves the upstream alone for as long as it asks for', async () => {
    const { upstream, manifest, clock } = await startStale();
    const retryAfterMs = 10 * backoffMs;
    upstream.fail(new OutboundError('rate-limited', 'is busy', { retryAfterMs }), 'HEAD manifest');
    await manifest('v1');
    upstream.recover();
    clock.now += retryAfterMs - 1;
    expect((await manifest('v1')).outcome).toBe('stale');
    clock.now += 1;
    expect((await manifest('v1')).outcome).toBe('revalidated');
  });

  test.each(['not-found', 'unauthorized'] as const)(
    'holds, or is switched, where HEAD says no (%s) and GET has the last word',
    async (kind) => {
      const { upstream, manifest, entryOf, clock } = await startStale();
      upstream.fail(kind, 'HEAD manifest');
      const before = await entryOf(upstream, 'v1');
      expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'revalidated' });
      expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
      expect(await entryOf(upstream, 'v1')).toMatchObject({ id: before?.id, checkedAt: clock.now });
      clock.now += 24 * hourMs;
      upstream.add(two, 'v1');
      expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'updated' });
    },
  );

  test.each(['unavailable', 'rate-limited', 'invalid'] as const)(
    'is kept, and served stale, where HEAD says no and GET fails (%s)',
    async (kind) => {
      const { upstream, manifest, entryOf } = await startStale();
      upstream.fail('not-found', 'HEAD manifest');
      upstream.fail(kind, 'GET manifest');
      expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'stale' });
      expect(await entryOf(upstream, 'v1')).toBeDefined();
    },
  );

  test('is gone where HEAD says that it has changed, and GET that it is not there', async () => {
    const { upstream, manifest, entryOf } = await startStale();
    upstream.add(two, 'v1');
    upstream.fail('not-found', 'GET manifest');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(await entryOf(upstream, 'v1')).toBeUndefined();
  });

  test('is not fetched again where GET was asked in place of HEAD', async () => {
    const { upstream, manifest } = await startStale();
    upstream.add(two, 'v1');
    const fetched = await upstream.getManifest(atUpstream, parseTag('v1'));
    upstream.headManifest = async () => ({ digest: fetched.digest, manifest: fetched });
    upstream.asked.length = 0;
    expect(await manifest('v1')).toMatchObject({ payload: two.payload, outcome: 'updated' });
    expect(upstream.asked).toEqual([]);
  });

  test('of an upstream that fails asks no other, as one that has it is only down', async () => {
    const { upstreams, manifest } = await startStale({ upstreams: [{}, {}] });
    nth(upstreams, 0).fail('unavailable', 'HEAD manifest');
    expect((await manifest('v1')).outcome).toBe('stale');
    expect(nth(upstreams, 1).asked).toEqual([]);
  });

  test('of an upstream that refuses us comes from the next, and stale where no other has it', async () => {
    const { upstreams, manifest, database, entryOf } = await startStale({ upstreams: [{}, {}] });
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    first.fail('unauthorized', 'HEAD manifest', 'GET manifest');
    second.tags.clear();
    expect(await manifest('v1')).toMatchObject({ payload: one.payload, outcome: 'stale' });
    expect(first.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(second.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    expect(await entryOf(first, 'v1')).toBeDefined();
    // For a while it is left alone, like one that is down.
    expect((await manifest('v1')).outcome).toBe('stale');
    expect(first.asked).toHaveLength(2);
    expect(
      await database.cacheEntries.listTags([{ upstreamId: first.settings.id, repository: atUpstream }]),
    ).toEqual(['v1']);
  });

  test('of an upstream that refuses us is that of the next one', async () => {
    const { upstreams, manifest } = await startStale({ upstreams: [{}, {}] });
    nth(upstreams, 0).fail('unauthorized', 'HEAD manifest', 'GET manifest');
    nth(upstreams, 1).add(two, 'v1');
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'miss' });
  });

  test('fails with a bug, and is not served stale', async () => {
    const { upstream, manifest } = await startStale();
    upstream.fail(new TypeError('a bug'), 'HEAD manifest');
    await expect(manifest('v1')).rejects.toThrow('a bug');
  });
});

describe('a manifest that several upstreams gave', () => {
  /** v1 is recorded of each, the first with `one`, the others with `two`, and is to be revalidated. */
  async function startRecorded(count: number) {
    const kit = await startProxy({ upstreams: Array.from({ length: count }, () => ({})) });
    for (const [index, upstream] of kit.upstreams.entries()) {
      const manifest = index === 0 ? one : two;
      upstream.add(manifest, 'v1');
      await kit.record(upstream, manifest, 'v1');
    }
    kit.clock.now += 24 * hourMs;
    return kit;
  }

  test('is that of the first of them', async () => {
    const { manifest, upstreams } = await startRecorded(2);
    expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'revalidated' });
    expect(nth(upstreams, 1).asked).toEqual([]);
  });

  test('is that of the second where the first has it no more, be that stale', async () => {
    const { manifest, upstreams } = await startRecorded(2);
    nth(upstreams, 0).tags.clear();
    nth(upstreams, 1).fail('unavailable', 'HEAD manifest');
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'stale' });
    expect(upstreams.map(({ asked }) => asked)).toEqual([
      ['HEAD manifest v1', 'GET manifest v1'],
      ['HEAD manifest v1'],
    ]);
  });

  test('is that of the second where the first refuses us', async () => {
    const { manifest, upstreams } = await startRecorded(2);
    nth(upstreams, 0).fail('unauthorized', 'HEAD manifest', 'GET manifest');
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'revalidated' });
  });

  test('is the stale one of the first where all refuse us', async () => {
    const { manifest, upstreams } = await startRecorded(2);
    for (const upstream of upstreams) upstream.fail('unauthorized', 'HEAD manifest', 'GET manifest');
    expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'stale' });
    for (const { asked } of upstreams) expect(asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
  });

  test('is stale where one refuses us, the next is down, and no other has it', async () => {
    const { manifest, upstreams } = await startRecorded(3);
    nth(upstreams, 0).fail('unauthorized', 'HEAD manifest', 'GET manifest');
    nth(upstreams, 1).fail('unavailable', 'HEAD manifest', 'GET manifest');
    nth(upstreams, 2).tags.clear();
    expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'stale' });
  });
});

describe('a manifest by digest', () => {
  test('is never asked for again, even where the tag it came under is gone', async () => {
    const { upstream, manifest, hot, clock } = await startStale();
    clock.now += 1000 * hourMs;
    expect(await manifest(one.digest)).toMatchObject({ payload: one.payload, outcome: 'hit' });
    expect(await manifest(one.digest)).toMatchObject({ outcome: 'hit' });
    hot.forgetAll();
    expect(await manifest(one.digest)).toMatchObject({ outcome: 'hit' });
    expect(upstream.asked).toEqual([]);
  });

  test('that an index names is fetched where the index came from, without asking whether it is there', async () => {
    const { upstreams, manifest } = await startProxy({ upstreams: [{}, {}] });
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    for (const child of [one, two]) for (const upstream of upstreams) upstream.add(child);
    second.add(fakeIndex({ manifests: [one, two] }), 'latest');
    await manifest('latest');
    for (const { asked } of upstreams) asked.length = 0;
    expect(await manifest(two.digest)).toMatchObject({ payload: two.payload, outcome: 'miss' });
    expect(second.asked).toEqual([`GET manifest ${two.digest}`]);
    expect(first.asked).toEqual([]);
  });

  test('that an index names comes from another upstream where the index’s own fails, which is not asked twice', async () => {
    const { upstreams, manifest } = await startProxy({ upstreams: [{}, {}] });
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    second.add(fakeIndex({ manifests: [one] }), 'latest');
    await manifest('latest');
    for (const { asked } of upstreams) asked.length = 0;
    second.fail('unavailable', 'GET manifest');
    first.add(one);
    expect(await manifest(one.digest)).toMatchObject({ outcome: 'miss' });
    expect(second.asked).toEqual([`GET manifest ${one.digest}`]);
    expect(first.asked).toEqual([`HEAD manifest ${one.digest}`, `GET manifest ${one.digest}`]);
  });

  test('that nobody has fails as the index’s upstream failed', async () => {
    const { upstreams, manifest } = await startProxy({ upstreams: [{}, {}] });
    nth(upstreams, 1).add(fakeIndex({ manifests: [one] }), 'latest');
    await manifest('latest');
    nth(upstreams, 1).fail('rate-limited', 'GET manifest');
    await expect(manifest(one.digest)).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
    nth(upstreams, 1).fail(new TypeError('a bug'), 'GET manifest');
    await expect(manifest(one.digest)).rejects.toThrow('a bug');
  });

  test('is fetched again where its record is gone', async () => {
    const { upstream, manifest, database } = await startStale();
    vi.spyOn(database.manifests, 'findPayload').mockResolvedValue(undefined);
    expect((await manifest(one.digest)).outcome).toBe('miss');
    expect(upstream.asked).toEqual([`HEAD manifest ${one.digest}`, `GET manifest ${one.digest}`]);
  });
});

describe('a manifest that cannot be recorded', () => {
  test.each(['on the disk', 'in the database'])(
    '%s is served all the same, and counted nowhere',
    async (where) => {
      const { upstream, manifest, disk, database, entryOf, errors, usage } = await startProxy();
      upstream.add(one, 'v1');
      if (where === 'on the disk') disk.room = one.payload.length - 1;
      const failing = vi.spyOn(database.cacheEntries, 'saveManifest');
      if (where === 'in the database') failing.mockRejectedValueOnce(new Error('disk I/O error'));
      const recorded = vi.spyOn(database.cacheEntries, 'recordDownloads');
      expect(await manifest('v1')).toMatchObject({ payload: one.payload, outcome: 'miss' });
      expect(await entryOf(upstream, 'v1')).toBeUndefined();
      expect(errors).toHaveLength(1);
      await usage.flush();
      expect(recorded).not.toHaveBeenCalled();
      disk.room = one.payload.length;
      expect(await manifest('v1')).toMatchObject({ outcome: 'miss' });
      expect(await entryOf(upstream, 'v1')).toBeDefined();
    },
  );
});

describe('what is counted', () => {
  test('are pulls of each entry, from the network or not, and no looks', async () => {
    const { upstream, manifest, repository, downloads, hot, clock } = await startProxy();
    upstream.add(one, 'v1');
    const tag = 'v1' as never;
    await (await repository()).manifest(tag, false);
    expect(await downloads(upstream, 'v1')).toBe(0);
    await manifest('v1');
    await (await repository()).manifest(tag, false);
    hot.forgetAll();
    await (await repository()).manifest(tag, false);
    expect(await downloads(upstream, 'v1')).toBe(1);
    await manifest('v1');
    hot.forgetAll();
    await manifest('v1');
    clock.now += 24 * hourMs;
    await manifest('v1');
    expect(await downloads(upstream, 'v1')).toBe(4);
  });

  test('are of each group the pulls that the cache answered and those that it did not', async () => {
    const { upstream, manifest, repository, blob, groupId, counted, clock } = await startProxy();
    const image = fakeImage({ layers: [bytesBlob('layer')] });
    upstream.add(image, 'v1');
    await manifest('v1');
    await manifest('v1');
    await (await repository()).manifest('v1' as never, false);
    clock.now += 24 * hourMs;
    upstream.add(two, 'v1');
    await manifest('v1');
    clock.now += 24 * hourMs;
    upstream.fail('unavailable', 'HEAD manifest');
    await manifest('v1');
    await (await blob(nth(image.layers, 0).digest)).close();
    expect(counted.map(({ isHit }) => isHit)).toEqual([false, true, false, true, false]);
    expect(new Set(counted.map((each) => each.groupId))).toEqual(new Set([groupId]));
    await expect(manifest('none')).rejects.toThrow();
    expect(counted).toHaveLength(5);
  });
});
