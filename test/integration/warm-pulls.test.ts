/** What is answered before koa, beside the same answers by koa, which gets every path that has something encoded in it. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob, fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { listeningLog } from '../support/listening-log.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const layer = bytesBlob('a small layer');
const big = seededBlob(100_000);
const image = fakeImage({ layers: [layer, big] });
const virtual = 'virtual_registries/container/1/team/app';
const hosted = 'acme/shop';

interface Asked {
  readonly name: string;
  /** Below the repository's name. */
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function bearerFor(app: TestApp, name: string): Promise<string> {
  return bearerOf(app.url, { username: 'root', secret: app.token }, `repository:${name}:pull`);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** All that the answer says, but for what differs between any two. */
async function answered(
  app: TestApp,
  authorization: string,
  { name, path, method = 'GET', headers: asked = {} }: Asked,
): Promise<Answer> {
  const answer = await app.v2(`${name}/${path}`, { method, headers: { authorization, ...asked } });
  const { 'x-request-id': id, date, ...headers }: Record<string, string> = Object.fromEntries(answer.headers);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(date).toBeDefined();
  const said = { status: answer.status, headers, body: (await bytesOf(answer)).toString() };
  // Parts are divided by something that is another each time.
  const boundary = /boundary=(.*)/.exec(headers['content-type'] ?? '')?.[1];
  return boundary === undefined ? said : JSON.parse(JSON.stringify(said).replaceAll(boundary, 'boundary'));
}

/** What is downloaded is stored in a while, and what is read then is kept. */
async function warmed(ask: () => Promise<Answer>): Promise<void> {
  await expect.poll(async () => (await ask()).headers['cache-status']).toMatch(/^entrepot(?:; hit)?$/);
  await ask();
}

/** An answer, and what its request added to the counters of requests, pulls and bytes. */
async function counted(app: TestApp, request: () => Promise<Answer>) {
  const before = await countersOf(app);
  const answer = await request();
  const added = async () =>
    [...(await countersOf(app))].flatMap(([name, value]) => {
      const more = value - (before.get(name) ?? 0);
      return more === 0 ? [] : [`${name} ${more}`];
    });
  // Both are counted once the client has its answer.
  const counters = answer.status < 400 ? /requests_total(.|\n)*pulls_total/ : /requests_total/;
  const all = async () => (await added()).sort().reverse().join('\n');
  await expect.poll(all, { interval: 5, timeout: 20_000 }).toMatch(counters);
  return { answer, added: (await added()).sort() };
}

async function countersOf(app: TestApp): Promise<Map<string, number>> {
  const lines = (await app.metrics()).split('\n');
  const counters = lines.filter((line) =>
    /^entrepot_(?:requests|pulls|served_bytes|saved_bytes)_total/.test(line),
  );
  return new Map(
    counters.map((line) => {
      const [name = '', value] = line.split(/ (?=[^ ]+$)/);
      return [name, Number(value)];
    }),
  );
}

const latest = 'manifests/latest';
const blob = `blobs/${layer.digest}`;
/** Paths, and what they are with something encoded. */
const paths = [
  [latest, 'manifests/l%61test'],
  ...[`manifests/${image.digest}`, blob, `blobs/${big.digest}`].map(
    (path) => [path, path.replace(':', '%3A')] as const,
  ),
] as const;
const conditions = [
  { range: 'bytes=2-5' },
  { range: 'bytes=2-5,7-' },
  { range: 'bytes=1000000-' },
  { range: 'bytes=2-5', 'if-range': `"${layer.digest}"` },
  { range: 'bytes=2-5', 'if-range': '"other"' },
  { 'if-none-match': `"${layer.digest}", "${image.digest}"` },
  { 'if-none-match': '"other"' },
];

describeApp('a warm pull', (start) => {
  const { log, told } = listeningLog();

  test.each([virtual, hosted].flatMap((name) => paths.map((each) => [name, ...each] as const)))(
    'of %s/%s is what koa would answer, counted and logged as it would be',
    { timeout: 60_000 },
    async (name, plain, encoded) => {
      await using upstream = await new FakeRegistry().start();
      upstream.repository('team/app').push(image, 'latest');
      await using app = await start({ upstreams: [upstream], log });
      await createProject(app, hosted);
      const pusher = new Pusher(app, hosted);
      await pusher.image(image);
      await pusher.manifest(image, 'latest');
      const authorization = await bearerFor(app, name);
      const ask = () => answered(app, authorization, { name, path: plain });
      await warmed(async () => (await counted(app, ask)).answer);
      const more = plain === blob ? conditions.map((headers) => ({ headers })) : [];
      for (const asked of [{}, { method: 'HEAD' }, ...more]) {
        const [warm, byKoa] = [plain, encoded].map((path) => async () => {
          const from = told.length;
          const ask = () => answered(app, authorization, { name, path, ...asked });
          const { answer, added } = await counted(app, ask);
          const lines = told
            .slice(from)
            .map(([level, line]) => [level, { ...line, requestId: '', ms: 0, path: '' }]);
          return { answer, added, lines };
        });
        const [first, second] = [await warm?.(), await byKoa?.()];
        expect(first).toEqual(second);
        expect([200, 206, 304, 416]).toContain(first?.answer.status);
      }
    },
  );

  test('of a mirror is asked for with a query', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').push(image, 'latest');
    await using app = await start({ upstreams: [upstream] });
    const authorization = await bearerFor(app, virtual);
    for (const path of [latest, blob]) {
      await warmed(() => answered(app, authorization, { name: virtual, path }));
      const plain = await answered(app, authorization, { name: virtual, path });
      expect(await answered(app, authorization, { name: virtual, path: `${path}?ns=docker.io` })).toEqual(
        plain,
      );
    }
  });

  test('that is pushed again or deleted is the new one, or gone, at once', async () => {
    await using app = await start();
    await createProject(app, hosted);
    const pusher = new Pusher(app, hosted);
    const other = fakeImage({ architecture: 'other' });
    for (const each of [image, other]) await pusher.image(each);
    const authorization = await bearerFor(app, hosted);
    const digestNow = async () => {
      const { status, headers } = await answered(app, authorization, { name: hosted, path: latest });
      return status === 200 ? headers['docker-content-digest'] : status;
    };
    for (const each of [image, other, image]) {
      await pusher.manifest(each, 'latest');
      expect([await digestNow(), await digestNow()]).toEqual([each.digest, each.digest]);
    }
    await app.v2(`${hosted}/manifests/latest`, { method: 'DELETE' });
    expect(await digestNow()).toBe(404);
  });

  test('of a blob that was deleted is none at once, and of another repository never one', async () => {
    await using app = await start();
    for (const name of [hosted, 'acme/other']) await createProject(app, name);
    const pusher = new Pusher(app, hosted);
    await pusher.image(image);
    const [authorization, another] = [await bearerFor(app, hosted), await bearerFor(app, 'acme/other')];
    const status = async (name: string, bearer: string) =>
      (await answered(app, bearer, { name, path: blob })).status;
    for (const _ of [1, 2, 3]) expect(await status(hosted, authorization)).toBe(200);
    expect(await status('acme/other', another)).toBe(404);
    await app.v2(`${hosted}/${blob}`, { method: 'DELETE' });
    expect(await status(hosted, authorization)).toBe(404);
  });

  test('of a blob whose registry was emptied asks the upstream', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').push(image, 'latest');
    await using app = await start({ upstreams: [upstream] });
    const authorization = await bearerFor(app, virtual);
    const ask = () => answered(app, authorization, { name: virtual, path: blob });
    await warmed(ask);
    const asked = upstream.count();
    await ask();
    expect(upstream.count()).toBe(asked);
    await app.api('DELETE', '/virtual_registries/container/registries/1/cache');
    await ask();
    expect(upstream.count()).toBeGreaterThan(asked);
  });
});
