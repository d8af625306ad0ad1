/** From the OpenID provider to a pull: the whole server, over HTTP, as a person and their browser go through it. */
import { expect, test } from 'vitest';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { clientId, clientSecret, OidcProvider } from '../support/oidc-provider.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { Browser } from '../support/sign-in-server.ts';

describeApp('a person of an OpenID provider', (start) => {
  /** Developers of the provider are those of the group acme, which has a private image. */
  async function prepare() {
    const provider = await OidcProvider.start();
    const app = await start({
      oidcClientSecret: clientSecret,
      environment: {
        ENTREPOT_AUTH__OIDC_ISSUER: provider.url,
        ENTREPOT_AUTH__OIDC_CLIENT_ID: clientId,
        ENTREPOT_AUTH__OIDC_GROUP_ROLES: 'devs=acme:developer',
      },
    });
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').image(fakeImage({ layers: [] }), '1');
    provider.person = { sub: 'person-1', preferred_username: 'ada', name: 'Ada', groups: ['devs'] };
    const dispose = async () => {
      await app.close();
      await provider[Symbol.asyncDispose]();
    };
    return { app, provider, browser: new Browser(app.url), [Symbol.asyncDispose]: dispose };
  }

  test('proves to the provider that it is the same browser: code, PKCE, state and nonce', async () => {
    await using stage = await prepare();
    const { app, provider, browser } = stage;
    const sent = await browser.ask('GET', '/auth/oidc');
    expect(sent.status).toBe(302);
    const asked = new URL(sent.headers.get('location') ?? '');
    const said = Object.fromEntries(asked.searchParams);
    expect(said).toMatchObject({
      realm: 'main',
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${app.url}/auth/oidc/callback`,
      code_challenge_method: 'S256',
    });
    for (const name of ['code_challenge', 'state', 'nonce']) expect(said[name]).toMatch(/^[\w-]{32,}$/);
    const back = new URL(provider.authorize(asked.href));

    const withoutState = new URL(back);
    withoutState.searchParams.set('state', 'x'.repeat(43));
    const kept = new Map(browser.cookies);
    expect((await browser.ask('GET', withoutState.pathname + withoutState.search)).status).toBe(400);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    expect((await browser.ask('GET', back.pathname + back.search)).status).toBe(302);
    expect((await browser.ask('GET', '/session')).body.user.username).toBe('ada');
  });

  test('is refused where the code was asked for with the verifier of another browser', async () => {
    await using stage = await prepare();
    const { app, provider, browser } = stage;
    const other = new Browser(app.url);
    const theirs = new URL((await other.ask('GET', '/auth/oidc')).headers.get('location') ?? '');
    const own = new URL((await browser.ask('GET', '/auth/oidc')).headers.get('location') ?? '');
    // A code that was made for another browser's challenge, slipped into this one's way back.
    const stolen = new URL(provider.authorize(theirs.href)).searchParams.get('code') ?? '';
    const back = new URL(provider.authorize(own.href));
    back.searchParams.set('code', stolen);
    expect((await browser.ask('GET', back.pathname + back.search)).status).toBeGreaterThanOrEqual(400);
    expect((await browser.ask('GET', '/session')).status).toBe(401);
  });

  test('gets a new session each time, which changes things with its CSRF token alone', async () => {
    await using stage = await prepare();
    const { app, provider, browser } = stage;
    const chosen = 'c'.repeat(43);
    browser.cookies.set('entrepot', chosen);
    await browser.signInAt(provider);
    const first = browser.cookies.get('entrepot') ?? '';
    expect(first).not.toBe(chosen);
    const early = (await browser.ask('GET', '/session')).body.csrf_token;
    await browser.signInAt(provider);
    expect(browser.cookies.get('entrepot')).not.toBe(first);
    const stale = new Browser(app.url);
    stale.cookies.set('entrepot', first);
    expect((await stale.ask('GET', '/session')).status).toBe(401);

    const { body: session } = await browser.ask('GET', '/session');
    const token = { name: 'laptop', scopes: ['read_registry'] };
    const create = (headers: Record<string, string>) =>
      browser.ask('POST', '/api/v4/user/personal_access_tokens', { body: token, headers });
    expect((await create({})).status).toBe(403);
    expect((await create({ 'x-csrf-token': early })).status).toBe(403);
    expect((await create({ 'x-csrf-token': session.csrf_token })).status).toBe(201);
    expect((await browser.ask('DELETE', '/session')).status).toBe(403);
  });

  test('pulls and pushes with the role of their groups, until they have left them', async () => {
    await using stage = await prepare();
    const { app, provider, browser } = stage;
    await browser.signInAt(provider);
    const { body: session } = await browser.ask('GET', '/session');
    const made = await browser.ask('POST', '/api/v4/user/personal_access_tokens', {
      body: { name: 'laptop', scopes: ['read_registry', 'write_registry'] },
      headers: { 'x-csrf-token': session.csrf_token },
    });
    const authorization = basicOf({ username: 'ada', secret: made.body.token });
    const ask = async (method: string, path: string) =>
      (await fetch(`${app.url}/v2/acme/shop/${path}`, { method, headers: { authorization } })).status;
    expect([await ask('GET', 'manifests/1'), await ask('POST', 'blobs/uploads/')]).toEqual([200, 202]);
    // A cookie opens no registry.
    const cookie = `entrepot=${browser.cookies.get('entrepot')}`;
    const byCookie = await fetch(`${app.url}/v2/acme/shop/manifests/1`, { headers: { cookie } });
    expect(byCookie.status).toBe(401);

    provider.person = { ...provider.person, groups: [] };
    await browser.signInAt(provider);
    app.advance(1001);
    expect([await ask('GET', 'manifests/1'), await ask('POST', 'blobs/uploads/')]).toEqual([404, 403]);
  });
});
