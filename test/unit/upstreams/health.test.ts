import nock from 'nock';
import { expect, test } from 'vitest';
import { createKit, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';

async function fail(kit: ReturnType<typeof createKit>, status: number, headers: Record<string, string> = {}) {
  nock(origin).head(path).reply(status, undefined, headers);
  await kit.upstream.headManifest(image, latest).catch(() => undefined);
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
  await expect(kit.upstream.headManifest(image, latest)).rejects.toMatchObject({
    kind: 'unavailable',
    unreachable: true,
    retryAfterMs: 30_000,
    message: 'is not asked for another 30 s: it failed (500)',
  });
  kit.clock.ms += 30_000;
  nock(origin).head(path).delay(50).reply(200);
  const [probe, other] = [kit.upstream.headManifest(image, latest), kit.upstream.headManifest(image, latest)];
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
  expect(kit.log.lines.map((line) => JSON.parse(line).breaker)).toEqual(['open', 'half-open', 'closed']);
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
  nock(origin).head(path).delay(500).reply(200);
  await expect(kit.upstream.headManifest(image, latest, AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
  nock.cleanAll();
  nock(origin).head(path).reply(200);
  await kit.upstream.headManifest(image, latest);
  expect(kit.upstream.health().breaker).toBe('closed');
});

test.each([
  ['seconds', '120', 120_000],
  ['a date', 'Thu, 01 Jan 2026 00:10:00 GMT', 600_000],
  ['a day, of which an hour is believed', '86400', 3_600_000],
  ['nothing, which means the usual time', undefined, 30_000],
])('a registry that limits our rate is left alone for %s', async (_what, retryAfter, ms) => {
  const kit = createKit();
  await fail(kit, 429, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
  expect(kit.upstream.health()).toMatchObject({ breaker: 'open', openUntil: kit.clock.ms + ms });
  await expect(kit.upstream.headManifest(image, latest)).rejects.toMatchObject({
    kind: 'rate-limited',
    retryAfterMs: ms,
    unreachable: false,
    message: `is not asked for another ${ms / 1000} s: it limits our rate (429)`,
  });
});

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
  expect(kit.log.lines.filter((line) => line.includes('rate limit is used up'))).toHaveLength(1);
});

test('what the place a redirect leads to says of its rate limit is not kept', async () => {
  const kit = createKit();
  nock(origin).head(path).reply(307, undefined, { location: 'https://cdn.example.net/x' });
  nock('https://cdn.example.net').head('/x').reply(200, undefined, { 'ratelimit-remaining': '1' });
  await kit.upstream.headManifest(image, latest);
  expect(kit.upstream.health().quota).toBeUndefined();
});
