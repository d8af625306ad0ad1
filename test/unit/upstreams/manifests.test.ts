import { randomBytes } from 'node:crypto';
import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { maxManifestBytes } from '../../../src/oci/manifest.ts';
import { manifestAccept, ociManifest } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { createKit, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';
const payload = Buffer.from('{"schemaVersion":2}');
const sha256 = digestOf(payload);
const sha512 = digestOf(payload, 'sha512');

describe('headManifest', () => {
  test('asks for every kind of manifest, uncoded, as what we are', async () => {
    const reqheaders = {
      accept: manifestAccept,
      'accept-encoding': 'identity',
      'user-agent': 'entrepot/test',
    };
    nock(origin, { reqheaders }).head(path).reply(200, undefined, { 'docker-content-digest': sha256 });
    expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest: sha256 });
  });

  test.each([
    ['a quoted ETag', { etag: `"${sha256}"` }, sha256],
    ['a weak ETag', { etag: `W/"${sha256}"` }, sha256],
    ['a bare ETag', { etag: sha512 }, sha512],
    ['an ETag beside a digest', { etag: `"${sha512}"`, 'docker-content-digest': sha256 }, sha256],
    ['an ETag of another kind', { etag: '"abc"' }, undefined],
    ['a digest of an unknown algorithm', { 'docker-content-digest': 'blake3:abc' }, undefined],
    ['no digest', {}, undefined],
  ])('takes the digest from %s', async (_what, headers, digest) => {
    nock(origin).head(path).reply(200, undefined, headers);
    expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test.each([405, 501])(
    'knows nothing where HEAD is answered with %d, which is no failure',
    async (status) => {
      nock(origin).head(path).reply(status);
      const { upstream, observer } = createKit();
      expect(await upstream.headManifest(image, latest)).toEqual({ digest: undefined });
      expect(observer.requests).toEqual(['manifest-head ok']);
    },
  );

  test('by digest needs no header to know the digest', async () => {
    nock(origin).head(`/v2/team/app/manifests/${sha512}`).reply(200);
    expect(await createKit().upstream.headManifest(image, sha512)).toEqual({ digest: sha512 });
  });

  test('takes no longer than a probe may', async () => {
    nock(origin).head(path).delay(2000).reply(200);
    const { upstream } = createKit({}, { probeMs: 50, breakerFailures: 1 });
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
      timedOut: true,
      message: 'did not answer within 0.05 s (upstreams.probe_seconds)',
    });
    expect(upstream.health().breaker).toBe('open');
    nock.abortPendingRequests();
  });

  test('ends with the reason of its signal, which is no failure', async () => {
    nock(origin).head(path).delay(2000).reply(200);
    const { upstream, observer } = createKit();
    const reason = new Error('enough');
    await expect(upstream.headManifest(image, latest, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(observer.requests).toEqual([]);
    nock.cleanAll();
  });
});

describe('getManifest', () => {
  test('gives the bytes as they are, their type without parameters and their digest', async () => {
    nock(origin)
      .get(path)
      .reply(200, payload, { 'content-type': `${ociManifest}; charset=utf-8`, etag: 'W/"x"' });
    expect(await createKit().upstream.getManifest(image, latest)).toEqual({
      payload,
      contentType: ociManifest,
      digest: sha256,
      etag: 'W/"x"',
    });
  });

  test('computes the digest in the algorithm of the reference, whatever else the upstream says rightly', async () => {
    nock(origin)
      .get(`/v2/team/app/manifests/${sha512}`)
      .reply(200, payload, { 'docker-content-digest': sha256 });
    expect((await createKit().upstream.getManifest(image, sha512)).digest).toBe(sha512);
    nock(origin).get(path).reply(200, payload, { 'docker-content-digest': sha512 });
    expect((await createKit().upstream.getManifest(image, latest)).digest).toBe(sha256);
  });

  test.each([
    ['another digest than asked for', sha256, {}],
    ['another digest than it says', 'latest', { 'docker-content-digest': sha256 }],
    ['another digest than it says, in another algorithm', 'latest', { 'docker-content-digest': sha512 }],
  ])('refuses bytes that have %s', async (_what, reference, headers) => {
    nock(origin).get(`/v2/team/app/manifests/${reference}`).reply(200, 'something else', headers);
    const asked = reference === sha256 ? sha256 : latest;
    await expect(createKit().upstream.getManifest(image, asked)).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('accepts the largest manifest and refuses one byte more', async () => {
    const largest = randomBytes(maxManifestBytes);
    nock(origin).get(path).reply(200, largest);
    expect((await createKit().upstream.getManifest(image, latest)).digest).toBe(digestOf(largest));
    nock(origin)
      .get(path)
      .reply(200, Buffer.concat([largest, Buffer.of(1)]));
    await expect(createKit().upstream.getManifest(image, latest)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/more than the 4194304 bytes/),
    });
  });

  test('refuses a content coding', async () => {
    nock(origin).get(path).reply(200, payload, { 'content-encoding': 'gzip' });
    await expect(createKit().upstream.getManifest(image, latest)).rejects.toMatchObject({ kind: 'invalid' });
    nock(origin).get(path).reply(200, payload, { 'content-encoding': 'identity' });
    expect((await createKit().upstream.getManifest(image, latest)).digest).toBe(sha256);
  });

  test.each([
    [400, 'invalid'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not-found'],
    [408, 'unavailable'],
    [410, 'not-found'],
    [416, 'invalid'],
    [499, 'invalid'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [599, 'unavailable'],
    [204, 'invalid'],
    [304, 'invalid'],
  ])('makes %d %s', async (status, kind) => {
    nock(origin).get(path).reply(status);
    const { upstream, observer } = createKit();
    await expect(upstream.getManifest(image, latest)).rejects.toMatchObject({ kind, status });
    expect(observer.requests).toEqual([`manifest ${kind}`]);
  });
});

describe('redirects', () => {
  test('are followed five times, and no sixth', async () => {
    const chain = (hops: number) => {
      for (let hop = 0; hop < hops; hop++)
        nock(origin)
          .get(hop === 0 ? path : `/hop/${hop}`)
          .reply(302, 'moved', { location: `/hop/${hop + 1}` });
    };
    chain(5);
    nock(origin).get('/hop/5').reply(200, payload);
    expect((await createKit().upstream.getManifest(image, latest)).digest).toBe(sha256);
    chain(6);
    await expect(createKit().upstream.getManifest(image, latest)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'redirected more than 5 times',
    });
  });

  test('to another origin carry no credentials, even after they led back', async () => {
    const challenge = { 'www-authenticate': 'Basic realm="x"' };
    const credentials = { username: 'robot', password: 's3cret' };
    nock(origin).get(path).reply(401, undefined, challenge);
    nock(origin, { reqheaders: { authorization: /^Basic / } })
      .get(path)
      .reply(307, undefined, { location: 'https://cdn.example.net/x' });
    nock('https://cdn.example.net', { badheaders: ['authorization'] })
      .get('/x')
      .reply(307, undefined, { location: `${origin}/back` });
    nock(origin, { badheaders: ['authorization'] })
      .get('/back')
      .reply(200, payload);
    expect((await createKit({ credentials }).upstream.getManifest(image, latest)).digest).toBe(sha256);
  });

  test('within the origin keep them', async () => {
    const credentials = { username: 'robot', password: 's3cret' };
    nock(origin).get(path).reply(401, undefined, { 'www-authenticate': 'Basic realm="x"' });
    nock(origin, { reqheaders: { authorization: /^Basic / } })
      .get(path)
      .reply(308, undefined, { location: '/elsewhere' });
    nock(origin, { reqheaders: { authorization: /^Basic / } })
      .get('/elsewhere')
      .reply(200, payload);
    await createKit({ credentials }).upstream.getManifest(image, latest);
  });

  test('from https to http are refused', async () => {
    nock(origin).get(path).reply(307, undefined, { location: 'http://registry.example.com/x' });
    await expect(createKit().upstream.getManifest(image, latest)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'redirected from https to http at registry.example.com, which is refused',
    });
  });
});

describe('the address of a registry', () => {
  test.each([
    ['https://host.example/prefix', 'https://host.example', '/prefix/v2/team/app/manifests/latest'],
    ['https://host.example/prefix//', 'https://host.example', '/prefix/v2/team/app/manifests/latest'],
    ['https://host.example/v2/prefix', 'https://host.example', '/v2/prefix/v2/team/app/manifests/latest'],
    ['https://host.example//prefix', 'https://host.example', '//prefix/v2/team/app/manifests/latest'],
    ['https://host.example/prefix/v2/', 'https://host.example', '/prefix/v2/team/app/manifests/latest'],
    ['https://host.example/v2', 'https://host.example', '/v2/team/app/manifests/latest'],
    ['http://host.example:5000/', 'http://host.example:5000', '/v2/team/app/manifests/latest'],
  ])('%s', async (url, host, asked) => {
    nock(host).get(asked).reply(200, payload);
    expect((await createKit({ url }).upstream.getManifest(image, latest)).digest).toBe(sha256);
  });

  test.each([
    'https://docker.io',
    'https://registry.hub.docker.com/v2/',
    'https://index.docker.io/v1/',
    'https://registry-1.docker.io',
    'http://docker.io:80/',
  ])("that is one of Docker Hub's is Docker Hub's: %s", async (url) => {
    nock('https://registry-1.docker.io').get(path).reply(200, payload);
    expect((await createKit({ url }).upstream.getManifest(image, latest)).digest).toBe(sha256);
  });

  test('at Docker Hub is asked for library/ of an image with one segment', async () => {
    nock('https://registry-1.docker.io').get('/v2/library/alpine/manifests/latest').reply(200, payload);
    const { upstream } = createKit({ url: 'https://registry-1.docker.io' });
    const repository = upstream.repositoryOf(parseRepositoryName('alpine')) ?? image;
    expect((await upstream.getManifest(repository, latest)).digest).toBe(sha256);
  });
});
