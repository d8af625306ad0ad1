/** Manifests that are answered before koa, beside the same answers by koa, which gets every path that has something encoded in it. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { listeningLog } from '../support/listening-log.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const image = fakeImage();
const virtual = 'virtual_registries/container/1/team/app';
const hosted = 'acme/shop';

interface Asked {
  readonly name: string;
  readonly reference: string;
  readonly method?: string;
  readonly query?: string;
}

async function bearerFor(app: TestApp, name: string): Promise<string> {
  return bearerOf(app.url, { username: 'root', secret: app.token }, `repository:${name}:pull`);
}

/** All that the answer says, but for what differs between any two. */
async function answered(
  app: TestApp,
  authorization: string,
  { name, reference, method = 'GET', query = '' }: Asked,
) {
  const answer = await app.v2(`${name}/manifests/${reference}${query}`, {
    method,
    headers: { authorization },
  });
  const { 'x-request-id': id, date, ...headers } = Object.fromEntries(answer.headers);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(date).toBeDefined();
  return { status: answer.status, headers, body: (await bytesOf(answer)).toString() };
}

/** What a request adds to the counters of requests, pulls and bytes. */
async function countedBy(app: TestApp, request: () => Promise<unknown>) {
  const before = await countersOf(app);
  await request();
  const after = await countersOf(app);
  return [...after]
    .map(([name, value]) => [name, value - (before.get(name) ?? 0)])
    .filter(([, more]) => more);
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

const encoded: Readonly<Record<string, string>> = {
  latest: 'l%61test',
  [image.digest]: image.digest.replace(':', '%3A'),
};

describeApp('a warm manifest', (start) => {
  const { log, told } = listeningLog();

  test.each([virtual, hosted])(
    'of %s is what koa would answer, counted and logged as it would be',
    async (name) => {
      await using upstream = await new FakeRegistry().start();
      upstream.repository('team/app').push(image, 'latest');
      await using app = await start({ upstreams: [upstream], log });
      await createProject(app, hosted);
      const pusher = new Pusher(app, hosted);
      await pusher.image(image);
      await pusher.manifest(image, 'latest');
      const authorization = await bearerFor(app, name);
      for (const reference of ['latest', image.digest]) {
        await answered(app, authorization, { name, reference });
        for (const method of ['GET', 'HEAD']) {
          const [warm, byKoa] = [reference, encoded[reference] ?? ''].map((each) => async () => {
            const from = told.length;
            let answer: unknown;
            const counted = await countedBy(app, async () => {
              answer = await answered(app, authorization, { name, reference: each, method });
              await expect.poll(() => told.slice(from).some(([, line]) => 'method' in line)).toBe(true);
            });
            const lines = told
              .slice(from)
              .map(([level, line]) => [level, { ...line, requestId: '', ms: 0, path: '' }]);
            return { answer, counted, lines };
          });
          const [first, second] = [await warm?.(), await byKoa?.()];
          expect(first).toEqual(second);
          expect(first).toMatchObject({
            answer: { status: 200, body: method === 'GET' ? image.payload.toString() : '' },
          });
        }
      }
    },
  );

  test('of a mirror is asked for with a query', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').push(image, 'latest');
    await using app = await start({ upstreams: [upstream] });
    const authorization = await bearerFor(app, virtual);
    const asked = { name: virtual, reference: 'latest' };
    await answered(app, authorization, asked);
    const plain = await answered(app, authorization, asked);
    expect(await answered(app, authorization, { ...asked, query: '?ns=docker.io' })).toEqual(plain);
  });

  test('that is pushed again or deleted is the new one, or gone, at once', async () => {
    await using app = await start();
    await createProject(app, hosted);
    const pusher = new Pusher(app, hosted);
    const other = fakeImage({ architecture: 'other' });
    for (const each of [image, other]) await pusher.image(each);
    const authorization = await bearerFor(app, hosted);
    const digestNow = async () => {
      const { status, headers } = await answered(app, authorization, { name: hosted, reference: 'latest' });
      return status === 200 ? headers['docker-content-digest'] : status;
    };
    for (const each of [image, other, image]) {
      await pusher.manifest(each, 'latest');
      expect([await digestNow(), await digestNow()]).toEqual([each.digest, each.digest]);
    }
    await app.v2(`${hosted}/manifests/latest`, { method: 'DELETE' });
    expect(await digestNow()).toBe(404);
  });
});
