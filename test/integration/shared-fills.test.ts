import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { FakeUpstream } from '../support/fake-upstream.ts';
import { type MemberOptions, startMember } from '../support/fill-member.ts';
import { OpenBody } from '../support/open-body.ts';

const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));
const digest = digestOf(bytes);
const repository = parseRepositoryName('library/web');
const third = 33_000;

/** An upstream that has the blob, and as what each process has it as a source. */
function upstreamAt(url: string, id = 1) {
  const upstream = new FakeUpstream({ id, url });
  upstream.addBlob(bytes);
  return { upstream, source: { groupId: 1, repository, upstream } };
}

/** A body of which a third has come. */
function begun(upstream: FakeUpstream): OpenBody {
  const body = new OpenBody();
  body.give(bytes.subarray(0, third));
  upstream.bodies.push(() => body);
  return body;
}

function giveRest(body: OpenBody): void {
  body.give(bytes.subarray(third));
  body.give(undefined);
}

describeEachDatabase('fills of several processes', (open, { clock }) => {
  const startMembers = async (count: number, options: Partial<MemberOptions> = {}) => {
    const database = await open();
    const stored = new Map<Digest, Buffer>();
    const start = (more: Partial<MemberOptions> = {}) =>
      startMember({ database, stored, ...options, ...more });
    const members = [];
    for (let index = 0; index < count; index += 1) members.push(await start());
    const [one, two = one, three = two] = members;
    if (!one || !two || !three) throw new Error('no members');
    return { database, stored, one, two, three, start };
  };
  /** Follows it, and has its first bytes. */
  const untilFollowing = (member: { spools: { length: number }[] }) =>
    eventually(() => expect(member.spools.at(-1)?.length).toBeGreaterThan(0));

  test('are one at the upstream, and one copy', async () => {
    const { one, two, three, database } = await startMembers(3);
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    const first = one.pull(digest, [source]);
    await untilFollowing(one);
    const others = [two.pull(digest, [source]), three.pull(digest, [source])];
    // From the first byte on, while it grows.
    await untilFollowing(two);
    await untilFollowing(three);
    giveRest(body);
    expect(await Promise.all([first, ...others])).toEqual(['fetched', 'followed', 'followed']);
    expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    await eventually(() => expect(one.published).toEqual([{ digest, sources: [source] }]));
    await Promise.all([
      two.fills.close(new AbortController().signal),
      three.fills.close(new AbortController().signal),
    ]);
    expect([...two.published, ...three.published]).toEqual([]);
    expect(await isLeased(database)).toBe(false);
  });

  test('are not written of while there is no other process', async () => {
    const { one, database, stored } = await startMembers(1);
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    const pulled = one.pull(digest, [source]);
    await untilFollowing(one);
    expect(await isLeased(database)).toBe(false);
    giveRest(body);
    expect(await pulled).toBe('fetched');
    await eventually(() => expect(stored.has(digest)).toBe(true));
  });

  test('whose process dies go on at one other, where they stopped', async () => {
    const { one, two, three } = await startMembers(3);
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    const left = one.pull(digest, [source]);
    await untilFollowing(one);
    const others = [two.pull(digest, [source]), three.pull(digest, [source])];
    await untilFollowing(two);
    await untilFollowing(three);
    one.die();
    expect(await Promise.all(others)).toEqual(['followed', 'followed']);
    const [first, second, ...more] = upstream.asked;
    expect([first, more]).toEqual([`GET blob ${digest} 0-`, []]);
    expect(second).toMatch(new RegExp(`^GET blob ${digest} [1-9][0-9]*-$`));
    await eventually(() => expect([...two.published, ...three.published]).toHaveLength(1));
    // It lives all the same, and finds that its lease is lost.
    giveRest(body);
    expect(await left).toBe('fetched');
    await one.fills.close(new AbortController().signal);
    expect(one.published).toEqual([]);
  });

  test('whose lease was lost are not kept by who had it', async () => {
    const { one, two, stored } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    const slow = begun(upstream);
    const first = one.pull(digest, [source]);
    await untilFollowing(one);
    // Its renewals do not come through, and it cannot be reached.
    clock.now += 15_000;
    expect(await two.pull(digest, [source])).toBe('fetched');
    await eventually(() => expect(two.published).toHaveLength(1));
    stored.clear();
    giveRest(slow);
    expect(await first).toBe('fetched');
    await one.fills.close(new AbortController().signal);
    // The one that took the lease is over, too, so that nobody has it: nobody is known to have kept the blob.
    expect(one.published).toEqual([]);
  });

  test('that fail fail for all, without another request', async () => {
    const { one, two } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    const release = upstream.hold('GET blob');
    upstream.fail('unavailable', 'GET blob');
    const first = one.pull(digest, [source]);
    await eventually(() => expect(upstream.asked).toHaveLength(1));
    const second = two.pull(digest, [source]);
    await eventually(() => expect(two.spools).toHaveLength(1));
    setImmediate(release);
    const failures = await Promise.allSettled([first, second]);
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    // The second may come once the first is over: then it asks by itself.
    expect(upstream.asked.length).toBeLessThanOrEqual(2);
  });

  test('that break off for good fail for those who follow, as for those before', async () => {
    const { one, two } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    const both = [one.pull(digest, [source])];
    await untilFollowing(one);
    both.push(two.pull(digest, [source]));
    await untilFollowing(two);
    upstream.fail('invalid', 'GET blob');
    body.give(new OutboundError('invalid', 'sent nonsense'));
    const failures = await Promise.allSettled(both);
    expect(failures).toMatchObject([
      { status: 'rejected', reason: { code: 'UNAVAILABLE', status: 502 } },
      { status: 'rejected', reason: { code: 'UNAVAILABLE', status: 502 } },
    ]);
    expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
  });

  test('are given to nobody who has no right to them', async () => {
    const { one, two, stored } = await startMembers(2);
    const a = upstreamAt('https://a.test', 1);
    const refusing = upstreamAt('https://a.test', 2);
    refusing.upstream.blobs.clear();
    const elsewhere = upstreamAt('https://b.test', 3);
    const body = begun(a.upstream);
    const first = one.pull(digest, [a.source]);
    await untilFollowing(one);
    // Of the same origin, whose HEAD says no; the blob is at another.
    expect(await two.pull(digest, [refusing.source, elsewhere.source])).toBe('fetched');
    expect(refusing.upstream.asked).toEqual([`HEAD blob ${digest}`, `GET blob ${digest} 0-`]);
    expect(elsewhere.upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    await eventually(() => expect(stored.has(digest)).toBe(true));
    giveRest(body);
    expect(await first).toBe('fetched');
  });

  test('are linked for another upstream of the same origin by the process that asked it', async () => {
    const { one, two } = await startMembers(2);
    const a = upstreamAt('https://a.test', 1);
    const twin = upstreamAt('https://a.test', 2);
    const body = begun(a.upstream);
    const first = one.pull(digest, [a.source]);
    await untilFollowing(one);
    const second = two.pull(digest, [twin.source]);
    await untilFollowing(two);
    giveRest(body);
    expect(await Promise.all([first, second])).toEqual(['fetched', 'followed']);
    expect(twin.upstream.asked).toEqual([`HEAD blob ${digest}`]);
    await eventually(() => expect(two.published).toEqual([{ digest, sources: [twin.source] }]));
  });

  test('of a blob that was stored a moment ago are looked for in the store', async () => {
    const { one, two, stored } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    expect(await one.pull(digest, [source])).toBe('fetched');
    await eventually(() => expect(stored.has(digest)).toBe(true));
    await eventually(async () => expect(await two.pull(digest, [source])).toBe('look-again'));
    expect(upstream.asked).toHaveLength(1);
  });

  test.each(['nobody listens', 'nobody answers'] as const)(
    'go on alone, at once, where %s at the address of who has the lease',
    async (how) => {
      const { two, database, stored } = await startMembers(2, {
        reachMs: how === 'nobody answers' ? 100 : 60_000,
      });
      const silent = createServer(() => undefined);
      onTestFinished(() => void silent.close());
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const address = silent.address();
      const port = typeof address === 'object' ? address?.port : 0;
      if (how === 'nobody listens') await new Promise((resolve) => silent.close(resolve));
      const { upstream, source } = upstreamAt('https://a.test');
      const dead = { owner: 'dead', address: `127.0.0.1:${port}` };
      await database.fillLeases.take(`https://a.test ${digest}`, dead, 3_600_000);
      expect(await two.pull(digest, [source])).toBe('fetched');
      expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
      await eventually(() => expect(stored.has(digest)).toBe(true));
    },
  );

  test('are not shared with who has another secret key', async () => {
    const { one, start } = await startMembers(1);
    const stranger = await start({ key: Buffer.alloc(32, 2) });
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    await one.cluster.start();
    const first = one.pull(digest, [source]);
    await untilFollowing(one);
    expect(await stranger.pull(digest, [source])).toBe('fetched');
    giveRest(body);
    expect(await first).toBe('fetched');
    expect(upstream.asked).toHaveLength(2);
  });

  test('go on where the one that has the lease has no room for the bytes', async () => {
    const { one, two, stored } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    const first = one.pull(digest, [source]).catch(() => 'uncached');
    await untilFollowing(one);
    const second = two.pull(digest, [source]);
    await untilFollowing(two);
    one.spools.at(-1)?.fill();
    body.give(bytes.subarray(third));
    expect(await second).toBe('followed');
    await eventually(() => expect(two.published).toHaveLength(1));
    expect(stored.has(digest)).toBe(true);
    await first;
  });

  test('are waited for no longer than a process that stops has time', async () => {
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const { one, start } = await startMembers(1, { tools: { publish: () => kept } });
    const two = await start();
    const { upstream, source } = upstreamAt('https://a.test');
    const body = begun(upstream);
    await one.cluster.start();
    const first = one.pull(digest, [source]);
    await untilFollowing(one);
    const second = two.pull(digest, [source]);
    await untilFollowing(two);
    giveRest(body);
    expect(await Promise.all([first, second])).toEqual(['fetched', 'followed']);
    // All clients have their bytes; what becomes of them is not said yet.
    await two.fills.close(AbortSignal.abort());
    expect(two.published).toEqual([]);
    keep();
  });

  test('go on without the records of leases', async () => {
    const { two, database } = await startMembers(2);
    const { upstream, source } = upstreamAt('https://a.test');
    database.fillLeases.take = () => Promise.reject(new Error('the database is away'));
    expect(await two.pull(digest, [source])).toBe('fetched');
    expect(upstream.asked).toHaveLength(1);
  });
});

async function isLeased({ fillLeases }: Database): Promise<boolean> {
  const key = `https://a.test ${digest}`;
  const found = await fillLeases.take(key, { owner: 'looker', address: 'nowhere:1' }, 1);
  if (found?.isTaken) await fillLeases.release(found.lease);
  return found?.isTaken === false;
}
