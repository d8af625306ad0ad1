import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TestApp, type TestAppOptions } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';

const windowMs = 15_000;
const settings = (requests: number, others: Readonly<Record<string, string>> = {}) => ({
  ENTREPOT_RATE_LIMITS__REQUESTS: String(requests),
  ENTREPOT_HTTP__TRUSTED_PROXIES: '127.0.0.1/32',
  ...others,
});

/** A client's address that no other test has. */
function someAddress(): string {
  return `198.18.${randomInt(256)}.${randomInt(256)}`;
}

async function startUpstream(): Promise<FakeRegistry> {
  const upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1' });
  return upstream;
}

describeApp('rate limits', (start) => {
  test('end with their window, and are told to clients of /v2 and /api/v4 in their words', async () => {
    await using upstream = await startUpstream();
    const pulls = { ENTREPOT_RATE_LIMITS__PULLS: '10' };
    await using app = await start({ upstreams: [upstream], environment: settings(10, pulls) });
    app.advance(windowMs);
    const from = { 'x-forwarded-for': someAddress() };
    for (let pull = 0; pull < 10; pull += 1) {
      expect((await app.manifest('team/app', 'v1', { headers: from })).status).toBe(200);
    }
    const refused = await app.manifest('team/app', 'v1', { headers: from });
    expect(refused.status).toBe(429);
    expect(await jsonOf(refused)).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const path = '/virtual_registries/container/registries/1';
    const unmanaged = await app.api('GET', path, undefined, from);
    expect(unmanaged.status).toBe(429);
    expect(await jsonOf(unmanaged)).toEqual({
      message: { error: 'This endpoint has been requested too many times. Try again later.' },
    });
    expect((await app.api('GET', '/groups', undefined, from)).status).toBe(200);
    app.advance(windowMs);
    expect((await app.manifest('team/app', 'v1', { headers: from })).status).toBe(200);
  });

  test('are for those who have no credentials: whoever has some pulls on from the same address', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: settings(10) });
    const from = { 'x-forwarded-for': someAddress() };
    const wrong = { ...from, authorization: 'Bearer wrong' };
    for (let pull = 0; pull < 11; pull += 1) await app.manifest('team/app', 'v1', { headers: wrong });
    for (let pull = 0; pull < 30; pull += 1) {
      expect((await app.manifest('team/app', 'v1', { headers: from })).status).toBe(200);
      // How every client begins.
      const url = `${app.url}/v2/virtual_registries/container/1/team/app/manifests/v1`;
      const unasked = await fetch(url, { headers: from });
      expect(unasked.status).toBe(401);
    }
  });

  test('count those who come with wrong credentials, too', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: settings(10) });
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': someAddress() };
    const statuses: number[] = [];
    for (let pull = 0; pull < 11; pull += 1) {
      statuses.push((await app.manifest('team/app', 'v1', { headers })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
  });
});

const redisUrl = process.env['TEST_REDIS_URL'] || undefined;
const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;

describe.skipIf(!redisUrl || !postgresUrl)('of three processes that share PostgreSQL and Redis', () => {
  async function startThree(options: TestAppOptions): Promise<readonly [TestApp, TestApp, TestApp]> {
    const { url: databaseUrl, drop } = await createDatabase(postgresUrl ?? '');
    onTestFinished(drop);
    const one = await TestApp.start({ ...options, databaseUrl });
    onTestFinished(() => one.close());
    const others = [await one.startAnother(), await one.startAnother()] as const;
    for (const other of others) onTestFinished(() => other.stop());
    return [one, ...others];
  }

  // A database of its own, since users of all tests have the same numbers.
  const shared = { ENTREPOT_SHARED_CACHE__URL: redisUrl ? new URL('/9', redisUrl).href : '' };

  test('what is counted by one process is known to another within two seconds', async () => {
    await using upstream = await startUpstream();
    const [one, other, third] = await startThree({
      upstreams: [upstream],
      environment: settings(400, { ...shared, ENTREPOT_RATE_LIMITS__PULLS: '400' }),
    });
    const headers = { 'x-forwarded-for': someAddress() };
    await other.manifest('team/app', 'v1', { headers });
    for (let pull = 0; pull < 300; pull += 1) {
      expect((await (pull % 2 === 0 ? one : third).manifest('team/app', 'v1', { headers })).status).toBe(200);
    }
    let observed: string | null = null;
    for (let pull = 0; pull < 10 && Number(observed) <= 300; pull += 1) {
      await sleep(200);
      observed = (await other.manifest('team/app', 'v1', { headers })).headers.get('ratelimit-observed');
    }
    expect(Number(observed)).toBeGreaterThan(300);
  });

  test('an account closed to an address by failures at one process is closed at the other', async () => {
    const [one, other, third] = await startThree({ environment: settings(0, shared) });
    const from = someAddress();
    const attempt = async (app: TestApp, guess: number) => {
      const credentials = Buffer.from(`root:guess ${guess}`).toString('base64');
      const headers = { authorization: `Basic ${credentials}`, 'x-forwarded-for': from };
      return (await fetch(`${app.url}/jwt/auth`, { headers })).status;
    };
    for (let guess = 0; guess < 9; guess += 1)
      expect(await attempt(guess < 5 ? one : third, guess)).toBe(401);
    expect(await attempt(other, 10)).toBe(401);
    const statuses: number[] = [];
    // Too few to close it by themselves.
    for (let guess = 11; guess < 18 && !statuses.includes(429); guess += 1) {
      await sleep(1500);
      statuses.push(await attempt(other, guess));
    }
    expect(statuses).toContain(429);
  });
});
