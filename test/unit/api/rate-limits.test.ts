import Koa from 'koa';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { answerErrors } from '../../../src/api/errors.ts';
import { RateLimits } from '../../../src/api/rate-limits.ts';
import { mountEndpoints } from '../../../src/api/rest/router.ts';
import type { RequestState } from '../../../src/api/state.ts';
import { anonymous, type Identity, type UserIdentity } from '../../../src/auth/rights/identity.ts';
import { RateCounter } from '../../../src/cache/rate-counter.ts';
import { endpoint } from '../../../src/management/endpoint/endpoint.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type Answer, ask } from './ask.ts';

const start = Date.UTC(2026, 2, 4);
const manifest = '/v2/virtual_registries/container/1/library/alpine/manifests/latest';
const registries = '/api/v4/virtual_registries/container/registries/1';

let now: number;
let address: string;
let identity: Identity;
let app: Koa<RequestState>;

const user = (userId: number, tokenId?: number): UserIdentity => ({
  kind: 'user',
  userId,
  username: `user${userId}`,
  isAdmin: false,
  scopes: tokenId === undefined ? 'all' : ['api'],
  ...(tokenId !== undefined && { tokenId }),
});

/** Four requests in fifteen seconds, on /v2 and /api/v4. */
function serve(requests = 4, pulls = requests): Koa<RequestState> {
  const counter = new RateCounter({ name: 'requests', windowMs: 15_000, shared: undefined, now: () => now });
  const limits = new RateLimits({ counter, requests, pulls, seconds: 15, now: () => now });
  const served = new Koa<RequestState>();
  served.use((ctx, next) => {
    ctx.state.log = silentLog;
    ctx.state.address = address;
    return next();
  });
  served.use(answerErrors);
  const path = '/virtual_registries/container/registries/1';
  const group = endpoint({
    method: 'GET',
    path: '/groups/1',
    summary: 'Another',
    status: 200,
    response: z.object({ id: z.int() }),
    handle: async () => ({ id: 1 }),
  });
  const found = endpoint({
    method: 'GET',
    path,
    summary: 'One',
    status: 200,
    response: z.object({ id: z.int() }),
    handle: async () => ({ id: 1 }),
  });
  served.use(
    mountEndpoints([found, group], {
      authenticator: { authenticate: async () => (identity.kind === 'user' ? identity : user(1)) },
      applicationSettings: { readOnlyReason: async () => undefined, offReason: async () => undefined },
      names: { numbered: async (_kinds, given) => given },
      rateLimit: limits.rest,
    }),
  );
  served.use((ctx) => {
    limits.registry(ctx)(identity);
    ctx.body = 'served';
  });
  return served;
}

beforeEach(() => {
  now = start;
  address = '192.0.2.7';
  identity = user(1);
  app = serve();
});

async function pull(times: number, path = manifest): Promise<Answer> {
  for (let time = 1; time < times; time += 1) expect((await ask(app, path)).status).toBe(200);
  return ask(app, path);
}

describe('virtual registries on /v2', () => {
  test('refuse in OCI words what is over the limit, and say when to come again', async () => {
    identity = anonymous;
    await pull(4);
    now += 5000;
    const { status, headers, body } = await pull(1);
    expect(status).toBe(429);
    expect(JSON.parse(body)).toEqual({
      errors: [
        {
          code: 'TOOMANYREQUESTS',
          message: expect.stringMatching(/from your address.*4 in 15 seconds.*again in 10 seconds/),
        },
      ],
    });
    expect(headers).toMatchObject({
      'retry-after': '10',
      ratelimit: '"address";r=0;t=10',
      'ratelimit-policy': '"address";q=4;w=15',
      'ratelimit-limit': '4',
      'ratelimit-observed': '5',
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(start / 1000 + 15),
    });
    now += 10_000;
    expect((await pull(1)).status).toBe(200);
  });

  test('say how much is left from half on, and nothing before that', async () => {
    expect((await pull(2)).headers).not.toHaveProperty('ratelimit');
    expect((await pull(1)).headers).toMatchObject({ 'ratelimit-remaining': '1', 'ratelimit-observed': '3' });
    expect((await pull(1)).headers).not.toHaveProperty('retry-after');
  });

  test('count a user wherever they come from, with whatever they come', async () => {
    const token = { kind: 'registry-token', subject: 'user1', access: [], refused: [] } as const;
    const bearer: Identity = { ...token, principal: { kind: 'user', userId: 1, tokenId: 7 } };
    for (const [index, each] of [user(1), user(1, 7), bearer, user(1, 8)].entries()) {
      identity = each;
      address = `192.0.2.${index}`;
      expect((await pull(1)).status).toBe(200);
    }
    address = '192.0.2.99';
    const refused = await pull(1);
    expect(refused).toMatchObject({ status: 429, headers: { ratelimit: '"identity";r=0;t=15' } });
    expect(refused.body).toMatch(/with your credentials/);
    identity = user(2);
    expect((await pull(1)).status).toBe(200);
  });

  test('count all of an address who are nobody, and nobody who is somebody', async () => {
    identity = anonymous;
    await pull(4);
    expect((await pull(1)).status).toBe(429);
    for (const userId of [1, 2, 3, 4]) {
      identity = user(userId);
      expect((await pull(1)).status).toBe(200);
    }
    address = '192.0.2.8';
    identity = anonymous;
    expect((await pull(4)).status).toBe(200);
  });

  test('let whoever has credentials pull as much as they like, unless there is a limit for that', async () => {
    app = serve(4, 0);
    expect((await pull(99)).headers).not.toHaveProperty('ratelimit');
    app = serve(0, 4);
    await pull(4);
    expect(await pull(1)).toMatchObject({
      status: 429,
      headers: { 'ratelimit-policy': '"identity";q=4;w=15' },
    });
    identity = anonymous;
    expect((await pull(99)).headers).not.toHaveProperty('ratelimit');
  });

  test('take the /64 of an IPv6 address for one client', async () => {
    identity = anonymous;
    for (let host = 1; host <= 4; host += 1) {
      address = `2001:db8::${host}`;
      expect((await pull(1)).status).toBe(200);
    }
    address = '2001:db8::9:9:9:9';
    expect((await pull(1)).status).toBe(429);
    address = '2001:db8:0:1::1';
    expect((await pull(1)).status).toBe(200);
  });
});

describe('virtual registries on /api/v4', () => {
  const token = { headers: { 'private-token': 'x' } };

  test("refuse in GitLab's words, counted together with pulls", async () => {
    identity = anonymous;
    await pull(3);
    expect((await ask(app, registries, token)).status).toBe(200);
    const { status, headers, body } = await ask(app, registries, token);
    expect(status).toBe(429);
    expect(JSON.parse(body)).toEqual({
      message: { error: 'This endpoint has been requested too many times. Try again later.' },
    });
    expect(headers).toMatchObject({ 'retry-after': '15', 'ratelimit-remaining': '0' });
  });

  test('are counted apart from the rest of it, which has the same limit', async () => {
    await pull(4);
    for (const left of ['3', '2', '1', '0']) {
      const { status, headers } = await ask(app, '/api/v4/groups/1', token);
      expect([status, headers['ratelimit-remaining']]).toEqual([200, left]);
    }
    expect(await ask(app, '/api/v4/groups/1', token)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '15', ratelimit: '"address";r=0;t=15' },
    });
  });

  test('say how much is left from the first request on, whoever asks', async () => {
    const answer = await ask(app, registries, token);
    expect(answer.headers).toMatchObject({
      ratelimit: '"identity";r=3;t=15',
      'ratelimit-policy': '"identity";q=4;w=15',
      'ratelimit-observed': '1',
    });
    address = '192.0.2.8';
    expect((await ask(app, registries, token)).headers).toMatchObject({ ratelimit: '"identity";r=2;t=15' });
    expect(await ask(app, '/api/v4/nothing')).toMatchObject({
      status: 404,
      headers: { ratelimit: '"address";r=3;t=15' },
    });
  });
});

test('what is hosted is not counted', async () => {
  for (let time = 0; time < 9; time += 1) {
    expect((await ask(app, '/v2/acme/shop/manifests/v1')).status).toBe(200);
    expect((await ask(app, '/v2/')).status).toBe(200);
  }
  expect((await pull(1)).headers).not.toHaveProperty('ratelimit');
});

test('a limit of 0 is none', async () => {
  app = serve(0);
  expect((await pull(30)).headers).not.toHaveProperty('ratelimit');
});
