import { describe, expect, test } from 'vitest';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { notFoundMs, nth, settled, startProxy } from './proxy-kit.ts';

const one = fakeImage({ architecture: 'amd64' });
const two = fakeImage({ architecture: 'arm64' });

const startWith = (count: number) => startProxy({ upstreams: Array.from({ length: count }, () => ({})) });

describe('upstreams that are asked for a manifest', () => {
  test('are probed together, and the first in their order that has it is fetched from, not the quickest', async () => {
    const { upstreams, manifest } = await startWith(2);
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    first.add(one, 'v1');
    second.add(two, 'v1');
    const letGo = first.hold('HEAD manifest');
    const pulled = manifest('v1');
    await settled();
    expect([...first.asked, ...second.asked]).toEqual(['HEAD manifest v1', 'HEAD manifest v1']);
    letGo();
    expect((await pulled).digest).toBe(one.digest);
    expect(second.asked).toEqual(['HEAD manifest v1']);
  });

  test('give way to the next one as soon as those before have said no, whatever those below say', async () => {
    const { upstreams, manifest } = await startWith(3);
    nth(upstreams, 1).add(one, 'v1');
    const letGo = nth(upstreams, 2).hold('HEAD manifest');
    expect((await manifest('v1')).digest).toBe(one.digest);
    expect(nth(upstreams, 0).asked).toEqual(['HEAD manifest v1']);
    letGo();
  });

  test('are at most five at once, and no more of them than it takes', async () => {
    const { upstreams, manifest } = await startWith(7);
    const first = nth(upstreams, 0);
    first.add(one, 'v1');
    const letGo = upstreams.map((upstream) => upstream.hold('HEAD manifest'));
    const pulled = manifest('v1');
    await settled();
    expect(upstreams.map(({ asked }) => asked.length)).toEqual([1, 1, 1, 1, 1, 0, 0]);
    nth(letGo, 0)();
    expect((await pulled).digest).toBe(one.digest);
    await settled();
    // The sixth came next; once there is an answer, nobody comes any more, and nobody is waited for.
    expect(upstreams.map(({ abandoned }) => abandoned)).toEqual([0, 1, 1, 1, 1, 1, 0]);
    for (const each of letGo) each();
    await settled();
    expect(upstreams.map(({ asked }) => asked.length)).toEqual([2, 1, 1, 1, 1, 1, 0]);
  });

  test.each(['unavailable', 'rate-limited', 'unauthorized', 'invalid', 'not-found'] as const)(
    'give way to the next one where one fails by HEAD or by GET (%s)',
    async (kind) => {
      for (const question of ['HEAD manifest', 'GET manifest'] as const) {
        const { upstreams, manifest } = await startWith(2);
        nth(upstreams, 0).add(one, 'v1');
        nth(upstreams, 0).fail(kind, question);
        nth(upstreams, 1).add(two, 'v1');
        expect(await manifest('v1')).toMatchObject({ digest: two.digest, outcome: 'miss' });
      }
    },
  );

  test('are all named where none has it', async () => {
    const { manifest } = await startWith(2);
    await expect(manifest('v1')).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      detail: expect.stringMatching(/'v1'.*upstream 1.*upstream 2/),
    });
  });

  test.each(['HEAD manifest', 'GET manifest'] as const)('fail with a bug (%s)', async (question) => {
    const { upstream, manifest } = await startWith(1);
    upstream.add(one, 'v1');
    upstream.fail(new TypeError('a bug'), question);
    await expect(manifest('v1')).rejects.toThrow('a bug');
  });

  test('are told that the client has left, and nothing more is asked of them', async () => {
    const { upstream, manifest } = await startWith(1);
    upstream.add(one, 'v1');
    const letGo = upstream.hold('HEAD manifest');
    const leaving = new AbortController();
    const pulled = manifest('v1', leaving.signal);
    await settled();
    leaving.abort(new Error('left'));
    await expect(pulled).rejects.toThrow('left');
    await settled();
    expect(upstream.abandoned).toBe(1);
    letGo();
    await settled();
    expect(upstream.asked).toEqual(['HEAD manifest v1']);
  });

  test('are asked nothing more where the client leaves as they answer', async () => {
    const { upstream, manifest } = await startWith(1);
    upstream.add(one, 'v1');
    const leaving = new AbortController();
    upstream.headManifest = async () => {
      leaving.abort(new Error('left'));
      await settled();
      return { digest: one.digest };
    };
    await expect(manifest('v1', leaving.signal)).rejects.toThrow('left');
    await settled();
    await settled();
    expect(upstream.asked).toEqual([]);
  });
});

describe('GET has the last word', () => {
  test.each(['not-found', 'unauthorized', 'unavailable', 'invalid'] as const)(
    'where HEAD says no at every upstream (%s): in their order, until one has it',
    async (kind) => {
      const { upstreams, manifest, clock } = await startWith(3);
      for (const upstream of upstreams) upstream.fail(kind, 'HEAD manifest');
      nth(upstreams, 1).add(one, 'v1');
      expect(await manifest('v1')).toMatchObject({ digest: one.digest, outcome: 'miss' });
      expect(upstreams.map(({ asked }) => asked.length)).toEqual([2, 2, 1]);
      // What HEAD alone denied is not remembered as absent.
      clock.now += 1;
      nth(upstreams, 2).add(two, 'v2');
      expect((await manifest('v2')).digest).toBe(two.digest);
    },
  );

  test('and is not asked for where HEAD says yes at any upstream', async () => {
    const { upstreams, manifest } = await startWith(3);
    nth(upstreams, 2).add(one, 'v1');
    expect((await manifest('v1')).digest).toBe(one.digest);
    expect(upstreams.map(({ asked }) => asked)).toEqual([
      ['HEAD manifest v1'],
      ['HEAD manifest v1'],
      ['HEAD manifest v1', 'GET manifest v1'],
    ]);
  });

  test('but is not asked for where nobody was reached, or where we are to stay away', async () => {
    for (const error of [
      new OutboundError('rate-limited', 'limits our rate'),
      new OutboundError('unavailable', 'refused the connection', { unreachable: true }),
      new OutboundError('unavailable', 'was not asked', { busy: true }),
    ]) {
      const { upstream, manifest } = await startWith(1);
      upstream.add(one, 'v1');
      upstream.fail(error, 'HEAD manifest');
      await expect(manifest('v1')).rejects.toThrow(error.message);
      expect(upstream.asked).toEqual(['HEAD manifest v1']);
    }
  });

  test('in its words: what GET says is what is told', async () => {
    const { upstream, manifest } = await startWith(1);
    upstream.fail('unauthorized', 'HEAD manifest');
    upstream.fail('rate-limited', 'GET manifest');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' });
  });
});

describe('an upstream that has not found a manifest', () => {
  test('is not asked again for a while', async () => {
    const { upstream, manifest, clock } = await startWith(1);
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    upstream.add(one, 'v1');
    clock.now += notFoundMs - 1;
    const detail = expect.stringMatching(/was not found.*moment ago/);
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN', detail });
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
    clock.now += 1;
    expect((await manifest('v1')).outcome).toBe('miss');
  });

  test('by GET only is not asked again either', async () => {
    const { upstream, manifest } = await startWith(1);
    upstream.add(one, 'v1');
    upstream.fail('not-found', 'GET manifest');
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    await expect(manifest('v1')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(upstream.asked).toEqual(['HEAD manifest v1', 'GET manifest v1']);
  });

  test('is asked for other manifests, and the others for this one', async () => {
    const { upstreams, manifest } = await startWith(2);
    const [first, second] = [nth(upstreams, 0), nth(upstreams, 1)];
    first.add(two, 'v2');
    second.add(one, 'v1');
    expect((await manifest('v1')).digest).toBe(one.digest);
    expect((await manifest('v2')).digest).toBe(two.digest);
    expect(first.asked).toEqual(['HEAD manifest v1', 'HEAD manifest v2', 'GET manifest v2']);
  });

  test.each(['unavailable', 'rate-limited', 'unauthorized', 'invalid'] as const)(
    'is another one than one that failed, which is asked by the next pull (%s)',
    async (kind) => {
      for (const question of ['HEAD manifest', 'GET manifest'] as const) {
        const { upstream, manifest } = await startWith(1);
        upstream.add(one, 'v1');
        upstream.fail(kind, question, 'GET manifest');
        await expect(manifest('v1')).rejects.toThrow();
        upstream.recover();
        expect((await manifest('v1')).outcome).toBe('miss');
      }
    },
  );
});
