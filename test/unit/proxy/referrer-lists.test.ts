import { describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { ociManifest } from '../../../src/oci/media-types.ts';
import type { ReferrerDescriptor } from '../../../src/oci/repository.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { listMs, nth, settled, startProxy } from './proxy-kit.ts';

const image = fakeImage();
const subject = image.digest;

const referrer = (artifactType: string): ReferrerDescriptor => {
  const digest = digestOf(Buffer.from(artifactType));
  return { mediaType: ociManifest, digest, size: 7, artifactType, annotations: { of: artifactType } };
};
const [signature, sbom] = [referrer('signature'), referrer('sbom')];

async function start(count = 1) {
  const kit = await startProxy({ upstreams: Array.from({ length: count }, () => ({})) });
  const referrers = async (of = subject, signal?: AbortSignal) =>
    (await kit.repository()).referrers(of, signal);
  const asked = () => kit.upstreams.map((upstream) => upstream.asked.length);
  return { ...kit, referrers, asked };
}

describe('referrers', () => {
  test('are asked for once, and believed for their time', async () => {
    const { upstream, referrers, clock, asked } = await start();
    upstream.referrers.set(subject, [signature]);
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
    expect(upstream.asked).toEqual([`referrers ${subject}`]);
    clock.now += listMs - 1;
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'hit' });
    expect(asked()).toEqual([1]);
    clock.now += 1;
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'revalidated' });
    clock.now += listMs - 1;
    expect((await referrers()).outcome).toBe('hit');
    clock.now += 1;
    upstream.referrers.set(subject, [signature, sbom]);
    expect(await referrers()).toEqual({ descriptors: [signature, sbom], outcome: 'updated' });
    expect(asked()).toEqual([3]);
  });

  test('that many ask for at once are asked for once, and those of another subject by themselves', async () => {
    const { upstream, referrers, asked } = await start();
    const other = digestOf(Buffer.from('other'));
    upstream.referrers.set(subject, [signature]);
    upstream.referrers.set(other, [sbom]);
    expect(await Promise.all([referrers(), referrers(), referrers(other)])).toEqual([
      { descriptors: [signature], outcome: 'miss' },
      { descriptors: [signature], outcome: 'collapsed' },
      { descriptors: [sbom], outcome: 'miss' },
    ]);
    expect(asked()).toEqual([2]);
    expect(await Promise.all([referrers(), referrers()])).toMatchObject([
      { outcome: 'hit' },
      { outcome: 'hit' },
    ]);
  });

  test('are asked of the upstreams that gave the subject', async () => {
    const { upstreams, referrers, record, asked } = await start(3);
    await record(nth(upstreams, 1), image, 'v1');
    await record(nth(upstreams, 2), image, 'v2');
    nth(upstreams, 0).referrers.set(subject, [sbom]);
    nth(upstreams, 2).referrers.set(subject, [signature]);
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
    expect(asked()).toEqual([0, 1, 1]);
  });

  test('are those of the first upstream that knows any, where none gave the subject', async () => {
    const { upstreams, referrers, asked } = await start(3);
    nth(upstreams, 1).referrers.set(subject, [signature]);
    nth(upstreams, 2).referrers.set(subject, [sbom]);
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
    expect(asked()).toEqual([1, 1, 0]);
  });

  test('are those of another upstream where one fails', async () => {
    const { upstreams, referrers } = await start(2);
    nth(upstreams, 0).fail('unavailable', 'referrers');
    nth(upstreams, 1).referrers.set(subject, [signature]);
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
  });

  test('that are none are believed, too', async () => {
    const { referrers, asked, upstreams, entryOf } = await start(2);
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'miss' });
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'hit' });
    expect(asked()).toEqual([1, 1]);
    const recorded = await Promise.all(upstreams.map((each) => entryOf(each, subject, 'referrers')));
    expect(recorded.map((entry) => entry !== undefined)).toEqual([true, false]);
  });

  test('of an image that upstreams do not have are none, which is not believed', async () => {
    const { upstreams, referrers, asked } = await start(2);
    nth(upstreams, 0).fail('not-found', 'referrers');
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'miss' });
    nth(upstreams, 1).fail('not-found', 'referrers');
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'miss' });
    expect(asked()).toEqual([2, 2]);
  });

  test('are not said to be none while an upstream could not be asked', async () => {
    const { upstreams, referrers } = await start(2);
    nth(upstreams, 0).fail('unavailable', 'referrers');
    await expect(referrers()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      detail: expect.stringContaining(subject),
    });
    nth(upstreams, 1).fail('not-found', 'referrers');
    await expect(referrers()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('are none, for now, where no upstream gives us any, be it that they refuse us', async () => {
    const { upstreams, referrers } = await start(2);
    nth(upstreams, 0).fail('unauthorized', 'referrers');
    nth(upstreams, 1).fail('not-found', 'referrers');
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'miss' });
    nth(upstreams, 0).recover();
    nth(upstreams, 0).referrers.set(subject, [signature]);
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
  });

  test.each(['unavailable', 'not-found', 'invalid'] as const)(
    'that are known outlive their upstream (%s)',
    async (kind) => {
      const { upstream, referrers, clock } = await start();
      upstream.referrers.set(subject, [signature]);
      await referrers();
      clock.now += listMs;
      upstream.fail(kind, 'referrers');
      expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'stale' });
    },
  );

  test('that are unusable are not asked for again at once, but others are', async () => {
    const { upstream, referrers, clock, asked } = await start();
    upstream.fail('invalid', 'referrers');
    for (let times = 0; times < 2; times += 1)
      await expect(referrers()).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 502 });
    expect(asked()).toEqual([1]);
    await expect(referrers(digestOf(Buffer.from('other')))).rejects.toThrow();
    expect(asked()).toEqual([2]);
    upstream.recover();
    clock.now += listMs + 1;
    expect((await referrers()).outcome).toBe('miss');
  });

  test('that cannot be recorded are given all the same', async () => {
    const { upstream, referrers, database, errors } = await start();
    upstream.referrers.set(subject, [signature]);
    vi.spyOn(database.cacheEntries, 'saveManifest').mockRejectedValueOnce(new Error('disk I/O error'));
    expect(await referrers()).toEqual({ descriptors: [signature], outcome: 'miss' });
    expect(errors).toHaveLength(1);
    expect((await referrers()).outcome).toBe('miss');
  });

  test('whose record is lost are none until they are asked for again', async () => {
    const { upstream, referrers, database } = await start();
    upstream.referrers.set(subject, [signature]);
    await referrers();
    vi.spyOn(database.manifests, 'findPayload').mockResolvedValueOnce(undefined);
    expect(await referrers()).toEqual({ descriptors: [], outcome: 'hit' });
  });

  test('are recorded of the upstream that gave them, as referrers of the subject', async () => {
    const { upstream, referrers, entryOf, clock, groupId } = await start();
    upstream.referrers.set(subject, [signature]);
    await referrers();
    expect(await entryOf(upstream, subject, 'referrers')).toMatchObject({
      groupId,
      reference: subject,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      checkedAt: clock.now,
    });
  });

  test('are no answer to a bug, nor to who has left', async () => {
    const { upstream, referrers } = await start();
    const letGo = upstream.hold('referrers');
    const leaving = new AbortController();
    const listed = referrers(subject, leaving.signal);
    await settled();
    leaving.abort(new Error('left'));
    await expect(listed).rejects.toThrow('left');
    letGo();
    upstream.fail(new TypeError('a bug'), 'referrers');
    await expect(referrers()).rejects.toThrow('a bug');
  });
});
