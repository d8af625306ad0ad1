import nock from 'nock';
import { expect, test } from 'vitest';
import { createKit, credentials, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const url = `${origin}/hub/team`;
const front = '/hub/team/v2/';
const digest = `sha256:${'a'.repeat(64)}`;
const found = { 'docker-content-digest': digest };
const minuteMs = 60_000;

const says = (path: string, status: number, headers: Record<string, string> = {}) =>
  nock(origin).get(path).reply(status, '', headers);
const has = (path: string) => nock(origin).head(`${path}team/app/manifests/latest`).reply(200, '', found);

test.each([
  ['it says so', 200, {}],
  ['it asks who is there', 401, { 'www-authenticate': 'Basic realm="x"' }],
  ['it lets nobody in', 403, {}],
])("a registry is at its URL's path where %s, which is asked once", async (_, status, headers) => {
  const { upstream } = createKit({ url });
  says(front, status, headers);
  has(front).persist();
  for (let pull = 0; pull < 3; pull += 1)
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
});

test.each([
  ['nothing is there', 404, {}],
  ['a page is there', 200, { 'content-type': 'text/html; charset=utf-8' }],
])('the path is a namespace where %s, and the host is a registry', async (_, status, headers) => {
  const { upstream } = createKit({ url });
  says(front, status, headers);
  says('/v2/', 200);
  has('/v2/hub/team/');
  expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  nock(origin)
    .get('/v2/hub/team/team/app/tags/list?n=1000')
    .reply(200, { tags: ['v1'] });
  expect(await upstream.listTags(image)).toEqual(['v1']);
});

test('credentials and tokens are for the name within it', async () => {
  const { upstream } = createKit({ url, credentials });
  says(front, 404);
  const challenge = { 'www-authenticate': `Bearer realm="${origin}/token",service="reg"` };
  nock(origin).get('/v2/').times(2).reply(401, '', challenge);
  nock(origin)
    .get('/token')
    .query({ service: 'reg', scope: 'repository:hub/team/team/app:pull', account: 'robot' })
    .reply(200, { token: 't1' });
  nock(origin, { reqheaders: { authorization: 'Bearer t1' } })
    .head('/v2/hub/team/team/app/manifests/latest')
    .reply(200, '', found);
  expect(await upstream.headManifest(image, latest)).toEqual({ digest });
});

test('where nobody says so, it is the path, and is asked again later', async () => {
  const { upstream, clock } = createKit({ url });
  const nobody = () => {
    says(front, 404);
    says('/v2/', 404);
  };
  nobody();
  has(front).persist();
  await upstream.headManifest(image, latest);
  clock.ms += 10 * minuteMs - 1;
  await upstream.headManifest(image, latest);
  nobody();
  clock.ms += 1;
  await upstream.headManifest(image, latest);
});

test.each([500, 503, 429])(
  'what answers %i there is asked for its images all the same, and again',
  async (status) => {
    const { upstream } = createKit({ url });
    has(front).persist();
    says(front, status);
    await upstream.headManifest(image, latest);
    says(front, 200);
    await upstream.headManifest(image, latest);
    await upstream.headManifest(image, latest);
  },
);

test('what cannot be reached is no answer', async () => {
  const { upstream } = createKit({ url });
  nock(origin).get(front).replyWithError('gone');
  await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each([`${origin}/v2/hub/team`, `${origin}//hub/team`])(
  '%s may name the namespace as well',
  async (written) => {
    const { upstream } = createKit({ url: written });
    says(`${new URL(written).pathname}/v2/`, 404);
    says('/v2/', 401);
    has('/v2/hub/team/');
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  },
);

test('at Docker Hub a path behind /v2/ is a namespace', async () => {
  const hub = 'https://registry-1.docker.io';
  nock(hub).get('/v2/team/v2/').reply(404);
  nock(hub).get('/v2/').reply(401);
  nock(hub).head('/v2/team/team/app/manifests/latest').reply(200, '', found);
  const { upstream } = createKit({ url: 'https://docker.io/v2/team' });
  expect(await upstream.headManifest(image, latest)).toEqual({ digest });
});

test('that is asked no longer than any answer takes', async () => {
  nock(origin).get(front).delay(5000).reply(200);
  const { upstream } = createKit({ url }, { answerMs: 50 });
  await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
    limit: 'upstreams.answer_seconds',
  });
  nock.abortPendingRequests();
});

test('what is no name of a repository is a path, and nobody is asked', async () => {
  has('/Hub/v2/');
  expect(await createKit({ url: `${origin}/Hub` }).upstream.headManifest(image, latest)).toEqual({ digest });
});

test.each([`${origin}/hub/team/v2`, `${origin}/hub/team/v2/`])(
  '%s says itself where it is',
  async (written) => {
    has(front);
    expect(await createKit({ url: written }).upstream.headManifest(image, latest)).toEqual({ digest });
  },
);
