/** CI jobs without stored secrets: what an ID token, or what it was exchanged for, is good for here. */
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { createKey, OidcIssuer } from '../support/oidc-issuer.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const audience = 'https://registry.example';
const second = 1000;
const minute = 60 * second;
const image = fakeImage();
const exchangeForm = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
};

interface Trust {
  readonly id: number;
}

interface Exchanged {
  readonly access_token: string;
  readonly expires_in: number;
  readonly error?: string;
}

describeApp('a CI job', (start) => {
  /** The private projects acme/shop and acme/other; protected branches of acme/shop are trusted to push. */
  async function setUp() {
    const issuer = await OidcIssuer.start();
    const app = await start();
    const shop = await createProject(app, 'acme/shop');
    await createProject(app, 'acme/other');
    const trust = (fields: object = {}, path = `/projects/${shop}/ci_trusts`) =>
      app.api('POST', path, {
        name: 'CI',
        issuer: issuer.url,
        audience,
        claims: { project_path: 'acme/shop', ref_protected: 'true' },
        ...fields,
      });
    const { id } = await jsonOf<Trust>(await trust());
    const claims = { aud: audience, project_path: 'acme/shop', ref_protected: 'true' };
    return {
      app,
      shop,
      issuer,
      trust,
      trustId: id,
      sign: (other: object = {}, options: Parameters<OidcIssuer['sign']>[1] = {}) =>
        issuer.sign({ ...claims, ...other }, options),
      async [Symbol.asyncDispose]() {
        await app.close();
        await issuer.close();
      },
    };
  }

  const job = (app: TestApp, name: string, token: string) =>
    new Pusher(app, name, { username: 'gitlab-ci-token', token });

  /** As `docker login` does. */
  async function login(app: TestApp, token: string): Promise<number> {
    const basic = Buffer.from(`gitlab-ci-token:${token}`).toString('base64');
    const url = `${app.url}/jwt/auth?account=gitlab-ci-token&service=container_registry`;
    return (await fetch(url, { headers: { authorization: `Basic ${basic}` } })).status;
  }

  const exchange = (app: TestApp, form: Record<string, string>) =>
    fetch(`${app.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...exchangeForm, ...form }),
    });

  test('logs in with its ID token, pushes to its project and pulls from it', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const token = await sign();
    expect(await login(app, token)).toBe(200);
    const pusher = job(app, 'acme/shop/web', token);
    await pusher.image(image, 'v1');
    expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await pusher.ask('DELETE', 'manifests/v1')).status).toBe(202);
  });

  test('gets registry tokens for its project, and none for others', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const basic = Buffer.from(`gitlab-ci-token:${await sign()}`).toString('base64');
    const scopes = ['acme/shop:pull,push', 'acme/other:pull,push'].map(
      (scope) => `scope=repository:${scope}`,
    );
    const url = `${app.url}/jwt/auth?service=container_registry&${scopes.join('&')}`;
    const answer = await fetch(url, { headers: { authorization: `Basic ${basic}` } });
    const { token } = await jsonOf<{ token: string }>(answer);
    expect(decodeJwt(token)['access']).toEqual([
      expect.objectContaining({ type: 'repository', name: 'acme/shop', actions: ['pull', 'push'] }),
    ]);
    const listed = await fetch(`${app.url}/v2/acme/shop/blobs/uploads/`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(listed.status).toBe(202);
  });

  test('is refused in other projects, but pulls what is internal', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    await createProject(app, 'tools/lint', { visibility: 'internal' });
    for (const name of ['acme/other', 'tools/lint']) await new Pusher(app, name).image(image, 'v1');
    const token = await sign();
    const other = job(app, 'acme/other', token);
    expect((await other.ask('GET', 'manifests/v1')).status).toBe(404);
    expect((await other.ask('POST', 'blobs/uploads/')).status).toBe(403);
    const tools = job(app, 'tools/lint', token);
    expect((await tools.ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await tools.ask('POST', 'blobs/uploads/')).status).toBe(403);
  });

  test('pulls only, where its trust gives Reporter', async () => {
    await using stage = await setUp();
    const { app, sign, trust } = stage;
    await new Pusher(app, 'acme/shop').image(image, 'v1');
    await trust({ claims: { project_path: 'acme/docs' }, access_level: 20 });
    const pusher = job(app, 'acme/shop', await sign({ project_path: 'acme/docs' }));
    expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await pusher.ask('POST', 'blobs/uploads/')).status).toBe(403);
  });

  test('is what the oldest trust says that it satisfies', async () => {
    await using stage = await setUp();
    const { app, sign, trust } = stage;
    await trust({ claims: { project_path: 'acme/*' } }, '/projects/acme%2Fother/ci_trusts');
    const both = await sign();
    expect((await job(app, 'acme/shop', both).ask('POST', 'blobs/uploads/')).status).toBe(202);
    expect((await job(app, 'acme/other', both).ask('POST', 'blobs/uploads/')).status).toBe(403);
    const unprotected = await sign({ ref_protected: 'false' });
    expect((await job(app, 'acme/other', unprotected).ask('POST', 'blobs/uploads/')).status).toBe(202);
  });

  test('has no business in the REST API', async () => {
    await using stage = await setUp();
    const { app, shop, sign } = stage;
    const headers = { 'private-token': await sign() };
    const answer = await app.api('GET', `/projects/${shop}`, undefined, headers);
    expect(answer.status).toBe(401);
  });

  test('is refused with a token that is not for us', async () => {
    await using stage = await setUp();
    const { app, issuer, sign } = stage;
    const stranger = await createKey('RS256');
    const refused = {
      'another audience': await sign({ aud: 'https://vault.example' }),
      'another issuer': await sign({ iss: 'https://gitlab.example' }),
      'another project': await sign({ project_path: 'evil/shop' }),
      'a branch that is not protected': await sign({ ref_protected: 'false' }),
      'a claim less': await sign({ ref_protected: undefined }),
      'its time over': await sign({}, { expiresInSeconds: -1 }),
      'its time to come': await sign({ nbf: Math.floor(Date.now() / 1000) + 60 }),
      'an unknown key': await sign({}, { key: stranger }),
      'the name of a known key': await sign({}, { key: stranger, kid: issuer.keys[0]?.kid ?? '' }),
      'no signature': unsigned(await sign()),
      'another payload': (await sign()).replace(/\.[^.]+\./, `.${(await sign()).split('.')[1]}.`),
    };
    for (const [what, token] of Object.entries(refused)) {
      expect(`${what}: ${await login(app, token)}`).toBe(`${what}: 401`);
      const upload = await job(app, 'acme/shop', token).ask('POST', 'blobs/uploads/');
      expect(`${what}: ${upload.status}`).toBe(`${what}: 401`);
    }
    expect(await login(app, await sign())).toBe(200);
  });

  test('goes on while its issuer rotates keys, and while it is down', async () => {
    await using stage = await setUp();
    const { app, issuer, sign } = stage;
    const first = await sign();
    expect(await login(app, first)).toBe(200);
    await issuer.rotate();
    app.advance(10 * second);
    expect([await login(app, await sign()), await login(app, first)]).toEqual([200, 200]);
    issuer.mode = 'down';
    app.advance(11 * minute);
    const now = Date.now() + 11 * minute;
    expect(await login(app, await sign({}, { now }))).toBe(200);
  });

  test('with an unknown key has its issuer asked once per interval', async () => {
    await using stage = await setUp();
    const { app, issuer, sign } = stage;
    expect(await login(app, await sign())).toBe(200);
    app.advance(10 * second);
    for (let count = 0; count < 5; count++) {
      expect(await login(app, await sign({}, { kid: `made up ${count}` }))).toBe(401);
    }
    expect(issuer.asked.keys).toBe(2);
  });

  test('is refused within a second where its trust is removed', async () => {
    await using stage = await setUp();
    const { app, shop, sign, trustId } = stage;
    const token = await sign();
    const { access_token: jobToken } = await jsonOf<Exchanged>(await exchange(app, { subject_token: token }));
    expect([await login(app, token), await login(app, jobToken)]).toEqual([200, 200]);
    expect((await app.api('DELETE', `/projects/${shop}/ci_trusts/${trustId}`)).status).toBe(204);
    app.advance(second);
    expect([await login(app, token), await login(app, jobToken)]).toEqual([401, 401]);
    expect((await exchange(app, { subject_token: token })).status).toBe(400);
  });

  test('exchanges its ID token for a job token of the same rights and the same end', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const answer = await exchange(app, { subject_token: await sign() });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const body = await jsonOf<Exchanged>(answer);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^entj-/),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    });
    expect(body.expires_in).toBeGreaterThan(590);
    expect(body.expires_in).toBeLessThanOrEqual(600);
    await job(app, 'acme/shop', body.access_token).image(image, 'v1');
    expect((await job(app, 'acme/other', body.access_token).ask('POST', 'blobs/uploads/')).status).toBe(403);
    app.advance(10 * minute);
    expect(await login(app, body.access_token)).toBe(401);
  });

  test('has a job token for an hour at most', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const answer = await exchange(app, { subject_token: await sign({}, { expiresInSeconds: 86_400 }) });
    const { expires_in: seconds } = await jsonOf<Exchanged>(answer);
    expect(seconds).toBeGreaterThan(3590);
    expect(seconds).toBeLessThanOrEqual(3600);
  });

  test('cannot exchange one token for more and more time', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const { access_token: token } = await jsonOf<Exchanged>(
      await exchange(app, { subject_token: await sign() }),
    );
    expect((await exchange(app, { subject_token: token })).status).toBe(400);
  });

  test('is told what is wrong with an exchange', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    const token = await sign();
    const faults: [Record<string, string>, string][] = [
      [{ subject_token: token, grant_type: 'password' }, 'unsupported_grant_type'],
      [{ subject_token: token, subject_token_type: 'saml2' }, 'invalid_request'],
      [{ subject_token: token, requested_token_type: 'refresh' }, 'invalid_request'],
      [{}, 'invalid_request'],
      [{ subject_token: 'nonsense' }, 'invalid_request'],
      [{ subject_token: await sign({ aud: 'someone' }) }, 'invalid_request'],
      [{ subject_token: token, filler: 'x'.repeat(70_000) }, 'invalid_request'],
    ];
    for (const [form, error] of faults) {
      const answer = await exchange(app, form);
      expect(answer.status).toBe(400);
      expect((await jsonOf<Exchanged>(answer)).error).toBe(error);
    }
  });

  test('gets no job token while nothing may be changed, but logs in all the same', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    await app.api('PUT', '/application/settings', { maintenance_mode: true });
    const token = await sign();
    expect((await exchange(app, { subject_token: token })).status).toBe(503);
    expect(await login(app, token)).toBe(200);
  });

  test('leaves its name in the audit', async () => {
    await using stage = await setUp();
    const { app, sign } = stage;
    await exchange(app, { subject_token: await sign() });
    const events = await jsonOf<object[]>(await app.api('GET', '/audit_events'));
    expect(JSON.stringify(events)).toContain('project_path:acme/shop:ref_type:branch:ref:main');
  });
});

/** The same token for those who believe `alg: none`. */
function unsigned(token: string): string {
  const header = Buffer.from(JSON.stringify({ typ: 'JWT', alg: 'none' })).toString('base64url');
  return `${header}.${token.split('.')[1]}.`;
}
