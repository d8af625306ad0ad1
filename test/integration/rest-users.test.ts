import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

describeEachDatabase('users', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  async function trail(api: RestApi) {
    const { body } = await api.ask('GET', '/audit_events?entity_type=user');
    return body.map((event: { event_name: string }) => event.event_name);
  }

  test('an administrator changes what a user is called and may do', async () => {
    const api = await start();
    const { id } = await api.createUser('dana');
    const changes = { username: 'Dana.D', name: 'Dana D.', email: 'dana@example.com', admin: true };
    expect(await api.ask('PUT', `/users/${id}`, changes)).toMatchObject({
      status: 200,
      body: {
        id,
        username: 'dana.d',
        name: 'Dana D.',
        email: 'dana@example.com',
        is_admin: true,
        bot: false,
      },
    });
    expect(await api.ask('PUT', `/users/${id}`, { email: '' })).toMatchObject({ body: { email: null } });
    expect(await trail(api)).toEqual(['user.update', 'user.update']);
    const [, event] = (await api.ask('GET', '/audit_events')).body;
    expect(event.details.attributes).toEqual({
      username: 'dana',
      new_username: 'dana.d',
      name: 'Dana D.',
      email: 'dana@example.com',
      is_admin: true,
    });
  });

  test('what a user cannot be is refused with the reason', async () => {
    const api = await start();
    const { id } = await api.createUser('dana');
    const length = 'is too short (minimum is 8 characters)';
    const refusals: [number, object, Json][] = [
      [400, { error: expect.stringContaining('at least one parameter must be provided') }, {}],
      [400, { error: 'name is empty' }, { name: ' ' }],
      [400, { message: { username: [expect.stringContaining('can contain only')] } }, { username: '-a' }],
      [400, { message: { password: [length] } }, { password: 'short' }],
      [
        400,
        { message: { password: ['must not be the username'] } },
        { password: 'danadana', username: 'danadana' },
      ],
      [400, { message: { password: [expect.stringContaining('most common')] } }, { password: 'password' }],
      [409, { message: 'Username has already been taken' }, { username: 'ROOT' }],
    ];
    for (const [status, body, given] of refusals) {
      expect(await api.ask('PUT', `/users/${id}`, given)).toMatchObject({ status, body });
    }
    expect(await api.ask('PUT', '/users/999', { name: 'a' })).toMatchObject({
      status: 404,
      body: { message: '404 User Not Found' },
    });
    expect(await trail(api)).toEqual([]);
  });

  test('a new password ends the sessions that began with the old one, and is in no audit event', async () => {
    const api = await start();
    const { id } = await api.createUser('dana');
    const { sessions, users } = api.database;
    await sessions.create({ idHash: 'a'.repeat(64), userId: id, expiresAt: clock.now + 60_000 });
    const password = 'four words and more';
    expect(await api.ask('PUT', `/users/${id}`, { password })).toMatchObject({ status: 200 });
    expect((await users.find(id))?.passwordHash).toMatch(/^\$argon2id\$/);
    expect(await sessions.find('a'.repeat(64))).toBeUndefined();
    const { body } = await api.ask('GET', '/audit_events');
    expect(body[0].details.attributes).toEqual({ username: 'dana', has_new_password: true });
    expect(JSON.stringify(body)).not.toContain(password);
  });

  test('a blocked user is signed out', async () => {
    const api = await start();
    const { id } = await api.createUser('dana');
    await api.database.sessions.create({
      idHash: 'b'.repeat(64),
      userId: id,
      expiresAt: clock.now + 60_000,
    });
    expect(await api.ask('POST', `/users/${id}/block`)).toMatchObject({ status: 201, body: true });
    expect(await api.database.sessions.find('b'.repeat(64))).toBeUndefined();
    expect(await api.ask('GET', `/users/${id}`)).toMatchObject({ body: { state: 'blocked' } });
  });

  test('a deleted user is gone with their roles and tokens, and stays in the audit trail', async () => {
    const api = await start();
    const group = await api.createGroup('acme');
    const { id } = await api.createMember(group, 'dana', 30);
    const { body: token } = await api.ask('POST', `/users/${id}/personal_access_tokens`, {
      name: 'ci',
      scopes: ['api'],
    });
    expect(await api.ask('DELETE', `/users/${id}`)).toMatchObject({ status: 204 });
    expect(await api.ask('GET', `/users/${id}`)).toMatchObject({ status: 404 });
    expect(await api.ask('GET', `/personal_access_tokens/${token.id}`)).toMatchObject({ status: 404 });
    expect((await api.ask('GET', `/groups/${group}/members`)).body).toHaveLength(1);
    expect(await api.ask('DELETE', `/users/${id}`)).toMatchObject({ status: 404 });
    const [event] = (await api.ask('GET', '/audit_events')).body;
    expect(event).toMatchObject({ event_name: 'user.delete', entity_id: id });
    expect(event.details.attributes).toEqual({ username: 'dana' });
  });

  test('whoever alone owns a group stays until somebody else does', async () => {
    const api = await start();
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    const owner = await api.createMember(acme, 'owner', 50);
    await api.ask('POST', `/groups/${team}/members`, { user_id: owner.id, access_level: 50 });
    const rootId = (await api.ask('GET', '/user')).body.id;
    expect(await api.ask('DELETE', `/groups/${acme}/members/${rootId}`)).toMatchObject({ status: 204 });
    expect(await api.ask('DELETE', `/users/${owner.id}`)).toMatchObject({
      status: 409,
      body: {
        message:
          'User cannot be removed: they are the only Owner of acme, acme/team. Make someone else an Owner there, or delete it, first.',
      },
    });
    const other = await api.createMember(acme, 'other', 50);
    await api.ask('POST', `/users/${other.id}/block`);
    expect(await api.ask('DELETE', `/users/${owner.id}`)).toMatchObject({ status: 409 });
    await api.ask('POST', `/users/${other.id}/unblock`);
    expect(await api.ask('DELETE', `/users/${owner.id}`)).toMatchObject({ status: 204 });
  });

  test('administrators do not block, demote or delete themselves, so that one is always left', async () => {
    const api = await start();
    const { id } = (await api.ask('GET', '/user')).body;
    for (const [method, path, body] of [
      ['DELETE', `/users/${id}`, undefined],
      ['POST', `/users/${id}/block`, undefined],
      ['PUT', `/users/${id}`, { admin: false }],
    ] as const) {
      expect(await api.ask(method, path, body)).toMatchObject({
        status: 403,
        body: { message: expect.stringContaining('yourself') },
      });
    }
  });

  test('only administrators change and delete users', async () => {
    const api = await start();
    const [dana, eve] = [await api.createUser('dana'), await api.createUser('eve')];
    for (const id of [dana.id, eve.id]) {
      expect(await api.as(dana, 'PUT', `/users/${id}`, { name: 'a' })).toMatchObject({ status: 403 });
      expect(await api.as(dana, 'DELETE', `/users/${id}`)).toMatchObject({ status: 403 });
    }
    const reader = await api.createUser('reader', { isAdmin: true, scopes: ['read_api'] });
    expect(await api.as(reader, 'PUT', `/users/${eve.id}`, { name: 'a' })).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope', scope: 'api' },
    });
  });

  test('a list of users is narrowed down', async () => {
    const api = await start();
    const dana = await api.createUser('dana');
    await api.createUser('boss', { isAdmin: true });
    await api.ask('POST', `/users/${dana.id}/block`);
    await api.ask('POST', `/groups/${await api.createGroup('acme')}/access_tokens`, {
      name: 'ci',
      scopes: ['api'],
    });
    const names = async (query: string) =>
      (await api.ask('GET', `/users?${query}`)).body.map((user: { username: string }) => user.username);
    expect(await names('blocked=true')).toEqual(['dana']);
    expect(await names('admins=true')).toEqual(['root', 'boss']);
    expect(await names('username=Boss')).toEqual(['boss']);
    expect(await names('humans=true')).toEqual(['root', 'dana', 'boss']);
    expect(await names('active=true')).toEqual(['root', 'boss', expect.stringMatching(/^group_\d+_bot_/)]);
  });
});
