import nock from 'nock';
import { expect, test } from 'vitest';
import type { SharedCache } from '../../../src/cache/shared.ts';
import { UpstreamTokens } from '../../../src/cache/upstream-tokens.ts';
import { Clock, createKit, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';

function sharedBy(
  now: () => number,
): Pick<SharedCache, 'find' | 'remember'> & { readonly known: Map<string, string> } {
  const known = new Map<string, string>();
  const ends = new Map<string, number>();
  return {
    known,
    find: async (key) => ((ends.get(key) ?? 0) > now() ? known.get(key) : undefined),
    async remember(key, value, ttlMs) {
      known.set(key, value);
      ends.set(key, now() + ttlMs);
    },
  };
}

/** Two processes with one upstream. */
function createTwo() {
  const clock = new Clock();
  const shared = sharedBy(clock.now);
  const create = () => createKit({}, { now: clock.now, shared });
  return { one: create(), two: create(), clock, shared };
}

const ask = (kit: ReturnType<typeof createKit>) => kit.upstream.getManifest(image, latest);

test('an upstream that asked one process to stay away is not asked by another, for as long and with the same reason', async () => {
  const { one, two, clock } = createTwo();
  nock(origin).get(path).reply(429, undefined, { 'retry-after': '60' });
  await expect(ask(one)).rejects.toMatchObject({ kind: 'rate-limited' });
  const told = await ask(two).catch((error: unknown) => error);
  expect(told).toMatchObject({ kind: 'rate-limited', retryAfterMs: 60_000, unreachable: false });
  expect(two.upstream.health()).toMatchObject({ breaker: 'open', openUntil: clock.ms + 60_000 });
  clock.ms += 60_000;
  nock(origin).get(path).reply(200, '{}');
  await ask(two);
  expect(two.upstream.health().breaker).toBe('closed');
});

test('of an upstream that failed at one process one failure is enough for another, which asks all the same', async () => {
  const { one, two } = createTwo();
  for (let times = 0; times < 3; times += 1) {
    nock(origin).get(path).reply(500);
    await ask(one).catch(() => undefined);
  }
  expect(one.upstream.health().breaker).toBe('open');
  nock(origin).get(path).reply(200, '{}');
  await ask(two);
  expect(two.upstream.health().breaker).toBe('closed');
  nock(origin).get(path).reply(500);
  await expect(ask(two)).rejects.toMatchObject({ message: 'failed (500)' });
  expect(two.upstream.health().breaker).toBe('open');
});

test('what one process was told of a quota is known to another', async () => {
  const { one, two, clock } = createTwo();
  const limits = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' };
  nock(origin).get(path).reply(200, '{}', limits);
  await ask(one);
  nock(origin).get(path).reply(200, '{}');
  await ask(two);
  expect(two.upstream.health().quota).toEqual({
    limit: 100,
    remaining: 7,
    windowSeconds: 21_600,
    seenAt: clock.ms,
  });
});

test.each(['', 'nonsense', '{"kind":"tired"}', 'null'])(
  'what is told in a way that is not understood is passed over: %j',
  async (text) => {
    const { one, two, shared } = createTwo();
    nock(origin).get(path).reply(429, undefined, { 'retry-after': '60' });
    await ask(one).catch(() => undefined);
    for (const key of shared.known.keys()) shared.known.set(key, text);
    nock(origin).get(path).reply(200, '{}');
    await ask(two);
  },
);

const box = {
  seal: (text: string, name: string) => `${name}|${Buffer.from(text).toString('base64')}`,
  open(sealed: string, name: string) {
    if (!sealed.startsWith(`${name}|`)) throw new Error('sealed for another name');
    return Buffer.from(sealed.slice(name.length + 1), 'base64').toString();
  },
};

function tokensOfTwo() {
  const clock = new Clock();
  const cache = sharedBy(clock.now);
  const create = () => new UpstreamTokens(clock.now, { cache, box });
  let issued = 0;
  const issue = async () => {
    issued += 1;
    return { token: `token ${issued}`.replace(' ', '-'), lifetimeMs: 300_000 };
  };
  return { one: create(), two: create(), cache, clock, issue };
}

test('a token that one process got is used by another until it ends, and is sealed on its way', async () => {
  const { one, two, cache, clock, issue } = tokensOfTwo();
  expect(await one.get('user:password', issue)).toBe('token-1');
  expect(await two.get('user:password', issue)).toBe('token-1');
  expect(await two.get('another', issue)).toBe('token-2');
  expect(JSON.stringify([...cache.known])).not.toMatch(/password|token-1/);
  clock.ms += 270_001;
  expect(await two.get('user:password', issue)).toBe('token-3');
});

test('a token that was not accepted is not taken from others again', async () => {
  const { one, two, issue } = tokensOfTwo();
  await one.get('key', issue);
  expect(await two.get('key', issue)).toBe('token-1');
  two.reject('key', 'token-1');
  expect(await two.get('key', issue)).toBe('token-2');
  one.reject('key', 'token-1');
  expect(await one.get('key', issue)).toBe('token-2');
});

test('a token that was sealed with another key is passed over', async () => {
  const { one, two, cache, issue } = tokensOfTwo();
  await one.get('key', issue);
  for (const [key, value] of cache.known) cache.known.set(key, `x${value}`);
  expect(await two.get('key', issue)).toBe('token-2');
});
