import { setImmediate as nextTurn, setImmediate } from 'node:timers/promises';
import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { maxTokenBytes } from '../../../src/upstreams/token-exchange.ts';
import { createKit, credentials, image, latest } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry();

const path = '/v2/team/app/manifests/latest';
const scope = 'repository:team/app:pull';
const challenge = { 'www-authenticate': `Bearer realm="${origin}/token",service="reg",scope="${scope}"` };
const digest = `sha256:${'a'.repeat(64)}`;
const found = { 'docker-content-digest': digest };
const basic = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;

function registry(authorization?: string): nock.Scope {
  return nock(
    origin,
    authorization === undefined ? { badheaders: ['authorization'] } : { reqheaders: { authorization } },
  );
}

/** What the registry says of how to ask, where nobody is let in. */
function base(status: number, headers: Record<string, string> = {}): nock.Scope {
  return registry().get('/v2/').reply(status, {}, headers);
}

function tokenService(body: object | string, query: object = { service: 'reg', scope }): nock.Scope {
  return nock(origin)
    .get('/token')
    .query(query as nock.DataMatcherMap)
    .reply(200, body);
}

describe('a registry that wants no authorization', () => {
  test('is asked without any', async () => {
    registry().head(path).reply(200, undefined, found);
    expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('gets no credentials that it did not ask for', async () => {
    base(200);
    registry().head(path).reply(200, undefined, found);
    await createKit({ credentials }).upstream.headManifest(image, latest);
  });
});

describe('a registry that wants a bearer token', () => {
  test('is asked again with an anonymous one, and with the same one from then on', async () => {
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1', expires_in: 300 });
    registry('Bearer t1').head(path).times(2).reply(200, undefined, found);
    const { upstream, observer } = createKit();
    await upstream.headManifest(image, latest);
    await upstream.headManifest(image, latest);
    expect(observer.requests).toEqual(['token ok', 'manifest-head ok', 'manifest-head ok']);
  });

  test('has its token service asked with the credentials and their account', async () => {
    base(401, challenge);
    nock(origin, { reqheaders: { authorization: basic } })
      .get('/token')
      .query({ service: 'reg', scope, account: 'robot' })
      .reply(200, { token: 't1' });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await createKit({ credentials }).upstream.headManifest(image, latest);
  });

  test('is asked with a token at once for its other repositories', async () => {
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1' });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    tokenService({ token: 't2' }, { service: 'reg', scope: 'repository:other:pull' });
    registry('Bearer t2').head('/v2/other/manifests/latest').reply(200, undefined, found);
    const { upstream } = createKit();
    await upstream.headManifest(image, latest);
    await upstream.headManifest(parseRepositoryName('other'), latest);
  });

  test('gets a token for what is asked for and for the scopes that it names, each as a parameter of its own', async () => {
    const scopes = 'repository:prefix/team/app:pull repository:base:pull';
    registry()
      .head(path)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token?a=b",scope="${scopes}"` });
    tokenService({ token: 't1' }, { a: 'b', scope: [scope, ...scopes.split(' ')] });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await createKit().upstream.headManifest(image, latest);
  });

  test('gets a token for what is asked for where it names no scope', async () => {
    registry()
      .head(path)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token",scope=""` });
    tokenService({ token: 't1' }, { scope });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await createKit().upstream.headManifest(image, latest);
  });

  test('keeps the scopes that it named where it names none later', async () => {
    const { upstream } = createKit();
    const asking = {
      'www-authenticate': `Bearer realm="${origin}/token",scope=" repository:inner:pull  a:b:c"`,
    };
    registry().head(path).reply(401, undefined, asking);
    tokenService({ token: 't1' }, { scope: [scope, 'repository:inner:pull', 'a:b:c'] });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    registry('Bearer t1')
      .head(path)
      .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
    tokenService({ token: 't2' }, { scope: [scope, 'repository:inner:pull', 'a:b:c'] });
    registry('Bearer t2').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
  });

  test('has what its tokens take told, and what they come to', async () => {
    const { upstream, observer, clock } = createKit();
    registry().head(path).reply(401, undefined, challenge);
    nock(origin)
      .get('/token')
      .query(true)
      .reply(200, () => {
        clock.ms += 1500;
        return { token: 't1' };
      });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    registry().get('/v2/other/manifests/latest').reply(200);
    nock(origin)
      .get('/token')
      .query(true)
      .reply(() => {
        clock.ms += 250;
        return [503];
      });
    const other = parseRepositoryName('other');
    await expect(upstream.headManifest(other, latest)).rejects.toMatchObject({ kind: 'unavailable' });
    await upstream.getManifest(other, latest);
    expect(observer.requests).toEqual([
      'token ok',
      'manifest-head ok',
      'token unavailable',
      'manifest-head unavailable',
      'manifest ok',
    ]);
    expect(observer.seconds).toEqual([1.5, 1.5, 0.25, 0.25, 0]);
  });

  test('may have its token service on another host of its domain, where no credentials are sent without https', async () => {
    const plain = 'http://registry.example.com';
    const elsewhere = { 'www-authenticate': 'Bearer realm="http://auth.example.com/token"' };
    nock(plain).head(path).reply(401, undefined, elsewhere);
    nock('http://auth.example.com').get('/token').query({ scope }).reply(200, { token: 't1' });
    nock(plain, { reqheaders: { authorization: 'Bearer t1' } })
      .head(path)
      .reply(200, undefined, found);
    expect(await createKit({ url: plain }).upstream.headManifest(image, latest)).toEqual({ digest });
    nock(plain).get('/v2/').reply(401, undefined, elsewhere);
    const asked = createKit({ url: plain, credentials }).upstream.headManifest(image, latest);
    await expect(asked).rejects.toThrow('where credentials are not sent unless both have https');
  });

  test('may call the token access_token', async () => {
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ access_token: 't9' });
    registry('Bearer t9').head(path).reply(200, undefined, found);
    await createKit().upstream.headManifest(image, latest);
  });

  test.each([
    ['said', 300, 269_000, 271_000],
    ['not said, which means 60 s', undefined, 53_000, 55_000],
    ['nonsense, which means 60 s', 0, 53_000, 55_000],
    ['no number, which means 60 s', 'soon', 53_000, 55_000],
  ])('has its token renewed shortly before the end that is %s', async (_what, expiresIn, before, after) => {
    const { upstream, clock } = createKit();
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1', expires_in: expiresIn });
    registry('Bearer t1').head(path).times(2).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    clock.ms += before;
    await upstream.headManifest(image, latest);
    clock.ms += after - before;
    tokenService({ token: 't2' });
    registry('Bearer t2').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
  });

  test('sees one token request for twenty pulls at once', async () => {
    registry().head(path).times(20).reply(401, undefined, challenge);
    nock(origin).get('/token').query(true).delay(50).reply(200, { token: 't1' });
    registry('Bearer t1').head(path).times(20).reply(200, undefined, found);
    const { upstream } = createKit({}, { maxConnections: 100 });
    await Promise.all(Array.from({ length: 20 }, () => upstream.headManifest(image, latest)));
  });

  test('hands the failure of one token request to all that wait for it, and keeps no failure', async () => {
    registry().head(path).times(5).reply(401, undefined, challenge);
    nock(origin).get('/token').query(true).delay(50).reply(503);
    const { upstream } = createKit({}, { maxConnections: 100, breakerFailures: 9 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => upstream.headManifest(image, latest)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    registry().get(path).reply(200, 'x');
    expect((await upstream.getManifest(image, latest)).payload.toString()).toBe('x');
  });

  test('is asked with a new token where it no longer accepts the old one', async () => {
    const { upstream } = createKit();
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1', expires_in: 3000 });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    registry('Bearer t1').head(path).reply(401, undefined, challenge);
    tokenService({ token: 't2' });
    registry('Bearer t2').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
  });

  test('is asked no third time', async () => {
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1' });
    registry('Bearer t1').head(path).reply(401, undefined, challenge);
    await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unauthorized',
      status: 401,
      message: 'refused anonymous access (401) or has no such repository; no credentials are configured',
    });
  });

  test('keeps waiting callers whose leader gave up', async () => {
    registry().head(path).times(2).reply(401, undefined, challenge);
    const [asked, given] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    nock(origin)
      .get('/token')
      .query(true)
      .reply(200, async () => {
        asked.resolve();
        await given.promise;
        return { token: 't1' };
      });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    const { upstream } = createKit();
    const leader = new AbortController();
    const left = upstream.headManifest(image, latest, leader.signal);
    const stayed = upstream.headManifest(image, latest);
    await asked.promise;
    // The other one waits by now, too.
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    leader.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    given.resolve();
    expect(await stayed).toEqual({ digest });
  });

  test('is not asked again without a token because somebody did not wait for one', async () => {
    const { upstream, observer } = createKit();
    const leaving = new AbortController();
    registry().head(path).reply(401, undefined, challenge);
    nock(origin)
      .get('/token')
      .query(true)
      .delay(1000)
      .reply(() => [200, { token: 't1' }]);
    const left = upstream.headManifest(image, latest, leaving.signal);
    await expect.poll(() => nock.pendingMocks()).toEqual([]);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    nock.abortPendingRequests();
    for (let turns = 0; turns < 5; turns++) await setImmediate();
    tokenService({ token: 't2' });
    registry('Bearer t2').head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    expect(observer.requests).toEqual(['token ok', 'manifest-head ok']);
  });
});

test('a registry that refuses its own token without a word is not asked how to ask', async () => {
  registry().head(path).reply(401, undefined, challenge);
  tokenService({ token: 't1' });
  registry('Bearer t1').head(path).reply(401);
  await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 401 });
});

test('the first of several offers that says where a token is to be had is taken', async () => {
  const offers = `Bearer service="none", Bearer realm="${origin}/token", Bearer realm="${origin}/other"`;
  registry().head(path).reply(401, undefined, { 'www-authenticate': offers });
  tokenService({ token: 't1' }, { scope });
  registry('Bearer t1').head(path).reply(200, undefined, found);
  expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
});

test('a registry that wants a token and says nowhere where from is told as that', async () => {
  registry().head(path).reply(401, undefined, { 'www-authenticate': 'Bearer service="reg"' });
  await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({
    kind: 'invalid',
    message: 'asks for a token but names no usable token service',
  });
});

describe('what a registry says of how to ask', () => {
  const hourMs = 3_600_000;

  test('is no challenge where it lets everybody in', async () => {
    base(200, { 'www-authenticate': 'Basic realm="x"' });
    registry().head(path).reply(200, undefined, found);
    expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('holds for an hour where it is nothing, for strangers as well', async () => {
    const { upstream, clock } = createKit();
    const refused = () => registry().head(path).reply(403);
    base(200);
    refused();
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 403 });
    clock.ms += hourMs - 1;
    refused();
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 403 });
    clock.ms += 1;
    refused();
    base(401, challenge);
    tokenService({ token: 't1' });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test.each([429, 503])('is not known where it answers %d, and asked again', async (status) => {
    const { upstream } = createKit({ credentials });
    base(status);
    registry().head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    base(401, { 'www-authenticate': 'Basic realm="x"' });
    registry(basic).head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
  });

  test('is waited for no longer than any answer', async () => {
    registry().get('/v2/').delay(5000).reply(200);
    const { upstream, observer } = createKit({ credentials }, { answerMs: 50, probeMs: 60_000 });
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      limit: 'upstreams.answer_seconds',
    });
    expect(observer.timeOuts).toEqual(['upstreams.answer_seconds']);
    nock.abortPendingRequests();
  });
});

describe('a token service', () => {
  async function failure(): Promise<unknown> {
    registry().head(path).reply(401, undefined, challenge);
    return createKit()
      .upstream.headManifest(image, latest)
      .catch((error: unknown) => error);
  }

  test('on another domain never hears from us', async () => {
    nock('https://evil.example.org').get(/.*/).reply(200, { token: 'stolen' }).persist();
    const evil = { 'www-authenticate': 'Bearer realm="https://evil.example.org/token",service="reg"' };
    base(401, evil);
    await expect(createKit({ credentials }).upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/token service at evil\.example\.org, on another domain/),
    });
    expect(nock.pendingMocks()).toHaveLength(1);
    nock.cleanAll();
  });

  test('on another domain hears from us where the upstream has it for its token host', async () => {
    const sso = 'https://sso.example.org:8443';
    base(401, { 'www-authenticate': `Bearer realm="${sso}/token"` });
    nock(sso, { reqheaders: { authorization: basic } })
      .get('/token')
      .query({ scope, account: 'robot' })
      .reply(200, { token: 't1' });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    const { upstream } = createKit({ credentials, tokenHost: 'sso.example.org:8443' });
    expect(await upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('on another domain does not hear from us, and the registry does where it takes Basic too', async () => {
    base(401, { 'www-authenticate': 'Bearer realm="https://evil.example.org/token", Basic realm="x"' });
    registry(basic).head(path).reply(200, undefined, found);
    expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test('may redirect within its origin, where the credentials are sent', async () => {
    base(401, challenge);
    nock(origin, { reqheaders: { authorization: basic } })
      .get('/token')
      .query(true)
      .reply(307, undefined, { location: '/v3/token?scope=x' });
    nock(origin, { reqheaders: { authorization: basic } })
      .get('/v3/token?scope=x')
      .reply(200, { token: 't1' });
    registry('Bearer t1').head(path).reply(200, undefined, found);
    expect(await createKit({ credentials }).upstream.headManifest(image, latest)).toEqual({ digest });
  });

  test.each([
    [401, 'redirected to another origin, where credentials are not sent, and refused a token there (401)'],
    [200, undefined],
  ])('may redirect to another origin, where no credentials are sent (%d)', async (status, message) => {
    base(401, challenge);
    nock(origin, { reqheaders: { authorization: basic } })
      .get('/token')
      .query(true)
      .reply(302, undefined, { location: 'https://sso.example.org/token' });
    nock('https://sso.example.org', { badheaders: ['authorization'] })
      .get('/token')
      .reply(status, { token: 't1' });
    if (status === 200) registry('Bearer t1').head(path).reply(200, undefined, found);
    const { upstream, log } = createKit({ credentials });
    const asked = upstream.headManifest(image, latest);
    if (message === undefined) expect(await asked).toEqual({ digest });
    else await expect(asked).rejects.toMatchObject({ message: `has a token service that ${message}` });
    expect(log.lines).toEqual([]);
  });

  test('may not redirect from https to http', async () => {
    nock(origin)
      .get('/token')
      .query(true)
      .reply(307, undefined, { location: 'http://registry.example.com/token' });
    expect(await failure()).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/https to http/),
    });
  });

  test('may name a token with white space around it, and its life in text', async () => {
    const { upstream, clock } = createKit();
    registry().head(path).reply(401, undefined, challenge);
    tokenService({ token: ' t1\n', expires_in: '300' });
    registry('Bearer t1').head(path).times(2).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    clock.ms += 200_000;
    await upstream.headManifest(image, latest);
  });

  describe('that refuses one scope for another', () => {
    const named = 'repository:inner/team/app:pull';
    const asking = { 'www-authenticate': `Bearer realm="${origin}/token",scope="${named}"` };
    const refuse = (scopes: string | string[], status: number) =>
      nock(origin).get('/token').query({ scope: scopes }).reply(status);

    test.each([400, 401, 403, 404])('is asked for what is asked for alone (%d)', async (status) => {
      registry().head(path).reply(401, undefined, asking);
      refuse([scope, named], status);
      tokenService({ token: 't1' }, { scope });
      registry('Bearer t1').head(path).reply(200, undefined, found);
      expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
    });

    test('is asked then for what the registry named', async () => {
      registry().head(path).reply(401, undefined, asking);
      refuse([scope, named], 403);
      refuse(scope, 403);
      tokenService({ token: 't1' }, { scope: named });
      registry('Bearer t1').head(path).reply(200, undefined, found);
      expect(await createKit().upstream.headManifest(image, latest)).toEqual({ digest });
    });

    test('is not asked again where it fails, or has nothing but one scope to refuse', async () => {
      registry().head(path).reply(401, undefined, asking);
      refuse([scope, named], 500);
      await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 500 });
      registry().head(path).reply(401, undefined, asking);
      refuse([scope, named], 403);
      refuse(scope, 500);
      await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 500 });
      refuse(scope, 403);
      registry()
        .head(path)
        .reply(401, undefined, { 'www-authenticate': `Bearer realm="${origin}/token"` });
      await expect(createKit().upstream.headManifest(image, latest)).rejects.toMatchObject({ status: 403 });
    });
  });

  test('may not send more than a mebibyte', async () => {
    nock(origin)
      .get('/token')
      .query(true)
      .reply(200, `{"token":"${'x'.repeat(maxTokenBytes)}"}`);
    expect(await failure()).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/more than the 1048576 bytes/),
    });
  });

  test('that answers what is no JSON, or over a limit of it, is no use, and it is said why', async () => {
    const bodies = [
      ['not json', 'is not JSON'],
      ['['.repeat(1000), 'is nested deeper than 64 levels'],
    ] as const;
    for (const [body, reason] of bodies) {
      nock(origin).get('/token').query(true).reply(200, body);
      const message = `sent an answer of its token service that ${reason}`;
      expect(await failure()).toMatchObject({ kind: 'invalid', message });
    }
  });

  test.each(['{}', '{"token":""}', '{"token":"a\\r\\nb"}', '[]'])(
    'that answers %s is no use',
    async (body) => {
      nock(origin).get('/token').query(true).reply(200, body);
      expect(await failure()).toMatchObject({
        kind: 'invalid',
        message: 'has a token service that answered without a token',
      });
    },
  );

  test.each([
    [429, 'rate-limited', 7000],
    [500, 'unavailable', 7000],
    [404, 'invalid', undefined],
    [410, 'invalid', undefined],
    [300, 'invalid', undefined],
  ])('that answers %d makes it %s, and may say for how long', async (status, kind, retryAfterMs) => {
    nock(origin).get('/token').query(true).reply(status, undefined, { 'retry-after': '7' });
    const message = `has a token service that answered ${status}`;
    expect(await failure()).toMatchObject({ kind, status, retryAfterMs, message });
  });

  test('that refuses the credentials says so, to the caller and in the log, which has no secret', async () => {
    base(401, challenge);
    nock(origin).get('/token').query(true).reply(401);
    const { upstream, log, observer } = createKit({ credentials });
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unauthorized',
      status: 401,
      message: 'has a token service that refused the credentials (401)',
    });
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toContain('the upstream refused its credentials');
    expect(JSON.parse(log.lines[0] ?? '')).toMatchObject({
      upstream: 7,
      name: 'seven',
      repository: 'team/app',
      reason: 'has a token service that refused the credentials (401)',
    });
    expect(log.lines[0]).not.toContain('s3cret');
    expect(observer.requests).toEqual(['token unauthorized', 'manifest-head unauthorized']);
  });

  test('that gives no anonymous token says that no credentials are configured', async () => {
    nock(origin).get('/token').query(true).reply(403);
    expect(await failure()).toMatchObject({
      kind: 'unauthorized',
      message: expect.stringMatching(/no credentials are configured/),
    });
  });
});

describe('a registry that wants Basic', () => {
  const wanted = { 'www-authenticate': 'Basic realm="here"' };

  test('gets it when it asks, and at once from then on', async () => {
    base(401, wanted);
    registry(basic).head(path).times(2).reply(200, undefined, found);
    const { upstream } = createKit({ credentials });
    await upstream.headManifest(image, latest);
    await upstream.headManifest(image, latest);
  });

  test('is not asked twice with credentials that it refused', async () => {
    base(401, wanted);
    base(401, wanted);
    registry(basic).head(path).times(2).reply(401, undefined, wanted);
    const { upstream } = createKit({ credentials });
    for (let n = 0; n < 2; n++)
      await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
        kind: 'unauthorized',
        message: 'refused the credentials (401) or has no such repository',
      });
  });

  test('is given up where there are no credentials', async () => {
    registry().head(path).reply(401, undefined, wanted);
    const { upstream, log } = createKit();
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unauthorized',
      status: 401,
      message: expect.stringContaining('no credentials are configured'),
    });
    expect(log.lines).toEqual([]);
  });

  test('may want a token later', async () => {
    const { upstream } = createKit({ credentials });
    base(401, wanted);
    registry(basic).head(path).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    registry(basic).head(path).reply(401, undefined, challenge);
    tokenService({ token: 't1' }, { service: 'reg', scope, account: 'robot' });
    registry('Bearer t1').head(path).times(2).reply(200, undefined, found);
    await upstream.headManifest(image, latest);
    await upstream.headManifest(image, latest);
  });
});

test('a registry that wants what we do not know is given up, and not said to have refused what it was not sent', async () => {
  base(401, { 'www-authenticate': 'Negotiate' });
  registry().head(path).reply(401, undefined, { 'www-authenticate': 'Negotiate' });
  const { upstream, log } = createKit({ credentials });
  await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
    kind: 'unauthorized',
    message:
      'refused anonymous access (401) or has no such repository; it did not ask for the credentials, so they were not sent',
  });
  expect(log.lines).toEqual([]);
});

test('only a refusal of credentials is told as one', async () => {
  base(200);
  registry().head(path).reply(404);
  const { upstream, log } = createKit({ credentials });
  await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({ kind: 'not-found' });
  const reason = new Error('left');
  await expect(upstream.headManifest(image, latest, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(log.lines).toEqual([]);
});
