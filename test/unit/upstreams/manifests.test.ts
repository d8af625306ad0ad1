import { randomBytes } from 'node:crypto';
import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { maxManifestBytes } from '../../../src/oci/manifest.ts';
import { manifestAccept, ociManifest } from '../../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { createKit, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry(true);

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

  const fetched = { digest: sha256, manifest: expect.objectContaining({ payload, digest: sha256 }) };

  test.each([400, 405, 406, 411, 415, 422, 501])(
    'asks by GET where HEAD is answered with %d, which is no failure, and then for a while by GET alone',
    async (status) => {
      nock(origin).head(path).reply(status);
      nock(origin).get(path).times(2).reply(200, payload);
      const { upstream, observer, clock } = createKit();
      expect(await upstream.headManifest(image, latest)).toEqual(fetched);
      clock.ms += 600_000 - 1;
      expect(await upstream.headManifest(image, latest)).toEqual(fetched);
      expect(observer.requests).toEqual(['manifest-head ok', 'manifest ok', 'manifest ok']);
      clock.ms += 1;
      nock(origin).head(path).reply(200, undefined, { 'docker-content-digest': sha256 });
      expect(await upstream.headManifest(image, latest)).toEqual({ digest: sha256 });
    },
  );

  test.each([500, 503])(
    'fails where HEAD is answered with %d, and asks by GET the next time',
    async (status) => {
      const { upstream, clock } = createKit();
      nock(origin).head(path).reply(status);
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
        kind: 'unavailable',
        status,
      });
      nock(origin).get(path).times(2).reply(200, payload);
      expect(await upstream.headManifest(image, latest)).toEqual(fetched);
      // Where it fails as it did before, GET is asked at once.
      clock.ms += 600_000;
      nock(origin).head(path).reply(status);
      expect(await upstream.headManifest(image, latest)).toEqual(fetched);
      nock(origin).get(path).reply(404);
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
      nock(origin).get(path).reply(200, payload);
      expect(await upstream.headManifest(image, latest)).toEqual(fetched);
    },
  );

  test('does not take it to be for HEAD that an upstream fails which fails by GET too', async () => {
    const { upstream } = createKit({}, { breakerFailures: 9 });
    nock(origin).head(path).reply(500);
    await expect(upstream.headManifest(image, latest)).rejects.toThrow();
    nock(origin).get(path).reply(500);
    await expect(upstream.headManifest(image, latest)).rejects.toThrow();
    nock(origin).head(path).reply(200, undefined, { 'docker-content-digest': sha256 });
    expect(await upstream.headManifest(image, latest)).toEqual({ digest: sha256 });
  });

  test('takes what is not there to be so for GET, too, and asks by that again', async () => {
    const { upstream } = createKit();
    nock(origin).head(path).reply(405);
    nock(origin).get(path).reply(404);
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
    nock(origin).get(path).reply(200, payload);
    expect(await upstream.headManifest(image, latest)).toEqual(fetched);
  });

  test.each([401, 403, 404, 410, 429])(
    'goes on to ask by HEAD where that is answered with %d',
    async (status) => {
      const { upstream } = createKit();
      nock(origin).head(path).reply(status, undefined, { 'retry-after': '0' });
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ status });
      nock(origin).head(path).reply(200, undefined, { 'docker-content-digest': sha256 });
      expect(await upstream.headManifest(image, latest)).toEqual({ digest: sha256 });
    },
  );

  test('takes no longer than a probe may, by GET neither', async () => {
    nock(origin).head(path).reply(405);
    nock(origin).get(path).delay(2000).reply(200);
    await expect(createKit({}, { probeMs: 50 }).upstream.headManifest(image, latest)).rejects.toMatchObject({
      limit: 'upstreams.probe_seconds',
    });
    nock.abortPendingRequests();
  });

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
    ['another digest than asked for', {}],
    ['another digest than asked for, though they are labelled with it', { 'docker-content-digest': sha256 }],
  ])('refuses bytes that have %s', async (_what, headers) => {
    nock(origin).get(`/v2/team/app/manifests/${sha256}`).reply(200, 'something else', headers);
    await expect(createKit().upstream.getManifest(image, sha256)).rejects.toMatchObject({ kind: 'invalid' });
  });

  describe.each([sha256, sha512])('of a tag whose bytes are labelled with another digest, %s,', (said) => {
    const labelled = () =>
      nock(origin).get(path).reply(200, 'something else', { 'docker-content-digest': said });
    const byDigest = () => nock(origin).get(`/v2/team/app/manifests/${said}`);
    const get = () => createKit().upstream.getManifest(image, latest);

    test('takes what has that digest', async () => {
      labelled();
      byDigest().reply(200, payload);
      expect(await get()).toMatchObject({ payload, digest: said });
    });

    test('takes the bytes where nothing has it', async () => {
      labelled();
      byDigest().reply(404);
      expect((await get()).payload.toString()).toBe('something else');
    });

    test('refuses the bytes where they are sent for it, too', async () => {
      labelled();
      byDigest().reply(200, 'something else');
      await expect(get()).rejects.toMatchObject({
        kind: 'invalid',
        status: 200,
        message: `sent a manifest that has not the digest it says, ${said}`,
      });
    });

    test('fails as that fails', async () => {
      labelled();
      byDigest().reply(503);
      await expect(get()).rejects.toMatchObject({ kind: 'unavailable', status: 503 });
    });
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

  test.each([
    [origin, 400, '; it may want a client certificate (client_certificate and client_key)'],
    [origin, 418, ''],
    ['http://registry.example.com', 400, ''],
  ])('from %s that is answered with %d says what may be missing', async (url, status, advice) => {
    nock(url).get(path).reply(status);
    const message = `gave an answer that makes no sense here (${status})${advice}`;
    await expect(createKit({ url }).upstream.getManifest(image, latest)).rejects.toMatchObject({ message });
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
    nock(host).get(asked.replace('team/app/manifests/latest', '')).optionally().reply(200);
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
