import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { FrameWriter } from '../../../src/cluster/frame-writer.ts';
import type { Frame } from '../../../src/cluster/frames.ts';
import type { Peer } from '../../../src/cluster/peers.ts';
import { SharedUpstreams } from '../../../src/cluster/shared-upstreams.ts';
import { parseReference, parseRepositoryName } from '../../../src/oci/reference.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import type { Upstream } from '../../../src/upstreams/upstream.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { silentLog } from '../../support/silent-log.ts';

const repository = parseRepositoryName('library/web');
const tag = parseReference('v1');
const never = new AbortController().signal;

/** What is remembered for a moment stays so until the clock is moved. */
function stopTime() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1);
  onTestFinished(() => {
    clock.mockRestore();
    vi.useRealTimers();
  });
  return clock;
}

/** Processes that ask each other without a network. */
function cluster(count: number) {
  const upstream = new FakeUpstream({ id: 7, updatedAt: 3 });
  const image = fakeImage();
  upstream.add(image, 'v1', 'v2');
  const referrer = { mediaType: 'a/b', digest: image.digest, size: 2 };
  upstream.referrers.set(image.digest, [
    { ...referrer, artifactType: 'c/d', annotations: { e: 'f' } },
    referrer,
  ]);
  const all = Array.from({ length: count }, (_, index) => ({
    id: `member ${index}`,
    address: `10.0.0.${index}:1`,
  }));
  const paths: string[] = [];
  const avoided: string[] = [];
  let closed = 0;
  const net = {
    known: new Map<number, Upstream>([[7, upstream]]),
    /** What the next answer is, in place of that of the process. */
    fault: undefined as Error | string | undefined,
    isAlone: false,
  };
  const members = new Map(all.map((self) => [self.id, create(self)]));

  function create(self: Peer): SharedUpstreams {
    const others = all.filter(({ id }) => id !== self.id);
    const peers = {
      self,
      get areThere() {
        return !net.isAlone;
      },
      reachable: others,
      avoid: (id: string) => void avoided.push(id),
    };
    const ask = async (peer: Peer, path: string, signal: AbortSignal = never) => {
      paths.push(path);
      if (net.fault instanceof Error) throw net.fault;
      const { pathname, searchParams } = new URL(path, 'http://peer');
      expect(pathname).toBe('/-/questions');
      const said: Frame[] = [];
      const writer = {
        signal,
        say: async (value: object) => {
          const bytes = Buffer.from(typeof net.fault === 'string' ? net.fault : JSON.stringify(value));
          if (net.fault !== '') said.push({ kind: 'said', bytes });
        },
      };
      const answering = members.get(peer.id)?.serve(searchParams, async (id) => net.known.get(id));
      if (!answering) throw new OutboundError('not-found', 'knows nothing of it');
      await answering(writer as unknown as FrameWriter);
      const frames = (async function* () {
        yield* said;
      })();
      return {
        frames,
        close: () => {
          closed += 1;
        },
      };
    };
    return new SharedUpstreams({ client: { ask }, peers, log: silentLog });
  }
  const shared = [...members.values()].map((each) => each.share(upstream));
  return { upstream, image, shared, members, net, paths, avoided, closed: () => closed };
}

const questions = [
  ['HEAD manifest', (it: Upstream) => it.headManifest(repository, tag)],
  ['GET manifest', (it: Upstream) => it.getManifest(repository, tag)],
  ['tags', (it: Upstream) => it.listTags(repository)],
  ['referrers', (it: Upstream) => it.listReferrers(repository, fakeImage().digest)],
] as const;

describe.each(questions)('a question of %s', (_, ask) => {
  test('is asked once by all, for a second, and what the upstream said is told', async () => {
    stopTime();
    const { upstream, shared, paths, closed } = cluster(3);
    const own = await ask(upstream);
    expect(await Promise.all(shared.map((each) => ask(each)))).toEqual([own, own, own]);
    expect(upstream.asked).toHaveLength(2);
    expect([paths.length, closed()]).toEqual([2, 2]);
    expect(await Promise.all(shared.map((each) => ask(each)))).toEqual([own, own, own]);
    expect(upstream.asked).toHaveLength(2);
  });

  test('is asked by each where there are no others', async () => {
    const { upstream, shared, net, paths } = cluster(2);
    net.isAlone = true;
    for (const each of shared) expect(await ask(each)).toEqual(await ask(upstream));
    expect([upstream.asked.length, paths]).toEqual([4, []]);
  });

  test('fails for all in the same way, and that is not remembered', async () => {
    const { upstream, shared } = cluster(3);
    const failure = new OutboundError('rate-limited', 'limits us', {
      status: 429,
      retryAfterMs: 60_000,
      refusesCredentials: true,
    });
    upstream.fail(failure, 'HEAD manifest', 'GET manifest', 'tags', 'referrers');
    for (const each of shared) {
      const error: unknown = await Promise.resolve(ask(each)).catch((thrown: unknown) => thrown);
      expect({ ...(error as object) }).toEqual({ ...failure });
      expect(String(error)).toBe(String(failure));
    }
    upstream.recover();
    for (const each of shared) expect(await ask(each)).toEqual(await ask(upstream));
  });
});

test('of a HEAD that was answered with a manifest, that is told as well', async () => {
  const { upstream, shared } = cluster(2);
  const manifest = { ...(await upstream.getManifest(repository, tag)), contentType: undefined, etag: '"x"' };
  upstream.headManifest = async () => ({ digest: undefined, manifest });
  for (const each of shared)
    expect(await each.headManifest(repository, tag)).toEqual({ digest: undefined, manifest });
});

test('a second later it is asked again', async () => {
  const clock = stopTime();
  const { upstream, shared } = cluster(2);
  for (const each of shared) await each.listTags(repository);
  expect(upstream.asked).toHaveLength(1);
  clock.mockReturnValue(1002);
  await vi.advanceTimersByTimeAsync(1001);
  for (const each of shared) await each.listTags(repository);
  expect(upstream.asked).toHaveLength(2);
});

test('questions are spread, and each is asked by the same process whoever wants to know', async () => {
  const { shared, paths, upstream } = cluster(3);
  const asking = new Set<string>();
  for (let n = 0; n < 30; n += 1) {
    const other = parseRepositoryName(`library/web${n}`);
    for (const each of shared) await each.listTags(other);
  }
  // Two of three ask the third, and it the upstream.
  expect([paths.length, upstream.asked.length]).toEqual([60, 30]);
  for (const path of paths) asking.add(path);
  expect(asking.size).toBe(30);
});

test.each<[string, Partial<ReturnType<typeof cluster>['net']>, number]>([
  ['knows the upstream as it was', { known: new Map([[7, new FakeUpstream({ id: 7, updatedAt: 2 })]]) }, 0],
  ['does not know the upstream', { known: new Map() }, 0],
  ['has no such questions', { fault: new OutboundError('not-found', 'what?') }, 0],
  ['cannot be reached', { fault: new OutboundError('unavailable', 'dead') }, 1],
  ['says nothing', { fault: '' }, 1],
  ['says nonsense', { fault: '{"answer":5}' }, 1],
  ['says what is no JSON', { fault: 'what?' }, 1],
  ['says an unknown failure', { fault: '{"failure":{"kind":"bored"}}' }, 1],
])('a process that %s is not believed: who wants to know asks', async (_, change, avoidances) => {
  const { upstream, shared, net, avoided, paths } = cluster(2);
  Object.assign(net, change);
  for (const each of shared)
    expect(await each.listTags(repository)).toEqual(await upstream.listTags(repository));
  expect(upstream.asked).toHaveLength(4);
  expect([paths.length, avoided.length]).toEqual([1, avoidances]);
});

test('who leaves asks nobody else, and a fault of ours is told', async () => {
  const { upstream, shared, net } = cluster(2);
  const reason = new Error('left');
  net.fault = new OutboundError('unavailable', 'dead');
  const left = AbortSignal.abort(reason);
  for (const each of shared) await expect(each.listTags(repository, left)).rejects.toBe(reason);
  // By the one that is to ask.
  expect(upstream.asked).toHaveLength(1);
  net.fault = new TypeError('ours');
  const results = await Promise.allSettled(shared.map((each) => each.listTags(repository)));
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('a fault of ours is no answer for another process', async () => {
  const { upstream, members } = cluster(2);
  const [one] = members.values();
  upstream.fail(new TypeError('ours'), 'tags');
  await expect(one?.tags.say(upstream, repository, '', never)).rejects.toThrow('ours');
});

test('what is no question is none', () => {
  const { members } = cluster(1);
  const [one] = members.values();
  expect(one?.serve(new URLSearchParams({ kind: 'blob' }), async () => undefined)).toBeUndefined();
  expect(one?.serve(new URLSearchParams(), async () => undefined)).toBeUndefined();
});

test('all else is what the upstream itself says', async () => {
  const { upstream, shared } = cluster(2);
  const [first] = shared;
  if (!first) throw new Error('no member');
  const blob = upstream.addBlob('blob');
  expect([first.settings, first.host, first.health()]).toEqual([
    upstream.settings,
    upstream.host,
    upstream.health(),
  ]);
  const web = parseRepositoryName('web');
  expect([first.repositoryOf(web), first.repositoryOf(web, true)]).toEqual(['library/web', 'web']);
  expect(first.allows(web)).toBe(upstream.allows(web));
  expect(await first.headBlob(repository, blob)).toBe(4);
  const opened = await first.openBlob(repository, blob, { start: 1 });
  expect(String(Buffer.concat(await Array.fromAsync(opened.body)))).toBe('lob');
  await first.close();
});
