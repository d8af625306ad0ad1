import { describe, expect, test } from 'vitest';
import { parseReference } from '../../../src/oci/reference.ts';
import { explainPull } from '../../../src/proxy/explain.ts';
import { admissionOf } from '../../support/admission.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { atUpstream, hourMs, image, type KitOptions, nth, startProxy } from './proxy-kit.ts';

const one = fakeImage({ architecture: 'amd64' });
const two = fakeImage({ architecture: 'arm64' });

async function start(upstreams: KitOptions['upstreams'] = [{}, {}]) {
  const kit = await startProxy({ upstreams });
  const { database, clock, registries } = kit;
  const content = await kit.repository();
  const explain = async (reference = 'v1') => {
    const view = await registries.view(1);
    if (!view) throw new Error('no virtual registry');
    const options = {
      entries: database.cacheEntries,
      manifests: database.manifests,
      admission: admissionOf(),
      contentOf: () => content,
      findHosted: async () => undefined,
      now: () => clock.now,
    };
    return explainPull(view, image, parseReference(reference), options);
  };
  return { ...kit, first: nth(kit.upstreams, 0), second: nth(kit.upstreams, 1), explain };
}

/** With `one` as v1 of the first upstream, a validity ago. */
async function startStale() {
  const all = await start();
  all.first.add(one, 'v1');
  await all.record(all.first, one, 'v1');
  all.clock.now += 24 * hourMs;
  return all;
}

describe('an explanation of a pull', () => {
  test('shows each upstream, and takes the first that has the image', async () => {
    const { explain, first, second, upstreams } = await start([{}, {}, {}]);
    second.add(one, 'v1');
    nth(upstreams, 2).add(two, 'v1');
    const asked = { isAllowed: true, tlsVerify: true, breaker: 'closed', entry: undefined, wouldAsk: true };
    const found = { result: 'found', message: undefined };
    expect(await explain()).toEqual({
      upstreams: [
        {
          ...asked,
          id: first.settings.id,
          name: first.settings.name,
          repository: atUpstream,
          position: 1,
          answer: { result: 'not-found', digest: undefined, message: expect.any(String) },
        },
        {
          ...asked,
          id: second.settings.id,
          name: second.settings.name,
          repository: atUpstream,
          position: 2,
          answer: { ...found, digest: one.digest },
        },
        expect.objectContaining({ ...asked, position: 3, answer: { ...found, digest: two.digest } }),
      ],
      verdict: {
        upstreamId: second.settings.id,
        source: 'upstream',
        digest: one.digest,
        why: expect.stringContaining('first upstream'),
      },
      admission: [],
    });
  });

  test('asks nobody where there is a fresh copy', async () => {
    const { explain, first, second, record, clock } = await start();
    await record(first, one, 'v1');
    const checkedAt = clock.now;
    clock.now += 24 * hourMs - 1;
    expect(await explain()).toMatchObject({
      upstreams: [
        { wouldAsk: false, answer: undefined, entry: { digest: one.digest, checkedAt, isFresh: true } },
        { wouldAsk: false, answer: undefined, entry: undefined },
      ],
      verdict: {
        upstreamId: first.settings.id,
        source: 'cache',
        digest: one.digest,
        why: expect.stringContaining('is fresh'),
      },
    });
    expect([...first.asked, ...second.asked]).toEqual([]);
  });

  test('asks nobody where a digest is here, however old and under whatever name', async () => {
    const { explain, first, second } = await startStale();
    expect(await explain(one.digest)).toMatchObject({
      upstreams: [{ wouldAsk: false, entry: { isFresh: true } }, { wouldAsk: false }],
      verdict: { upstreamId: first.settings.id, source: 'cache', digest: one.digest },
    });
    expect([...first.asked, ...second.asked]).toEqual([]);
  });

  test('asks only whose copy is stale, which has the same digest still', async () => {
    const { explain, first, second } = await startStale();
    second.add(two, 'v1');
    expect(await explain()).toMatchObject({
      upstreams: [
        { wouldAsk: true, answer: { result: 'found', digest: one.digest }, entry: { isFresh: false } },
        { wouldAsk: false, answer: undefined },
      ],
      verdict: {
        upstreamId: first.settings.id,
        source: 'cache',
        digest: one.digest,
        why: expect.stringContaining('same digest'),
      },
    });
    expect(second.asked).toEqual([]);
  });

  test('tells that whose copy is stale has another digest now, or does not say which', async () => {
    const { explain, first } = await startStale();
    first.add(two, 'v1');
    const verdict = {
      upstreamId: first.settings.id,
      source: 'upstream',
      why: expect.stringContaining('another digest'),
    };
    expect((await explain()).verdict).toEqual({ ...verdict, digest: two.digest });
    first.saysDigests = false;
    expect((await explain()).verdict).toEqual({ ...verdict, digest: undefined });
  });

  test.each(['unavailable', 'rate-limited', 'invalid'] as const)(
    'tells that the stale copy is served where its upstream fails (%s), and no other is asked',
    async (kind) => {
      const { explain, first, second } = await startStale();
      second.add(two, 'v1');
      first.fail(kind, 'HEAD manifest');
      expect(await explain()).toMatchObject({
        upstreams: [
          { answer: { result: kind, digest: undefined, message: `fails (${kind})` } },
          { wouldAsk: false },
        ],
        verdict: {
          upstreamId: first.settings.id,
          source: 'cache',
          digest: one.digest,
          why: expect.stringContaining(`fails (${kind})`),
        },
      });
    },
  );

  test.each(['not-found', 'unauthorized'] as const)(
    'goes on to the others where whose copy is stale has it no more, or refuses us (%s)',
    async (kind) => {
      const { explain, first, second } = await startStale();
      first.fail(kind, 'HEAD manifest', 'GET manifest');
      second.add(two, 'v1');
      expect(await explain()).toMatchObject({
        upstreams: [{ wouldAsk: true }, { wouldAsk: true }],
        verdict: { upstreamId: second.settings.id, source: 'upstream', digest: two.digest },
      });
      expect([first.asked, second.asked]).toEqual([
        ['HEAD manifest v1', 'GET manifest v1'],
        ['HEAD manifest v1'],
      ]);
    },
  );

  test.each(['not-found', 'unauthorized'] as const)(
    'asks whose copy is stale by GET where HEAD says no, and no other (%s)',
    async (kind) => {
      const { explain, first, second } = await startStale();
      first.fail(kind, 'HEAD manifest');
      expect((await explain()).verdict).toMatchObject({ upstreamId: first.settings.id, source: 'cache' });
      expect([first.asked, second.asked]).toEqual([['HEAD manifest v1', 'GET manifest v1'], []]);
    },
  );

  test('asks by GET where HEAD says no everywhere, until one has it', async () => {
    const { explain, first, second, upstreams } = await start([{}, {}, {}]);
    for (const upstream of upstreams) upstream.fail('not-found', 'HEAD manifest');
    second.add(one, 'v1');
    expect((await explain()).verdict).toMatchObject({
      upstreamId: second.settings.id,
      source: 'upstream',
      digest: one.digest,
    });
    expect([first, second, nth(upstreams, 2)].map(({ asked }) => asked)).toEqual([
      ['HEAD manifest v1', 'GET manifest v1'],
      ['HEAD manifest v1', 'GET manifest v1'],
      ['HEAD manifest v1'],
    ]);
  });

  test('tells that the stale copy is served where its upstream refuses us, and no other has the image', async () => {
    const { explain, first } = await startStale();
    first.fail('unauthorized', 'HEAD manifest', 'GET manifest');
    expect((await explain()).verdict).toEqual({
      upstreamId: first.settings.id,
      source: 'cache',
      digest: one.digest,
      why: expect.stringContaining('refuses us'),
    });
  });

  test('tells that a pull would fail, because nobody has the image or because it is not known', async () => {
    const { explain, first, second } = await startStale();
    first.fail('not-found', 'HEAD manifest', 'GET manifest');
    const failing = { upstreamId: undefined, source: undefined, digest: undefined };
    expect((await explain()).verdict).toEqual({ ...failing, why: 'no upstream has the image' });
    second.fail('unauthorized', 'HEAD manifest', 'GET manifest');
    expect((await explain()).verdict.why).toBe('no upstream has the image');
    second.fail('unavailable', 'HEAD manifest', 'GET manifest');
    expect((await explain()).verdict).toEqual({
      ...failing,
      why: 'no upstream that could be asked has the image',
    });
  });

  test('counts the copy of the first upstream that has one, wherever it is in the order', async () => {
    const { explain, first, second, upstreams, record } = await start([{}, {}, {}]);
    await record(nth(upstreams, 2), two, 'v1');
    await record(second, one, 'v1');
    expect((await explain()).verdict).toMatchObject({ upstreamId: second.settings.id, source: 'cache' });
    expect(first.asked).toEqual([]);
  });

  test('leaves out upstreams whose patterns refuse the image, and their copies', async () => {
    const { explain, first, second, record } = await start([{ denyPatterns: ['app'] }, {}]);
    await record(first, one, 'v1');
    second.add(two, 'v1');
    expect(await explain()).toMatchObject({
      upstreams: [{ isAllowed: false, wouldAsk: false, entry: { digest: one.digest } }, { isAllowed: true }],
      verdict: { upstreamId: second.settings.id, source: 'upstream' },
    });
    expect(first.asked).toEqual([]);
  });

  test('of an image that no upstream’s patterns allow says that', async () => {
    const { explain } = await start([{ denyPatterns: ['app'] }, { denyPatterns: ['app'] }]);
    expect((await explain()).verdict.why).toMatch(/patterns/);
  });

  test('changes nothing that is believed', async () => {
    const { explain, first, entryOf, manifest } = await startStale();
    const before = await entryOf(first, 'v1');
    first.fail('not-found', 'HEAD manifest');
    await explain();
    expect(await entryOf(first, 'v1')).toEqual(before);
    first.recover();
    expect((await manifest('v1')).outcome).toBe('revalidated');
  });

  test('fails with a bug', async () => {
    const { explain, first } = await start();
    first.fail(new TypeError('a bug'), 'HEAD manifest');
    await expect(explain()).rejects.toThrow('a bug');
  });
});
