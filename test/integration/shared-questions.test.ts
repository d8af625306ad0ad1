import { expect, onTestFinished, test, vi } from 'vitest';
import { parseReference, parseRepositoryName } from '../../src/oci/reference.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';
import type { Upstream } from '../../src/upstreams/upstream.ts';
import { openSqlite } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage } from '../support/fake-content.ts';
import { FakeUpstream } from '../support/fake-upstream.ts';
import { startMember } from '../support/fill-member.ts';

const repository = parseRepositoryName('library/web');
const tag = parseReference('v1');

/** Processes that have the same upstream; which of them asks it is none of the tests' business. */
async function startMembers(count: number) {
  const database = await openSqlite(() => Date.UTC(2026, 0, 1));
  const upstream = new FakeUpstream({ id: 7, updatedAt: 3 });
  const image = fakeImage();
  upstream.add(image, 'v1', 'v2');
  const known = new Map<number, Upstream>([[7, upstream]]);
  const members = [];
  for (let index = 0; index < count; index += 1)
    members.push(await startMember({ database, stored: new Map(), upstreams: known }));
  const shared = members.map(({ cluster }) => cluster.upstreams.share(upstream));
  return { upstream, image, members, shared, known };
}

/** What is remembered for a moment stays so until the test ends. */
function stopTime(): void {
  const time = vi.spyOn(performance, 'now').mockReturnValue(1);
  onTestFinished(() => time.mockRestore());
}

test.each(['HEAD manifest', 'GET manifest', 'tags', 'referrers'] as const)(
  'processes that ask the same at once ask once: %s',
  async (question) => {
    stopTime();
    const { upstream, image, members, shared } = await startMembers(3);
    const release = upstream.hold(question);
    const ask = (each: Upstream): Promise<unknown> => {
      if (question === 'HEAD manifest') return each.headManifest(repository, tag);
      if (question === 'GET manifest') return each.getManifest(repository, tag);
      if (question === 'tags') return each.listTags(repository);
      return each.listReferrers(repository, image.digest);
    };
    upstream.referrers.set(image.digest, [
      { mediaType: 'a/b', digest: image.digest, size: 1, artifactType: 'c/d', annotations: { e: 'f' } },
      { mediaType: 'a/b', digest: image.digest, size: 2 },
    ]);
    const asked = Promise.all(shared.map(ask));
    // Two of the three ask the third.
    await eventually(() =>
      expect(members.map(({ requests }) => requests.questions).toSorted()).toEqual([0, 0, 2]),
    );
    release();
    const answers = await asked;
    expect(upstream.asked).toHaveLength(1);
    // What came over the network is what the upstream said.
    const own = await ask(upstream);
    for (const answer of answers) expect(answer).toEqual(own);
    // Who asks a moment later is told as well.
    expect(await Promise.all(shared.map(ask))).toEqual(answers);
    expect(upstream.asked).toHaveLength(2);
  },
);

test('an upstream fails for all in the same way', async () => {
  const { upstream, shared } = await startMembers(2);
  const failure = new OutboundError('rate-limited', 'limits us', {
    status: 429,
    retryAfterMs: 60_000,
    refusesCredentials: true,
  });
  upstream.fail(failure, 'HEAD manifest');
  for (const each of shared) {
    const error = await each.headManifest(repository, tag).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutboundError);
    expect({ ...(error as object) }).toEqual({ ...failure });
    expect(String(error)).toBe(String(failure));
  }
  upstream.recover();
  // It is not remembered.
  for (const each of shared) expect(await each.headManifest(repository, tag)).toMatchObject({});
});

test('another reference, another image and another upstream are other questions', async () => {
  const { upstream, shared } = await startMembers(2);
  for (const each of shared) {
    await each.headManifest(repository, tag);
    await each.headManifest(repository, parseReference('v2'));
    await each.headManifest(parseRepositoryName('library/other'), tag);
    await each.getManifest(repository, tag);
  }
  expect(new Set(upstream.asked).size).toBe(3);
  expect(upstream.asked.length).toBeGreaterThanOrEqual(4);
});

test('a process that does not know the upstream as it is now is not believed: who wants to know asks', async () => {
  const { upstream, shared, known } = await startMembers(2);
  known.set(7, new FakeUpstream({ id: 7, updatedAt: 2 }));
  for (const each of shared) expect(await each.listTags(repository)).toEqual(['v1', 'v2']);
  known.delete(7);
  for (const each of shared)
    expect(await each.getManifest(repository, tag)).toMatchObject({ etag: undefined });
  expect(new Set(upstream.asked)).toEqual(new Set(['tags', 'GET manifest v1']));
});

test('a process that has died keeps nobody from asking', async () => {
  const { shared, members } = await startMembers(2);
  const [first, second] = shared;
  await members[1]?.die();
  for (const reference of ['v1', 'v2'])
    expect(await first?.getManifest(repository, parseReference(reference))).toMatchObject({
      etag: undefined,
    });
  await members[0]?.die();
  expect(await second?.listTags(repository)).toEqual(['v1', 'v2']);
});

test('a question that nobody waits for any more is given up, in whichever process', async () => {
  const { upstream, shared } = await startMembers(2);
  const release = upstream.hold('GET manifest');
  const leaving = new AbortController();
  const asked = Promise.allSettled(shared.map((each) => each.getManifest(repository, tag, leaving.signal)));
  await eventually(() => expect(upstream.asked).toEqual(['GET manifest v1']));
  leaving.abort(new Error('left'));
  for (const result of await asked)
    expect(result).toMatchObject({ status: 'rejected', reason: { message: 'left' } });
  await eventually(() => expect(upstream.abandoned).toBe(1));
  release();
});

test('a process without others asks as ever', async () => {
  const { upstream, shared, members } = await startMembers(1);
  const [only] = shared;
  await Promise.all([only?.listTags(repository), only?.listTags(repository)]);
  expect(upstream.asked).toEqual(['tags', 'tags']);
  expect(members[0]?.requests.questions).toBe(0);
});
