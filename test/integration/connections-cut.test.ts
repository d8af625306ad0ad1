/** What the server stands on breaks its connections while it is busy, in a process of its own that could die of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;
const redisUrl = process.env['TEST_REDIS_URL'] || undefined;
const cuts = 20;

interface Stage {
  readonly app: TestApp;
  readonly postgres: TcpProxy;
  readonly redis: TcpProxy | undefined;
}

let stage: Stage;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (!postgresUrl) return;
  const own = await createDatabase(postgresUrl);
  ends.push(own.drop);
  const postgres = await TcpProxy.before(own.url, 5432);
  ends.push(() => postgres.proxy[Symbol.asyncDispose]());
  const redis = redisUrl === undefined ? undefined : await TcpProxy.before(redisUrl, 6379);
  if (redis) ends.push(() => redis.proxy[Symbol.asyncDispose]());
  const upstream = await new FakeRegistry().start();
  ends.push(() => upstream[Symbol.asyncDispose]());
  upstream.repository('team/app').addImage({ tag: 'v1' });
  const app = await TestApp.start({
    databaseUrl: postgres.url,
    environment: redis ? { ENTREPOT_SHARED_CACHE__URL: redis.url } : {},
    upstreams: [upstream],
  });
  ends.push(() => app.close());
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  await app.stop();
  const child = await app.startChild();
  ends.push(() => child.kill());
  stage = { app, postgres: postgres.proxy, redis: redis?.proxy };
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

/** Of /v2 and of /api/v4: what is in memory, and what asks the database each time. */
const asking: readonly ((app: TestApp) => Promise<Response>)[] = [
  (app) => app.manifest('team/app', 'v1'),
  (app) => app.v2('_catalog'),
  (app) => app.v2('no/such/repository/tags/list'),
  (app) => app.api('GET', '/projects'),
  (app) => app.api('GET', '/users'),
  (app) => app.api('POST', '/groups', { name: 'n', path: `g${Math.random()}`.replace('.', '') }),
];

function ask(app: TestApp): Promise<readonly number[]> {
  return Promise.all(
    asking.map(async (each) => {
      const answer = await each(app);
      if (answer.status === 503) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      await answer.arrayBuffer();
      return answer.status;
    }),
  );
}

test.skipIf(!postgresUrl)(
  'a busy server whose connections to the database are all cut, again and again, lives and answers the next request',
  async () => {
    const { app, postgres } = stage;
    const whole = await ask(app);
    const statuses: number[] = [];
    for (let cut = 0; cut < cuts; cut += 1) {
      const busy = [ask(app), ask(app), ask(app)];
      await new Promise((resolve) => setTimeout(resolve, cut));
      postgres.cut();
      statuses.push(...(await Promise.all(busy)).flat());
      expect(await ask(app)).toEqual(whole);
    }
    expect(whole.every((status) => status < 500)).toBe(true);
    expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([]);
    // Not one was in use at any cut: then this has shown nothing.
    expect(statuses).toContain(503);
    expect((await fetch(`${app.url}/-/readiness`)).status).toBe(200);
  },
  120_000,
);

test.skipIf(!postgresUrl)(
  'a server without its database answers 503 with the cause everywhere, is not ready, and is again by itself',
  async () => {
    const { app, postgres } = stage;
    postgres.refuse();
    const basic = { authorization: `Basic ${Buffer.from('ada:wrong').toString('base64')}` };
    const json = { 'content-type': 'application/json' };
    const asked: readonly (readonly [string, RequestInit])[] = [
      ['/v2/acme/shop/manifests/v1', { headers: basic }],
      ['/v2/acme/shop/blobs/uploads/', { method: 'POST', headers: basic }],
      ['/jwt/auth?scope=repository:acme/shop:pull', { headers: basic }],
      ['/api/v4/projects', { headers: { 'private-token': 'ent-unknown-0123456789' } }],
      ['/gitlab/v1/repositories/acme/shop/', { headers: basic }],
      ['/session', { method: 'POST', headers: json, body: '{"username":"ada","password":"wrong"}' }],
      ['/session', { headers: { cookie: 'entrepot=abc' } }],
    ];
    const answers = await Promise.all(
      asked.map(async ([path, init]) => {
        const answer = await fetch(app.url + path, init);
        return [path, answer.status, answer.headers.get('retry-after'), await answer.text()];
      }),
    );
    const away = [503, '5', expect.stringContaining('the database cannot be reached')];
    expect(answers).toEqual(asked.map(([path]) => [path, ...away]));
    await eventually(async () => expect((await fetch(`${app.url}/-/readiness`)).status).toBe(503));
    expect((await fetch(`${app.url}/-/liveness`)).status).toBe(200);
    postgres.accept();
    await eventually(async () => expect((await fetch(`${app.url}/-/readiness`)).status).toBe(200));
    expect((await app.api('GET', '/projects')).status).toBe(200);
  },
  120_000,
);

test.skipIf(!postgresUrl || !redisUrl)(
  'a busy server whose connections to Redis are cut, again and again, answers all requests',
  async () => {
    const { app, redis } = stage;
    const whole = await ask(app);
    for (let cut = 0; cut < cuts; cut += 1) {
      const busy = [ask(app), ask(app)];
      redis?.cut();
      for (const statuses of await Promise.all(busy)) expect(statuses).toEqual(whole);
    }
  },
  120_000,
);
