/** People who sign in at an OpenID provider: whom they become here, which roles they have, and whom they cannot become. */
import type { JWTPayload } from 'jose';
import { expect, test } from 'vitest';
import type { SessionObserver } from '../../src/management/people/sign-in.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { OidcProvider } from '../support/oidc-provider.ts';
import { Browser, type SignInServerOptions, startSignInServer } from '../support/sign-in-server.ts';

describeEachDatabase('signing in at an OpenID provider', (open, { clock }) => {
  async function start(options: SignInServerOptions = {}) {
    clock.now = Date.now();
    const provider = await OidcProvider.start();
    const database = await open();
    const url = await startSignInServer(database, clock, { provider, ...options });
    const browser = new Browser(url);
    return { provider, database, url, browser, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
  }

  test('makes a user of them, signs them in, and takes them back to where they were', async () => {
    await using stage = await start();
    const { provider, url, browser } = stage;
    provider.person = { ...provider.person, email: 'ada@example.com', email_verified: true };
    const { status, headers } = await browser.signInAt(provider, '/projects?page=2');
    expect(status).toBe(302);
    expect(headers.get('location')).toBe(`${url}/projects?page=2`);
    expect([...browser.cookies.keys()]).toEqual(['entrepot']);
    const { body } = await browser.ask('GET', '/session');
    expect(body.user).toMatchObject({
      username: 'ada',
      name: 'Ada',
      email: 'ada@example.com',
      is_admin: false,
    });
  });

  test('knows them by their subject, whatever they call themselves later', async () => {
    await using stage = await start();
    const { provider, database, browser, url } = stage;
    await browser.signInAt(provider);
    provider.person = { sub: 'person-1', preferred_username: 'ada.lovelace' };
    const again = new Browser(url);
    expect((await again.signInAt(provider)).status).toBe(302);
    expect((await again.ask('GET', '/session')).body.user.username).toBe('ada');
    expect(await database.users.findByUsername('ada.lovelace')).toBeUndefined();
  });

  test('never makes them someone else who has the name here', async () => {
    await using stage = await start();
    const { provider, database, browser } = stage;
    await database.users.create({ username: 'ada', name: 'Local', isAdmin: false, passwordHash: 'any' });
    await database.users.create({ username: 'boss', name: 'Boss', isAdmin: true });
    expect(await browser.signInAt(provider)).toMatchObject({ status: 403 });
    expect(browser.cookies.size).toBe(0);
    provider.person = { sub: 'person-2', preferred_username: 'boss' };
    expect(await browser.signInAt(provider)).toMatchObject({ status: 403 });
    // Made at the provider's word, so it is the first one's, and nobody's who takes the name over there later.
    provider.person = { sub: 'person-3', preferred_username: 'carl' };
    expect((await browser.signInAt(provider)).status).toBe(302);
    provider.person = { sub: 'person-4', preferred_username: 'carl' };
    const { status, body } = await browser.signInAt(provider);
    expect(status).toBe(403);
    expect(body).toContain('The username carl belongs to another account here');
  });

  test('lets in only whom an administrator added, where users are not made', async () => {
    await using stage = await start({ createsUsers: false });
    const { provider, database, browser } = stage;
    expect((await browser.signInAt(provider)).status).toBe(403);
    await database.users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    expect((await browser.signInAt(provider)).status).toBe(302);
  });

  test('gives the roles of their groups, and takes them when they leave', async () => {
    await using stage = await start({
      groupRoles: ['devs=acme:developer', 'leads=acme:maintainer', 'devs=acme/shop:reporter'],
    });
    const { provider, database, browser } = stage;
    const { id } = await database.groups.create({
      path: 'acme',
      fullPath: 'acme',
      name: 'Acme',
      visibility: 'private',
    });
    const levelAfter = async (groups: string[]) => {
      provider.person = { ...provider.person, groups };
      expect((await browser.signInAt(provider)).status).toBe(302);
      const user = await database.users.findByUsername('ada');
      return (await database.members.find({ groupId: id }, user?.id ?? 0))?.accessLevel;
    };
    expect(await levelAfter(['devs', 'others'])).toBe(30);
    expect(await levelAfter(['devs', 'leads'])).toBe(40);
    expect(await levelAfter(['others'])).toBeUndefined();
  });

  test('refuses whoever is blocked here', async () => {
    await using stage = await start();
    const { provider, database, browser } = stage;
    await browser.signInAt(provider);
    const user = await database.users.findByUsername('ada');
    await database.users.update(user?.id ?? 0, { state: 'blocked' });
    expect(await browser.signInAt(provider)).toMatchObject({
      status: 403,
      body: 'Your account has been blocked.\n',
    });
  });

  test.for([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\/evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    'evil.example',
  ])('zot #3844: sends nobody to another site afterwards: %j', async (returnTo) => {
    await using stage = await start();
    const answer = await stage.browser.ask('GET', `/auth/oidc?return_to=${encodeURIComponent(returnTo)}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
  });

  test('finishes only what was begun in this browser, once, and in time', async () => {
    await using stage = await start();
    const { provider, url, browser } = stage;
    const begin = async () => {
      const sent = await browser.ask('GET', '/auth/oidc');
      const back = new URL(provider.authorize(sent.headers.get('location') ?? ''));
      return back.pathname + back.search;
    };
    // The link of someone else, who would have the victim work in the attacker's account.
    expect((await new Browser(url).ask('GET', await begin())).status).toBe(400);
    const other = await begin();
    await begin();
    expect((await browser.ask('GET', other)).status).toBe(400);
    const late = await begin();
    clock.now += 601_000;
    expect((await browser.ask('GET', late)).status).toBe(400);
    clock.now = Date.now();
    const right = await begin();
    expect((await browser.ask('GET', right)).status).toBe(302);
    expect((await browser.ask('GET', right)).status).toBe(400);
  });

  test.for([
    ['another audience', { aud: 'someone-else' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['the nonce of another sign-in', { nonce: 'another' }],
    ['an end that has come', { exp: 1_000_000_000 }],
    ['another client besides', { aud: ['entrepot', 'other'] }],
    ['no subject', { sub: undefined }],
  ] as [string, JWTPayload][])('refuses an ID token with %s', async ([, lie]) => {
    await using stage = await start();
    const { provider, browser } = stage;
    provider.lie = { ...lie };
    expect(await browser.signInAt(provider)).toMatchObject({ status: 403 });
    expect(browser.cookies.size).toBe(0);
  });

  test('needs the ID token alone of what the provider answers', async () => {
    await using stage = await start();
    const { provider, browser } = stage;
    provider.besides = { refresh_token: null, expires_in: null, scope: ['openid'] };
    expect((await browser.signInAt(provider)).status).toBe(302);
  });

  test('goes by the clock of the server', async () => {
    await using stage = await start();
    const { provider, browser } = stage;
    clock.now -= 3_600_000;
    const seconds = Math.floor(clock.now / 1000);
    provider.lie = { iat: seconds - 60, nbf: seconds - 60, exp: seconds + 300 };
    expect((await browser.signInAt(provider)).status).toBe(302);
    clock.now += 600_000;
    expect((await browser.signInAt(provider)).status).toBe(403);
    clock.now = Date.now();
  });

  test.for([
    ['of nobody', ['']],
    ['of another', ['https://evil.example']],
    ['of another, twice', ['https://evil.example', 'https://evil.example']],
  ] as const)('is not finished by an answer %s', async ([, issuers]) => {
    await using stage = await start();
    const { provider, browser } = stage;
    const sent = await browser.ask('GET', '/auth/oidc');
    const back = new URL(provider.authorize(sent.headers.get('location') ?? ''));
    for (const issuer of issuers) back.searchParams.append('iss', issuer);
    expect(await browser.ask('GET', back.pathname + back.search)).toMatchObject({
      status: 403,
      body: 'The answer is that of another issuer.\n',
    });
  });

  test('takes no notice of what the answer says besides', async () => {
    await using stage = await start();
    const { provider, browser } = stage;
    const sent = await browser.ask('GET', '/auth/oidc');
    const back = new URL(provider.authorize(sent.headers.get('location') ?? ''));
    back.searchParams.append('id_token', 'x');
    back.searchParams.append('session_state', 'y');
    expect((await browser.ask('GET', back.pathname + back.search)).status).toBe(302);
  });

  test('tells the audit trail of whoever comes in, and of whoever is refused', async () => {
    const told: unknown[] = [];
    const observer = {
      signedIn: (...[identity, how, address]: Parameters<SessionObserver['signedIn']>) =>
        told.push([identity.username, how, address]),
      refused: (...refusal: Parameters<SessionObserver['refused']>) => told.push(refusal),
    };
    await using stage = await start({ observer });
    const { provider, database, browser } = stage;
    await browser.signInAt(provider);
    await database.users.create({ username: 'boss', name: 'Boss', isAdmin: true });
    provider.person = { sub: 'person-2', preferred_username: 'boss' };
    await browser.signInAt(provider);
    provider.lie = { aud: 'someone-else' };
    await browser.signInAt(provider);
    expect(told).toEqual([
      ['ada', 'session', '192.0.2.7'],
      ['boss', 'unknown', '192.0.2.7'],
      [undefined, 'unknown', '192.0.2.7'],
    ]);
  });

  test('shows its secret in the form where the provider wants it there', async () => {
    await using stage = await start();
    const { provider, browser } = stage;
    provider.authMethods = ['client_secret_post'];
    expect((await browser.signInAt(provider)).status).toBe(302);
  });

  test('says so when the provider cannot be reached, or says no', async () => {
    await using stage = await start();
    const { provider, browser } = stage;
    provider.isDown = true;
    expect((await browser.ask('GET', '/auth/oidc')).status).toBe(502);
    provider.isDown = false;
    // It is left alone for a while after a failure.
    clock.now += 10_000;
    const sent = await browser.ask('GET', '/auth/oidc');
    const state = new URL(sent.headers.get('location') ?? '').searchParams.get('state');
    const { status, body } = await browser.ask(
      'GET',
      `/auth/oidc/callback?error=access_denied&state=${state}`,
    );
    expect(status).toBe(403);
    expect(body).toBe('The OpenID provider said "access_denied".\n');
  });
});
