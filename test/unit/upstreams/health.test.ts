import nock from 'nock';
import { expect, test } from 'vitest';
import { createKit, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry(true);

const path = '/v2/team/app/manifests/latest';

async function fail(kit: ReturnType<typeof createKit>, status: number, headers: Record<string, string> = {}) {
  nock(origin).get(path).reply(status, undefined, headers);
  await kit.upstream.getManifest(image, latest).catch(() => undefined);
}

test('a registry that fails three times in a row is not asked for a while, then once, then again', async () => {
  const kit = createKit();
  for (let n = 0; n < 3; n++) await fail(kit, 500);
  expect(kit.upstream.health()).toMatchObject({
    breaker: 'open',
    openUntil: kit.clock.ms + 30_000,
    lastSuccessAt: undefined,
    lastError: { at: kit.clock.ms, message: 'failed (500)' },
  });
  await expect(kit.upstream.getManifest(image, latest)).rejects.toMatchObject({
    kind: 'unavailable',
    unreachable: true,
    retryAfterMs: 30_000,
    message: 'is not asked for another 30 s: it failed (500)',
  });
  kit.clock.ms += 30_000;
  nock(origin).get(path).delay(50).reply(200);
  const [probe, other] = [kit.upstream.getManifest(image, latest), kit.upstream.getManifest(image, latest)];
  await expect(other).rejects.toMatchObject({
    message: 'is not asked while it is being tried again: it failed (500)',
  });
  await probe;
  expect(kit.upstream.health()).toMatchObject({
    breaker: 'closed',
    openUntil: undefined,
    lastSuccessAt: kit.clock.ms,
  });
  expect(kit.observer.breakers).toEqual(['open', 'half-open', 'closed']);
  const told = kit.log.lines.map((line) => JSON.parse(line));
  expect(told.map(({ level, breaker }) => `${level} ${breaker}`)).toEqual([
    'warn open',
    'info half-open',
    'info closed',
  ]);
  expect(told[0]).toMatchObject({ upstream: 7, name: 'seven', reason: 'failed (500)' });
});

test('how long a registry is not asked for yet is said in seconds, and is one at least', async () => {
  const kit = createKit();
  for (let n = 0; n < 3; n++) await fail(kit, 500);
  const asked = () => kit.upstream.getManifest(image, latest);
  kit.clock.ms += 27_400;
  await expect(asked()).rejects.toMatchObject({
    retryAfterMs: 2600,
    message: 'is not asked for another 3 s: it failed (500)',
  });
  kit.clock.ms += 2500;
  await expect(asked()).rejects.toMatchObject({
    retryAfterMs: 1000,
    message: 'is not asked for another 1 s: it failed (500)',
  });
  kit.clock.ms += 100;
  nock(origin).get(path).delay(50).reply(200);
  const [probe, other] = [asked(), asked()];
  await expect(other).rejects.toMatchObject({ retryAfterMs: 1000 });
  await probe;
});

test('requests that are not sent are not told, others with the seconds they took', async () => {
  const kit = createKit({}, { breakerFailures: 1 });
  const answer = (status: number, ms: number) =>
    nock(origin)
      .get(path)
      .reply(() => {
        kit.clock.ms += ms;
        return [status];
      });
  answer(200, 250);
  await kit.upstream.getManifest(image, latest);
  answer(500, 1500);
  for (let n = 0; n < 3; n++) await kit.upstream.getManifest(image, latest).catch(() => undefined);
  expect(kit.observer.requests).toEqual(['manifest ok', 'manifest unavailable']);
  expect(kit.observer.seconds).toEqual([0.25, 1.5]);
});

test('what a registry has not is no error of it, what else it answers is its last one', async () => {
  const kit = createKit();
  await fail(kit, 404);
  expect(kit.upstream.health()).toMatchObject({ lastError: undefined, lastSuccessAt: undefined });
  await fail(kit, 400);
  kit.clock.ms += 1000;
  await fail(kit, 404);
  expect(kit.upstream.health().lastError).toEqual({
    at: kit.clock.ms - 1000,
    message: expect.stringMatching(/^gave an answer that makes no sense here \(400\)/),
  });
});

test('an answer of not found, unauthorized or nonsense does not open the breaker, and ends a row of failures', async () => {
  const kit = createKit();
  for (const status of [500, 500, 404, 500, 500, 401, 500, 500, 400, 500, 500]) await fail(kit, status);
  expect(kit.upstream.health().breaker).toBe('closed');
});

test('a request that was given up half-open lets the next one try', async () => {
  const kit = createKit();
  for (let n = 0; n < 3; n++) await fail(kit, 500);
  kit.clock.ms += 30_000;
  nock(origin).get(path).delay(500).reply(200);
  await expect(kit.upstream.getManifest(image, latest, AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
  expect(kit.upstream.health()).toMatchObject({ breaker: 'open', lastError: { message: 'failed (500)' } });
  nock.cleanAll();
  nock(origin).get(path).reply(200);
  await kit.upstream.getManifest(image, latest);
  expect(kit.upstream.health().breaker).toBe('closed');
});

test.each([
  ['seconds', '120', 120_000],
  ['a date', 'Thu, 01 Jan 2026 00:10:00 GMT', 600_000],
  ['a day, of which an hour is believed', '86400', 3_600_000],
  ['nothing, which means the usual time', undefined, 30_000],
  ['nonsense, which means the usual time', '-1', 30_000],
])('a registry that limits our rate is left alone for %s', async (_what, retryAfter, ms) => {
  const kit = createKit();
  await fail(kit, 429, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
  expect(kit.upstream.health()).toMatchObject({ breaker: 'open', openUntil: kit.clock.ms + ms });
  await expect(kit.upstream.getManifest(image, latest)).rejects.toMatchObject({
    kind: 'rate-limited',
    retryAfterMs: ms,
    unreachable: false,
    message: `is not asked for another ${ms / 1000} s: it limits our rate (429)`,
  });
});

test.each([
  ['seconds', '120', 120_000],
  ['a date', 'Thu, 01 Jan 2026 00:10:00 GMT', 600_000],
  ['a day, of which an hour is believed', '86400', 3_600_000],
  ['no time', '0', 0],
  ['nonsense', '-1', undefined],
  ['nothing', undefined, undefined],
])(
  'a registry that is not available says for how long by %s, and is left alone only after some failures',
  async (_what, retryAfter, retryAfterMs) => {
    const kit = createKit();
    nock(origin)
      .get(path)
      .reply(503, undefined, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    await expect(kit.upstream.getManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
      status: 503,
      retryAfterMs,
    });
    expect(kit.upstream.health().breaker).toBe('closed');
  },
);

test('what the registry says of its rate limit is kept, and told once where it is used up', async () => {
  const kit = createKit();
  const said = (remaining: number) => ({
    'RateLimit-Limit': '100;w=21600',
    'ratelimit-remaining': `${remaining};w=21600`,
  });
  await fail(kit, 200, said(1));
  await fail(kit, 404, said(0));
  await fail(kit, 200, said(0));
  const quota = { limit: 100, remaining: 0, windowSeconds: 21600, seenAt: kit.clock.ms };
  expect(kit.upstream.health().quota).toEqual(quota);
  expect(kit.observer.quotas.map(({ remaining }) => remaining)).toEqual([1, 0, 0]);
  const warned = () => kit.log.lines.filter((line) => line.includes('rate limit is used up')).length;
  expect(warned()).toBe(1);
  await fail(kit, 200, said(1));
  await fail(kit, 200);
  expect(kit.upstream.health().quota?.remaining).toBe(1);
  await fail(kit, 200, said(0));
  expect(warned()).toBe(2);
});

test('a rate limit that is used up is told though nothing was known of it', async () => {
  const kit = createKit();
  await fail(kit, 200, { 'ratelimit-remaining': '0' });
  expect(kit.log.lines).toHaveLength(1);
});

test('what the place a redirect leads to says of its rate limit is not kept', async () => {
  const kit = createKit();
  nock(origin).get(path).reply(307, undefined, { location: 'https://cdn.example.net/x' });
  nock('https://cdn.example.net').get('/x').reply(200, undefined, { 'ratelimit-remaining': '1' });
  await kit.upstream.getManifest(image, latest);
  expect(kit.upstream.health().quota).toBeUndefined();
});
