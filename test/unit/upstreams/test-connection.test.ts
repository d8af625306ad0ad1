import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { manifestAccept } from '../../../src/oci/media-types.ts';
import { LocalUpstream } from '../../../src/upstreams/local-upstream.ts';
import { RemoteUpstream } from '../../../src/upstreams/remote-upstream.ts';
import { testConnection } from '../../../src/upstreams/test-connection.ts';
import type { UpstreamSettings } from '../../../src/upstreams/upstream.ts';
import { UpstreamPool } from '../../../src/upstreams/upstream-pool.ts';
import { Clock, credentials, image, latest, optionsOf, RecordingObserver, settingsOf } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry(true);

const path = 'library/alpine/manifests/latest';

describe('testing a connection', () => {
  test.each([
    [200, { success: true }],
    [299, { success: true }],
    [404, { success: true }],
    [401, { success: false, result: 'Error: 401 - Unauthorized' }],
    [403, { success: false, result: 'Error: 403 - Forbidden' }],
    [429, { success: false, result: 'Error: 429 - Too Many Requests' }],
    [503, { success: false, result: 'Error: 503 - Service Unavailable' }],
    [300, { success: false, result: 'Error: 300 - Multiple Choices' }],
    [599, { success: false, result: 'Error: 599 - Unknown' }],
  ])('tells %d as %o', async (status, result) => {
    nock(origin).head(`/v2/${path}`).reply(status);
    expect(await testConnection(settingsOf(), path, optionsOf())).toEqual(result);
  });

  test.each([
    [path, 'library/alpine'],
    [`library/alpine/blobs/sha256:${'a'.repeat(64)}`, 'library/alpine'],
    ['library/manifests/alpine/manifests/latest', 'library/manifests/alpine'],
  ])('goes through the token exchange for the repository of %s', async (asked, repository) => {
    const challenge = { 'www-authenticate': `Bearer realm="${origin}/token"` };
    nock(origin, { reqheaders: { accept: manifestAccept } })
      .head(`/v2/${asked}`)
      .reply(401, undefined, challenge);
    nock(origin)
      .get('/token')
      .query({ scope: `repository:${repository}:pull`, account: 'robot' })
      .reply(200, { token: 't1' });
    nock(origin, { reqheaders: { authorization: 'Bearer t1' } })
      .head(`/v2/${asked}`)
      .reply(200);
    expect(await testConnection(settingsOf({ credentials }), asked, optionsOf())).toEqual({ success: true });
  });

  test('tells what makes no sense in its own words, and a fault of ours as none of the upstream', async () => {
    const evil = { 'www-authenticate': 'Bearer realm="https://evil.example.org/token"' };
    nock(origin).head(`/v2/${path}`).reply(401, undefined, evil);
    expect(await testConnection(settingsOf(), path, optionsOf())).toMatchObject({
      success: false,
      result: expect.stringContaining('Error: has its token service at evil.example.org, on another domain'),
    });
    const fault = new Error('a fault of ours');
    const now = () => {
      throw fault;
    };
    nock(origin)
      .head(`/v2/${path}`)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
    const tokens = optionsOf().tokens;
    await expect(testConnection(settingsOf(), path, optionsOf({ now, tokens }))).rejects.toBe(fault);
  });

  test('tells a token service that refuses as what it answers', async () => {
    nock(origin)
      .head(`/v2/${path}`)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
    nock(origin).get('/token').query(true).reply(401);
    const result = await testConnection(settingsOf({ credentials }), path, optionsOf());
    expect(result).toEqual({ success: false, result: 'Error: 401 - Unauthorized' });
  });

  test('tells a token service that fails in its own words', async () => {
    nock(origin)
      .head(`/v2/${path}`)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
    nock(origin).get('/token').query(true).reply(503);
    const result = await testConnection(settingsOf(), path, optionsOf());
    expect(result).toEqual({ success: false, result: 'Error: has a token service that answered 503' });
  });

  test('tells a time-out in the documented words', async () => {
    nock(origin).head(`/v2/${path}`).delay(2000).reply(200);
    expect(await testConnection(settingsOf(), path, optionsOf({ answerMs: 40 }))).toEqual({
      success: false,
      result: 'Error: Connection timeout',
    });
    nock.abortPendingRequests();
  });

  test('tells a refused address', async () => {
    const settings = settingsOf({ url: 'http://169.254.169.254' });
    expect(await testConnection(settings, path, optionsOf())).toEqual({
      success: false,
      result:
        'Error: address 169.254.169.254 is not a public address; allow it with upstreams.allowed_networks',
    });
  });
});

test('the image may be missing of a registry without a path, whatever its /v2/ says', async () => {
  nock(origin).get('/v2/').reply(404).persist();
  nock(origin).head(`/v2/${path}`).reply(404);
  expect(await testConnection(settingsOf(), path, optionsOf())).toEqual({ success: true });
  nock.cleanAll();
});

describe('the pool', () => {
  function remoteOf(pool: UpstreamPool, settings: Partial<UpstreamSettings> = {}): RemoteUpstream {
    const upstream = pool.get(settingsOf(settings));
    if (upstream instanceof RemoteUpstream) return upstream;
    throw new Error('not a remote upstream');
  }

  test('makes no remote upstream of one on this server, which has no health', async () => {
    const pool = new UpstreamPool(optionsOf());
    expect(remoteOf(pool).health()).toEqual(pool.healthOf(7));
    const changed = settingsOf({ url: 'entrepot:acme/shop', updatedAt: 2 });
    const local = pool.get(changed);
    expect(local).toBeInstanceOf(LocalUpstream);
    expect(pool.get(changed)).toBe(local);
    expect(pool.healthOf(7)).toBeUndefined();
    await pool.close();
  });

  test('knows no upstream any more once it is closed, and ends what is under way', async () => {
    const pool = new UpstreamPool(optionsOf());
    nock(origin).head('/v2/team/app/manifests/latest').reply(404);
    const upstream = remoteOf(pool);
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
    pool.get(settingsOf({ id: 8, url: 'entrepot:acme/shop' }));
    await pool.close();
    expect(pool.healthOf(7)).toBeUndefined();
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('gives the same upstream until its settings change', async () => {
    const pool = new UpstreamPool(optionsOf());
    const first = pool.get(settingsOf());
    expect(pool.get(settingsOf())).toBe(first);
    expect(pool.get(settingsOf({ id: 8 }))).not.toBe(first);
    expect(pool.get(settingsOf({ updatedAt: 2 }))).not.toBe(first);
    await pool.close();
  });

  test('lets go of an upstream that was deleted, an hour after it was last used', async () => {
    const [clock, observer] = [new Clock(), new RecordingObserver()];
    const pool = new UpstreamPool(optionsOf({ now: clock.now, observer }));
    const hourMs = 3_600_000;
    const other = pool.get(settingsOf({ id: 8 }));
    remoteOf(pool);
    pool.get(settingsOf({ id: 9, url: 'entrepot:acme/shop' }));
    for (let minutes = 0; minutes < 59; minutes += 1) {
      clock.ms += 60_000;
      expect(pool.get(settingsOf({ id: 8 }))).toBe(other);
    }
    expect(pool.healthOf(7)).toBeDefined();
    clock.ms += 60_000;
    expect(pool.get(settingsOf({ id: 8 }))).toBe(other);
    expect([pool.healthOf(7), observer.gone]).toEqual([undefined, ['7', '9']]);
    clock.ms += 2 * hourMs;
    expect(pool.get(settingsOf({ id: 8 }))).not.toBe(other);
    await pool.close();
  });

  test('keeps one that must not be asked before some time until that time', async () => {
    const clock = new Clock();
    const pool = new UpstreamPool(optionsOf({ now: clock.now }));
    nock(origin).head('/v2/team/app/manifests/latest').reply(429, '', { 'Retry-After': '10800' });
    await remoteOf(pool)
      .headManifest(image, latest)
      .catch(() => undefined);
    const openUntil = pool.healthOf(7)?.openUntil ?? 0;
    expect(openUntil).toBeGreaterThan(clock.ms);
    for (clock.ms = openUntil - 60_000; clock.ms < openUntil + 3_600_000; clock.ms += 3_600_000) {
      pool.get(settingsOf({ id: 8 }));
      expect(pool.healthOf(7)).toBeDefined();
    }
    pool.get(settingsOf({ id: 8 }));
    expect(pool.healthOf(7)).toBeUndefined();
    await pool.close();
  });

  test('tests a connection beside an open breaker, and changes nothing', async () => {
    const pool = new UpstreamPool(optionsOf({ breakerFailures: 1 }));
    const upstream = remoteOf(pool);
    nock(origin).head('/v2/team/app/manifests/latest').reply(500);
    await upstream.headManifest(image, latest).catch(() => undefined);
    const before = upstream.health();
    expect(before.breaker).toBe('open');
    nock(origin).head(`/v2/${path}`).reply(200);
    expect(await pool.test(settingsOf(), path)).toEqual({ success: true });
    expect(upstream.health()).toEqual(before);
    await pool.close();
  });

  test('lets an upstream with old settings end what it is at', async () => {
    const pool = new UpstreamPool(optionsOf());
    nock(origin).head('/v2/team/app/manifests/latest').delay(30).times(2).reply(404);
    const old = remoteOf(pool);
    const underWay = old.headManifest(image, latest);
    pool.get(settingsOf({ updatedAt: 2 }));
    await expect(underWay).rejects.toMatchObject({ kind: 'not-found' });
    await expect(old.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
    await pool.close();
  });

  test('uses new tokens for new settings', async () => {
    const pool = new UpstreamPool(optionsOf());
    const manifest = '/v2/team/app/manifests/latest';
    for (const [updatedAt, token] of [
      [1, 't1'],
      [2, 't2'],
    ] as const) {
      nock(origin)
        .head(manifest)
        .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
      nock(origin).get('/token').query(true).reply(200, { token });
      nock(origin, { reqheaders: { authorization: `Bearer ${token}` } })
        .head(manifest)
        .reply(200);
      await remoteOf(pool, { updatedAt }).headManifest(image, latest);
    }
    await pool.close();
  });
});

test('a path at which there is no registry is told apart from one without the image', async () => {
  const url = `${origin}/team`;
  const tested = (front: number, host: number) => {
    nock(origin).get('/team/v2/').reply(front).persist();
    nock(origin).get('/v2/').reply(host).persist();
    const there = front === 404 && host === 200 ? `/v2/team/${path}` : `/team/v2/${path}`;
    nock(origin).head(there).reply(404);
    return testConnection(settingsOf({ url }), path, optionsOf()).finally(() => nock.cleanAll());
  };
  expect(await tested(404, 404)).toEqual({
    success: false,
    result: `Error: there is no registry at ${url}/v2/, nor at ${origin}/v2/`,
  });
  expect(await tested(200, 404)).toEqual({ success: true });
  expect(await tested(404, 200)).toEqual({ success: true });
});
