import nock from 'nock';
import { expect, test } from 'vitest';
import { UpstreamTokens } from '../../../src/cache/upstream-tokens.ts';
import { createKit, credentials, image, latest, settingsOf } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';
const digest = `sha256:${'a'.repeat(64)}`;
const found = { 'docker-content-digest': digest };
const there = 'https://ghcr.example.org';
const basic = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;

const anonymous = (host: string) => nock(host, { badheaders: ['authorization'] });
const challengeOf = (host: string, scope: string) => ({
  'www-authenticate': `Bearer realm="${host}/token",service="there",scope="${scope}"`,
});

test('where a redirect leads is authorized by its own challenge, and from then on at once', async () => {
  anonymous(origin)
    .head(path)
    .times(2)
    .reply(307, undefined, { location: there + path });
  const scope = 'repository:team/app:pull';
  anonymous(there).head(path).reply(401, undefined, challengeOf(there, scope));
  anonymous(there).get('/token').query({ service: 'there', scope }).reply(200, { token: 'theirs' });
  nock(there, { reqheaders: { authorization: 'Bearer theirs' } })
    .head(path)
    .times(2)
    .reply(200, undefined, found);
  const { upstream } = createKit();
  for (let n = 0; n < 2; n++) expect(await upstream.headManifest(image, latest)).toEqual({ digest });
});

test('a token is asked for by the name that the image has there', async () => {
  anonymous(origin)
    .head(path)
    .reply(302, undefined, { location: `${there}/v2/other/name/manifests/latest` });
  const [ours, named] = ['repository:other/name:pull', 'repository:user/image:pull'];
  anonymous(there).head('/v2/other/name/manifests/latest').reply(401, undefined, challengeOf(there, named));
  anonymous(there)
    .get('/token')
    .query({ service: 'there', scope: [ours, named] })
    .reply(200, { token: 'theirs' });
  nock(there, { reqheaders: { authorization: 'Bearer theirs' } })
    .head('/v2/other/name/manifests/latest')
    .reply(200, undefined, found);
  expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
});

test('credentials and tokens for them stay where they belong, also where the way leads back', async () => {
  const ours = { 'www-authenticate': `Bearer realm="${origin}/token"` };
  anonymous(origin).get('/v2/').reply(401, {}, ours);
  nock(origin, { reqheaders: { authorization: basic } })
    .get('/token')
    .query(true)
    .reply(200, { token: 'ours' });
  nock(origin, { reqheaders: { authorization: 'Bearer ours' } })
    .head(path)
    .reply(307, undefined, { location: there + path });
  anonymous(there)
    .head(path)
    .reply(307, undefined, { location: `${origin}/back` });
  anonymous(origin).head('/back').reply(401, undefined, ours);
  anonymous(origin)
    .get('/token')
    .query({ scope: 'repository:team/app:pull' })
    .reply(200, { token: 'stranger' });
  nock(origin, { reqheaders: { authorization: 'Bearer stranger' } })
    .head('/back')
    .reply(200, undefined, found);
  expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
});

test('what is refused after the way led back was not refused the credentials', async () => {
  anonymous(origin).get('/v2/').reply(401, {}, { 'www-authenticate': 'Basic realm="x"' });
  nock(origin, { reqheaders: { authorization: basic } })
    .head(path)
    .reply(307, undefined, { location: there + path });
  anonymous(there)
    .head(path)
    .reply(307, undefined, { location: `${origin}/back` });
  anonymous(origin)
    .head('/back')
    .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
  anonymous(origin).get('/token').query(true).reply(200, { token: 'stranger' });
  nock(origin, { reqheaders: { authorization: 'Bearer stranger' } })
    .head('/back')
    .reply(403);
  const { upstream, log } = createKit({ credentials });
  await expect(upstream.headManifest(image, latest)).rejects.toThrow('so they were not sent');
  expect(log.lines).toEqual([]);
});

test('a token for such a place is the own one of each upstream', async () => {
  const now = () => 0;
  const tokens = new UpstreamTokens(now);
  const scope = 'repository:team/app:pull';
  for (const id of [1, 2]) {
    anonymous(origin)
      .head(path)
      .reply(307, undefined, { location: there + path });
    anonymous(there).head(path).reply(401, undefined, challengeOf(there, scope));
    anonymous(there)
      .get('/token')
      .query(true)
      .reply(200, { token: `t${id}` });
    nock(there, { reqheaders: { authorization: `Bearer t${id}` } })
      .head(path)
      .reply(200, undefined, found);
    await createKit({ id }, { tokens, now }).upstream.headManifest(image, latest);
  }
});

test('a token for such a place is asked for without what is for the registry alone, wherever it is to be had', async () => {
  anonymous(origin)
    .head(path)
    .reply(307, undefined, { location: there + path });
  anonymous(there).head(path).reply(401, undefined, challengeOf(origin, 'x'));
  nock(origin, { badheaders: ['x-own', 'authorization'] })
    .get('/token')
    .query(true)
    .reply(200, { token: 't1' });
  nock(there, { reqheaders: { authorization: 'Bearer t1' } })
    .head(path)
    .reply(200, undefined, found);
  const network = { ...settingsOf().network, headers: { 'x-own': 'secret' } };
  const tokenHosts = ['ghcr.example.org=registry.example.com'];
  expect(await createKit({ network }, { tokenHosts }).upstream.headManifest(image, latest)).toEqual({
    digest,
  });
});

test('where the way leads to what is no request of a registry, a token is for what was asked for', async () => {
  const elsewhere = '/v2/other/manifests/latest/file';
  anonymous(origin)
    .head(path)
    .reply(302, undefined, { location: there + elsewhere });
  const scope = 'repository:team/app:pull';
  anonymous(there).head(elsewhere).reply(401, undefined, challengeOf(there, scope));
  anonymous(there).get('/token').query({ service: 'there', scope }).reply(200, { token: 't1' });
  nock(there, { reqheaders: { authorization: 'Bearer t1' } })
    .head(elsewhere)
    .reply(200, undefined, found);
  expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
});

test.each(['Basic realm="x"', 'Negotiate', ''])(
  'a place that asks for more than a stranger has (%s) is given up',
  async (wanted) => {
    anonymous(origin).get('/v2/').reply(200);
    anonymous(origin)
      .head(path)
      .reply(307, undefined, { location: there + path });
    anonymous(there)
      .head(path)
      .reply(401, undefined, wanted === '' ? {} : { 'www-authenticate': wanted });
    const { upstream, log } = createKit({ credentials });
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unauthorized',
      message:
        'redirected to ghcr.example.org, which refused anonymous access (401) or has no such repository',
    });
    expect(log.lines).toEqual([]);
  },
);

test('headers of its own are for the registry alone, and stay away where the way leads back', async () => {
  const network = { headers: { 'x-own': 'secret' }, tlsVerify: true };
  nock(origin, { reqheaders: { 'x-own': 'secret' } })
    .head(path)
    .reply(307, undefined, { location: there + path });
  nock(there, { badheaders: ['x-own'] })
    .head(path)
    .reply(307, undefined, { location: `${origin}/back` });
  nock(origin, { badheaders: ['x-own'] })
    .head('/back')
    .reply(200, undefined, found);
  expect(
    await createKit({ network: { ...settingsOf().network, ...network } }).upstream.headManifest(
      image,
      latest,
    ),
  ).toEqual({
    digest,
  });
});

test.each([403, 404])('a storage that refuses with %d is not asked how to ask it', async (status) => {
  anonymous(origin)
    .head(path)
    .reply(307, undefined, { location: `${there}/storage/x?signature=y` });
  anonymous(there).head('/storage/x?signature=y').reply(status);
  await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status });
});

test('a token service of such a place that is on another domain is not asked', async () => {
  anonymous(origin)
    .head(path)
    .reply(307, undefined, { location: there + path });
  anonymous(there).head(path).reply(401, undefined, challengeOf('https://evil.example.com', 'x'));
  await expect(createKit().upstream.headManifest(image, latest)).rejects.toThrow(
    /token service at evil\.example\.com, on another domain/,
  );
});
