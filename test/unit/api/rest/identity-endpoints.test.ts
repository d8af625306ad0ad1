import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mountEndpoints } from '../../../../src/api/rest/router.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import { Authenticator } from '../../../../src/auth/credentials/authenticate.ts';
import { Passwords } from '../../../../src/auth/credentials/passwords.ts';
import { Names } from '../../../../src/management/acting/names.ts';
import { memberEndpoints } from '../../../../src/management/people/member-endpoints.ts';
import { userEndpoints } from '../../../../src/management/people/user-endpoints.ts';
import { personalAccessTokenEndpoints } from '../../../../src/management/tokens/personal-access-token-endpoints.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { IdentityServices, rootToken, start } from '../../management/identity-services.ts';
import { ask } from '../ask.ts';

let now = start;
let services: IdentityServices;
let app: Koa<RequestState>;

beforeEach(async () => {
  now = start;
  services = await IdentityServices.open(() => now);
  const { users, tokens, members, database } = services;
  const authenticator = new Authenticator({
    ...database,
    passwords: new Passwords(),
    log: silentLog,
    now: () => now,
  });
  const endpoints = [
    ...userEndpoints(users),
    ...personalAccessTokenEndpoints(tokens, () => now),
    ...memberEndpoints(members),
  ];
  app = new Koa<RequestState>();
  app.use(async (ctx, next) => {
    Object.assign(ctx.state, {
      log: silentLog,
      address: '192.0.2.7',
      externalUrl: 'https://registry.example',
    });
    await next();
  });
  app.use(
    mountEndpoints(endpoints, {
      authenticator,
      applicationSettings: { readOnlyReason: async () => undefined, offReason: async () => undefined },
      names: new Names(services.database),
    }),
  );
});

afterEach(() => services.database.close());

async function call(method: string, path: string, fields?: object, token = rootToken) {
  const { status, headers, body } = await ask(app, `/api/v4${path}`, {
    method,
    headers: { 'private-token': token, ...(fields && { 'content-type': 'application/json' }) },
    ...(fields && { body: JSON.stringify(fields) }),
  });
  return { status, headers, body: body === '' ? undefined : JSON.parse(body) };
}

async function userWithToken(username: string, scopes: readonly string[]) {
  const { body: user } = await call('POST', '/users', { username, name: username });
  const { body: token } = await call('POST', `/users/${user.id}/personal_access_tokens`, {
    name: 'ci',
    scopes,
  });
  return { id: user.id as number, token: token.token as string, tokenId: token.id as number };
}

describe('users', () => {
  test('a user in the shape of GitLab', async () => {
    const { status, body } = await call('POST', '/users', {
      username: 'Dana',
      name: 'Dana D.',
      email: 'dana@example.com',
      password: 'correct horse',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: 2,
      username: 'dana',
      name: 'Dana D.',
      state: 'active',
      bot: false,
      avatar_url: null,
      web_url: null,
      created_at: '2026-03-04T09:15:22.481Z',
      email: 'dana@example.com',
      is_admin: false,
    });
    expect((await call('GET', '/users/2')).body).toEqual(body);
  });

  test('GET /user is who asks, for which a token for reading the user is enough', async () => {
    const { token } = await userWithToken('dana', ['read_user']);
    expect((await call('GET', '/user', undefined, token)).body).toMatchObject({
      username: 'dana',
      is_admin: false,
    });
    expect((await call('GET', '/users', undefined, token)).status).toBe(403);
  });

  test('lists are paged and filtered', async () => {
    await call('POST', '/users', { username: 'dana', name: 'Dana' });
    const { headers, body } = await call('GET', '/users?per_page=1');
    expect(body).toMatchObject([{ username: 'root' }]);
    expect(headers).toMatchObject({ 'x-total': '2', 'x-next-page': '2' });
    expect((await call('GET', '/users?username=dana')).body).toMatchObject([{ username: 'dana' }]);
  });

  test('what is missing or wrong is said as GitLab says it', async () => {
    expect(await call('POST', '/users', { username: 'dana' })).toMatchObject({
      status: 400,
      body: { error: 'name is missing' },
    });
    expect(await call('POST', '/users', { username: 'root', name: 'R' })).toMatchObject({
      status: 409,
      body: { message: 'Username has already been taken' },
    });
    expect(await call('POST', '/users', { username: 'dana', name: 'D', password: 'short' })).toMatchObject({
      status: 400,
      body: { message: { password: ['is too short (minimum is 8 characters)'] } },
    });
    expect(await call('GET', '/users/99')).toMatchObject({
      status: 404,
      body: { message: '404 User Not Found' },
    });
  });

  test('a blocked user is refused at once they are looked up again, and let in when unblocked', async () => {
    const { id, token } = await userWithToken('dana', ['api']);
    expect(await call('POST', `/users/${id}/block`)).toMatchObject({ status: 201, body: true });
    expect((await call('GET', '/user', undefined, token)).status).toBe(403);
    expect(await call('POST', `/users/${id}/unblock`)).toMatchObject({ status: 201, body: true });
    now += 1001;
    expect((await call('GET', '/user', undefined, token)).status).toBe(200);
  });
});

describe('personal access tokens', () => {
  test('a token in the shape of GitLab, its text at creation only', async () => {
    const { status, body } = await call('POST', '/user/personal_access_tokens', {
      name: 'ci',
      description: 'for pulls',
      scopes: ['read_virtual_registry', 'read_virtual_registry'],
      expires_at: '2026-04-01',
    });
    expect(status).toBe(201);
    const { token, ...shown } = body;
    expect(token).toMatch(/^ent-/);
    expect(shown).toEqual({
      id: 2,
      name: 'ci',
      revoked: false,
      created_at: '2026-03-04T09:15:22.481Z',
      description: 'for pulls',
      scopes: ['read_virtual_registry'],
      user_id: 1,
      last_used_at: null,
      active: true,
      expires_at: '2026-04-01',
    });
    expect((await call('GET', '/personal_access_tokens/2')).body).toEqual(shown);
  });

  test('a token expires as its day begins', async () => {
    const { body } = await call('POST', '/user/personal_access_tokens', {
      name: 'ci',
      scopes: ['api'],
      expires_at: '2026-03-05',
    });
    now = Date.UTC(2026, 2, 5) - 1;
    expect((await call('GET', '/personal_access_tokens/self', undefined, body.token)).body.active).toBe(true);
    now = Date.UTC(2026, 2, 5) + 1000;
    expect(await call('GET', '/personal_access_tokens/self', undefined, body.token)).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('expired') },
    });
    expect((await call('GET', '/personal_access_tokens/2')).body.active).toBe(false);
  });

  test.each([
    [{ scopes: ['api'] }, 'name is missing'],
    [{ name: 'ci' }, 'scopes is missing'],
    [{ name: 'ci', scopes: [] }, 'scopes is empty'],
    [{ name: 'ci', scopes: ['sudo'] }, 'scopes does not have a valid value'],
    [{ name: 'ci', scopes: ['api'], expires_at: '2026-02-30' }, 'expires_at is invalid'],
    [{ name: 'ci', scopes: ['api'], expires_at: 'soon' }, 'expires_at is invalid'],
  ])('%j: %s', async (fields, error) => {
    expect(await call('POST', '/user/personal_access_tokens', fields)).toMatchObject({
      status: 400,
      body: { error },
    });
  });

  test('self is the token this is asked with, whatever it is for', async () => {
    const { token, tokenId } = await userWithToken('dana', ['read_virtual_registry']);
    expect(await call('GET', '/personal_access_tokens/self', undefined, token)).toMatchObject({
      status: 200,
      body: { id: tokenId, last_used_at: '2026-03-04T09:15:22.481Z' },
    });
    expect((await call('GET', '/personal_access_tokens', undefined, token)).status).toBe(403);
    expect(await call('DELETE', '/personal_access_tokens/self', undefined, token)).toMatchObject({
      status: 204,
      body: undefined,
    });
    now += 1001;
    expect(await call('GET', '/personal_access_tokens/self', undefined, token)).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('revoked') },
    });
  });

  test('lists are filtered by user and state', async () => {
    const { id, token, tokenId } = await userWithToken('dana', ['api']);
    const idsOf = async (query: string, as = rootToken) =>
      (await call('GET', `/personal_access_tokens${query}`, undefined, as)).body.map(
        (each: { id: number }) => each.id,
      );
    expect(await idsOf('')).toEqual([tokenId, 1]);
    expect(await idsOf(`?user_id=${id}`)).toEqual([tokenId]);
    expect(await idsOf('', token)).toEqual([tokenId]);
    await call('DELETE', `/personal_access_tokens/${tokenId}`);
    expect(await idsOf('?state=active')).toEqual([1]);
    expect(await idsOf('?state=inactive')).toEqual([tokenId]);
    expect((await call('GET', '/personal_access_tokens?user_id=1', undefined, token)).status).toBe(401);
  });
});

describe('members', () => {
  test('a member in the shape of GitLab, through all of its life', async () => {
    const { id } = await userWithToken('dana', ['api']);
    const added = await call('POST', '/groups/default/members', {
      user_id: id,
      access_level: 10,
      expires_at: '2026-04-01',
    });
    expect(added).toMatchObject({ status: 201 });
    expect(added.body).toEqual({
      id,
      username: 'dana',
      name: 'dana',
      state: 'active',
      avatar_url: null,
      web_url: null,
      access_level: 10,
      created_at: '2026-03-04T09:15:22.481Z',
      expires_at: '2026-04-01',
    });
    expect((await call('GET', '/groups/1/members')).body).toMatchObject([{ username: 'root' }, added.body]);
    expect((await call('GET', `/groups/1/members/${id}`)).body).toEqual(added.body);
    const changed = await call('PUT', `/groups/1/members/${id}`, { access_level: 30, expires_at: '' });
    expect(changed).toMatchObject({ status: 200, body: { access_level: 30, expires_at: null } });
    expect((await call('DELETE', `/groups/1/members/${id}`)).status).toBe(204);
    expect((await call('GET', `/groups/1/members/${id}`)).status).toBe(404);
  });

  test('a role that is none is no valid value', async () => {
    expect(await call('POST', '/groups/1/members', { user_id: 1, access_level: 11 })).toMatchObject({
      status: 400,
      body: { error: 'access_level does not have a valid value' },
    });
  });
});

test('nobody is told that they are nobody', async () => {
  for (const path of ['/user', '/users', '/personal_access_tokens', '/groups/1/members']) {
    expect(await call('GET', path, undefined, 'ent-unknown-token-0123456789')).toMatchObject({
      status: 401,
      body: { message: '401 Unauthorized' },
    });
  }
});
