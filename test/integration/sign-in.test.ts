/** People at a browser: what signs them in, what their cookie is good for, and what other sites cannot do with it. */
import { expect, test } from 'vitest';
import { Passwords } from '../../src/auth/credentials/passwords.ts';
import { createToken, hashToken } from '../../src/auth/tokens/token-secret.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { Browser, type SignInServerOptions, startSignInServer } from '../support/sign-in-server.ts';

const password = 'a long enough secret';
const day = 24 * 3_600_000;

async function createAda(database: Database, isAdmin = false) {
  const passwordHash = await new Passwords().hash(password);
  return database.users.create({ username: 'ada', name: 'Ada', isAdmin, passwordHash });
}

describeEachDatabase('signing in with a password', (open, { clock }) => {
  async function start({ isAdmin = false, ...options }: SignInServerOptions & { isAdmin?: boolean } = {}) {
    const database = await open();
    const ada = await createAda(database, isAdmin);
    const url = await startSignInServer(database, clock, options);
    return { database, ada, url, browser: new Browser(url) };
  }

  test('sets a cookie that scripts and other sites cannot use, and says who it is', async () => {
    const { ada, browser } = await start();
    const { status, body } = await browser.signIn('Ada', password);
    expect(status).toBe(201);
    expect(body.user).toEqual({ id: ada.id, username: 'ada', name: 'Ada', email: null, is_admin: false });
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.setCookies[0]).toMatch(
      /^entrepot=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
    );
    const asked = await browser.ask('GET', '/session');
    expect(asked).toMatchObject({ status: 200, body });
    expect(asked.headers.get('cache-control')).toBe('no-store');
  });

  test('over https sets a cookie that no other host can set, and takes no other', async () => {
    const { browser } = await start({ externalUrl: 'https://registry.example' });
    await browser.signIn('ada', password);
    expect(browser.setCookies[0]).toMatch(
      /^__Host-entrepot=.*; Path=\/; .*; HttpOnly; SameSite=Lax; Secure$/,
    );
    const cookie = browser.cookies.get('__Host-entrepot') ?? '';
    browser.cookies.clear();
    browser.cookies.set('entrepot', cookie);
    expect((await browser.ask('GET', '/session')).status).toBe(401);
  });

  test('refuses wrong passwords, and after ten says when to come back', async () => {
    const { browser } = await start();
    expect(await browser.signIn('nobody', password)).toMatchObject({ status: 401 });
    for (let guess = 0; guess < 10; guess += 1) {
      expect((await browser.signIn('ada', `wrong ${guess}`)).status).toBe(401);
    }
    const { status, headers } = await browser.signIn('ada', password);
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(browser.cookies.size).toBe(0);
  });

  test('makes no session of an access token, whose scopes would be forgotten', async () => {
    const { database, ada, browser } = await start();
    const token = createToken('access');
    const tokenHash = hashToken(token);
    await database.accessTokens.create({ userId: ada.id, name: 'reader', tokenHash, scopes: ['read_user'] });
    expect((await browser.signIn('ada', token)).status).toBe(401);
  });

  test('takes no form, and nothing from pages of other sites: nobody is signed in unawares', async () => {
    const { url, browser } = await start();
    const form = new URLSearchParams({ username: 'ada', password });
    expect((await fetch(`${url}/session`, { method: 'POST', body: form })).status).toBe(415);
    const answer = await browser.signIn('ada', password, { 'sec-fetch-site': 'cross-site' });
    expect(answer.status).toBe(403);
    expect(browser.cookies.size).toBe(0);
  });

  test('gives a new cookie each time and ends the old session: none can be foisted on anyone', async () => {
    const { browser } = await start();
    browser.cookies.set('entrepot', 'chosen-by-someone-else');
    await browser.signIn('ada', password);
    const first = browser.cookies.get('entrepot') ?? '';
    expect(first).not.toBe('chosen-by-someone-else');
    await browser.signIn('ada', password);
    expect(browser.cookies.get('entrepot')).not.toBe(first);
    browser.cookies.set('entrepot', first);
    expect((await browser.ask('GET', '/session')).status).toBe(401);
  });

  test('keeps neither the cookie nor the CSRF token', async () => {
    const { database, browser } = await start();
    const { body } = await browser.signIn('ada', password);
    const cookie = browser.cookies.get('entrepot') ?? '';
    const record = await database.sessions.find(hashToken(cookie));
    expect(record?.csrfHash).toBe(hashToken(body.csrf_token));
    expect(JSON.stringify(record)).not.toContain(cookie);
    expect(JSON.stringify(record)).not.toContain(body.csrf_token);
  });

  test('ends with a sign-out that only the own page can ask for', async () => {
    const { browser } = await start();
    const { body } = await browser.signIn('ada', password);
    const cookie = browser.cookies.get('entrepot') ?? '';
    expect((await browser.ask('DELETE', '/session')).status).toBe(403);
    const headers = { 'x-csrf-token': body.csrf_token };
    expect((await browser.ask('DELETE', '/session', { headers })).status).toBe(204);
    expect(browser.cookies.size).toBe(0);
    browser.cookies.set('entrepot', cookie);
    expect((await browser.ask('GET', '/session')).status).toBe(401);
  });

  test('ends after a week without use, and after thirty days in any case', async () => {
    const { browser } = await start();
    await browser.signIn('ada', password);
    clock.now += 7 * day;
    expect((await browser.ask('GET', '/session')).status).toBe(401);
    await browser.signIn('ada', password);
    for (let days = 0; days < 24; days += 6) {
      clock.now += 6 * day;
      expect((await browser.ask('GET', '/session')).status).toBe(200);
    }
    clock.now += 6 * day;
    expect((await browser.ask('GET', '/session')).status).toBe(401);
  });

  test('is over as soon as the user is blocked, also where the session is still there', async () => {
    const { database, ada, browser } = await start();
    await browser.signIn('ada', password);
    await database.users.update(ada.id, { state: 'blocked' });
    expect((await browser.ask('GET', '/session')).status).toBe(401);
    expect((await browser.ask('GET', '/api/v4/user')).status).toBe(401);
    clock.now += 1001;
    expect((await browser.signIn('ada', password)).status).toBe(403);
  });

  test('opens the REST API: to look with the cookie, to change with the CSRF token of this session too', async () => {
    const { url, browser } = await start({ isAdmin: true });
    expect((await browser.ask('GET', '/api/v4/user')).status).toBe(401);
    const { body } = await browser.signIn('ada', password);
    expect(await browser.ask('GET', '/api/v4/user')).toMatchObject({
      status: 200,
      body: { username: 'ada' },
    });
    const user = { username: 'bob', name: 'Bob', email: 'bob@example.com', password };
    const create = (headers: Record<string, string>) =>
      browser.ask('POST', '/api/v4/users', { body: user, headers });
    expect((await create({})).status).toBe(403);
    const other = await new Browser(url).signIn('ada', password);
    expect((await create({ 'x-csrf-token': other.body.csrf_token })).status).toBe(403);
    expect((await create({ 'x-csrf-token': body.csrf_token })).status).toBe(201);
  });

  test('does not lend its rights to a token that is wrong', async () => {
    const { browser } = await start();
    await browser.signIn('ada', password);
    for (const headers of [
      { 'private-token': 'ent-wrong-token-0123456789' },
      { authorization: 'Basic bm9ib2R5Og==' },
    ]) {
      expect((await browser.ask('GET', '/api/v4/user', { headers })).status).toBe(401);
    }
  });

  test('has no OpenID provider where none is configured', async () => {
    const { browser } = await start();
    expect((await browser.ask('GET', '/auth/oidc')).status).toBe(404);
  });
});
