import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { createKit, credentials, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';
const digest = `sha256:${'a'.repeat(64)}`;
const found = { 'docker-content-digest': digest };
const bearer = { 'www-authenticate': `Bearer realm="${origin}/token",service="reg"` };
const basic = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;
const hourMs = 3_600_000;

const strangers = () => nock(origin, { badheaders: ['authorization'] });
const those = (authorization: string) => nock(origin, { reqheaders: { authorization } });
const base = (status: number, headers: Record<string, string> = {}) =>
  strangers().get('/v2/').reply(status, {}, headers);
const token = (query: object) =>
  nock(origin)
    .get('/token')
    .query({ service: 'reg', scope: 'repository:team/app:pull', ...query })
    .reply(200, { token: 't1' });

describe('with credentials, a registry is asked how before all else', () => {
  test('once, however many pulls begin at once, and never as a stranger', async () => {
    base(401, bearer);
    token({ account: 'robot' });
    those('Bearer t1').head(path).times(6).reply(200, undefined, found);
    const { upstream } = createKit({ credentials }, { maxConnections: 100 });
    await Promise.all(Array.from({ length: 5 }, () => upstream.headManifest(image, latest)));
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('and its own address is asked, below a path and after a redirect within it', async () => {
    const url = `${origin}/inner`;
    // Once for whether it is there, and once for how to ask.
    strangers().get('/inner/v2/').times(2).reply(301, undefined, { location: '/base' });
    strangers().get('/base').times(2).reply(401, {}, { 'www-authenticate': 'Basic realm="x"' });
    those(basic).head(`/inner${path}`).reply(200, undefined, found);
    expect(await createKit({ url, credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('where that leads elsewhere, the challenge there is not for its credentials', async () => {
    strangers().get('/v2/').reply(307, undefined, { location: 'https://elsewhere.example.org/v2/' });
    nock('https://elsewhere.example.org')
      .get('/v2/')
      .reply(401, {}, { 'www-authenticate': 'Basic realm="x"' });
    strangers().head(path).reply(200, undefined, found);
    expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('a registry that asks for nothing is asked again after an hour', async () => {
    const { upstream, clock } = createKit({ credentials });
    base(200);
    strangers().head(path).times(2).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    clock.ms += hourMs - 1;
    await upstream.headManifest(image, latest);
    clock.ms += 1;
    base(401, { 'www-authenticate': 'Basic realm="x"' });
    those(basic).head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
  });

  test('a registry that refuses them is asked how again with the next pull', async () => {
    const { upstream, log } = createKit({ credentials });
    base(401, { 'www-authenticate': 'Basic realm="x"' });
    those(basic).head(path).reply(401, undefined, { 'www-authenticate': 'Basic realm="x"' });
    await expect(upstream.headManifest(image, latest)).rejects.toThrow('refused the credentials (401)');
    expect(log.lines[0]).toContain('the upstream refused its credentials');
    base(401, bearer);
    token({ account: 'robot' });
    those('Bearer t1').head(path).reply(200, undefined, found);
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test.each([408, 429, 500, 503])('where that fails (%d), the pull is tried nonetheless', async (status) => {
    base(status);
    strangers().head(path).reply(401, undefined, bearer);
    token({ account: 'robot' });
    those('Bearer t1').head(path).reply(200, undefined, found);
    expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('where that fails, what a stranger is told is not believed', async () => {
    base(503);
    base(503);
    strangers().head(path).reply(404);
    await expect(createKit({ credentials }).upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
      status: 503,
    });
  });

  test('where no connection can be made, the pull is not tried', async () => {
    nock(origin)
      .get('/v2/')
      .replyWithError(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
    await expect(createKit({ credentials }).upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
      unreachable: true,
    });
  });

  test.each([401, 403])('where it says nothing of how, they are tried on a %d', async (status) => {
    base(200);
    strangers().head(path).reply(status);
    those(basic).head(path).times(2).reply(200, undefined, found);
    const { upstream } = createKit({ credentials });
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('where it says nothing of how, its 404 is believed', async () => {
    base(200);
    strangers().head(path).times(2).reply(404);
    const { upstream } = createKit({ credentials });
    for (let n = 0; n < 2; n++)
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
  });

  test.each([403, 404])('where they were sent, a %d is believed', async (status) => {
    base(401, { 'www-authenticate': 'Basic realm="x"' });
    those(basic).head(path).times(2).reply(status);
    const { upstream } = createKit({ credentials });
    for (let n = 0; n < 2; n++)
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ status });
  });
});

describe('without credentials, a registry is asked how', () => {
  test.each([401, 403, 404])('where it refuses without a word (%d)', async (status) => {
    strangers().head(path).reply(status);
    base(401, bearer);
    token({});
    those('Bearer t1').head(path).times(2).reply(200, undefined, found);
    const { upstream } = createKit();
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('once an hour where it asks for nothing, and its refusals are believed', async () => {
    const { upstream, clock } = createKit();
    for (const moved of [0, hourMs]) {
      clock.ms += moved;
      base(200);
      strangers().head(path).times(2).reply(404);
      for (let n = 0; n < 2; n++)
        await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
    }
  });

  test('and its refusal stands where that fails', async () => {
    strangers().head(path).reply(403);
    base(500);
    await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 403 });
  });

  test('not where it has said what it wants', async () => {
    strangers().head(path).reply(401, undefined, { 'www-authenticate': 'Basic realm="x"' });
    await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 401 });
  });
});

test('a token that is refused without a challenge is replaced, once', async () => {
  const { upstream } = createKit();
  strangers().head(path).reply(401, undefined, bearer);
  token({});
  those('Bearer t1').head(path).reply(200, undefined, found);
  await upstream.headManifest(image, latest);
  those('Bearer t1').head(path).reply(401);
  nock(origin).get('/token').query(true).reply(200, { token: 't2' });
  those('Bearer t2').head(path).reply(200, undefined, found);
  expect(await upstream.headManifest(image, latest)).toEqual({ digest });
});

test('a token that the token service gives again is not sent again', async () => {
  const { upstream } = createKit();
  strangers().head(path).reply(401, undefined, bearer);
  token({});
  those('Bearer t1').head(path).reply(200, undefined, found);
  await upstream.headManifest(image, latest);
  those('Bearer t1').head(path).reply(401);
  token({});
  await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 401 });
});
