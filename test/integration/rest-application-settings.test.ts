import { expect, test } from 'vitest';
import { basicOf } from '../support/credentials.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { describeApp } from '../support/describe-app.ts';
import { RestApi, type RestApiOptions } from '../support/rest-api.ts';

const path = '/application/settings';
const refused = (reason: string) => ({
  status: 503,
  body: { message: `503 Service Unavailable - ${reason}` },
});
const byDefault = refused('this server is in read-only mode: pulls work, nothing can be changed');

describeEachDatabase('read-only mode', (open, { clock, createPlace }) => {
  const start = async (options?: { isReadOnly: boolean }) => RestApi.start(await open(), clock, options);
  const create = (api: RestApi, name: string) => api.ask('POST', '/groups', { name, path: name });

  test('an administrator switches it on and off; meanwhile everything can be read and nothing changed', async () => {
    const api = await start();
    const id = await api.createGroup('acme');
    expect(await api.ask('GET', path)).toMatchObject({
      status: 200,
      body: { maintenance_mode: false, maintenance_mode_message: null },
    });
    expect(await api.ask('PUT', path, { maintenance_mode: true })).toMatchObject({
      status: 200,
      body: { maintenance_mode: true, maintenance_mode_message: null },
    });
    for (const [method, where, body] of [
      ['POST', '/groups', { name: 'a', path: 'a' }],
      ['PUT', `/groups/${id}`, { name: 'a' }],
      ['DELETE', `/groups/${id}`],
      ['POST', '/user/personal_access_tokens', { name: 'a', scopes: ['api'] }],
      ['PATCH', '/virtual_registries/container/registries/1', { name: 'a' }],
    ] as const) {
      expect(await api.ask(method, where, body)).toMatchObject(byDefault);
    }
    expect(await api.ask('GET', `/groups/${id}`)).toMatchObject({ status: 200, body: { name: 'acme' } });
    expect(await api.ask('GET', path)).toMatchObject({ body: { maintenance_mode: true } });

    expect(await api.ask('PUT', `${path}?maintenance_mode=false`)).toMatchObject({
      status: 200,
      body: { maintenance_mode: false },
    });
    expect(await create(api, 'a')).toMatchObject({ status: 201 });
  });

  test('the message of the administrator is told to whoever is refused, until it is cleared', async () => {
    const api = await start();
    const message = 'We move to a larger disk until noon.';
    await api.ask('PUT', path, { maintenance_mode: true, maintenance_mode_message: message });
    expect(await create(api, 'a')).toMatchObject(refused(message));
    expect(await api.ask('GET', path)).toMatchObject({
      body: { maintenance_mode: true, maintenance_mode_message: message },
    });
    expect(await api.ask('PUT', path, { maintenance_mode_message: null })).toMatchObject({
      body: { maintenance_mode: true, maintenance_mode_message: null },
    });
    expect(await create(api, 'a')).toMatchObject(byDefault);
  });

  test('another process on the same database sees it within a second', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const first = await RestApi.start(one, clock);
    const { body } = await create(first, 'warm');
    const second = await RestApi.start(two, clock);
    expect(await second.ask('PUT', `/groups/${body.id}`, { name: 'before' })).toMatchObject({ status: 200 });
    await first.ask('PUT', path, { maintenance_mode: true });
    clock.now += 1000;
    expect(await create(second, 'late')).toMatchObject(byDefault);
  });

  test('it is for administrators, with a token that may write', async () => {
    const api = await start();
    const ada = await api.createUser('ada');
    const reader = await api.createUser('reader', { isAdmin: true, scopes: ['read_api'] });
    expect(await api.as(ada, 'GET', path)).toMatchObject({ status: 403 });
    expect(await api.as(ada, 'PUT', path, { maintenance_mode: true })).toMatchObject({ status: 403 });
    expect(await api.as(reader, 'GET', path)).toMatchObject({ status: 200 });
    expect(await api.as(reader, 'PUT', path, { maintenance_mode: true })).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope' },
    });
    expect(await create(api, 'a')).toMatchObject({ status: 201 });
  });

  test('what the configuration says cannot be undone at run time', async () => {
    const api = await start({ isReadOnly: true });
    expect(await create(api, 'a')).toMatchObject(byDefault);
    expect(await api.ask('GET', path)).toMatchObject({ body: { maintenance_mode: true } });
    expect(await api.ask('PUT', path, { maintenance_mode: false })).toMatchObject({
      status: 409,
      body: {
        message:
          '409 Conflict - maintenance.read_only is true in the configuration, and can only be undone there',
      },
    });
    expect(await api.ask('PUT', path, { maintenance_mode_message: 'Closed.' })).toMatchObject({
      status: 200,
    });
    expect(await create(api, 'a')).toMatchObject(refused('Closed.'));
  });

  test('settings that are none are refused with the reason', async () => {
    const api = await start();
    for (const [given, body] of [
      [
        {},
        {
          error:
            'maintenance_mode, maintenance_mode_message, container_registry_enabled, virtual_registries_enabled, default_container_registry_access_level, container_registry_token_expire_delay are missing, at least one parameter must be provided',
        },
      ],
      [{ maintenance_mode: 'maybe' }, { error: 'maintenance_mode is invalid' }],
      [
        { maintenance_mode_message: 'a'.repeat(256) },
        { message: { maintenance_mode_message: ['is too long (maximum is 255 characters)'] } },
      ],
    ] as const) {
      expect(await api.ask('PUT', path, given)).toMatchObject({ status: 400, body });
    }
  });

  test('who does not come in is told so first', async () => {
    const api = await start({ isReadOnly: true });
    const headers = { 'private-token': 'nobody' };
    expect(await api.ask('POST', '/groups', { name: 'a', path: 'a' }, { headers })).toMatchObject({
      status: 401,
    });
  });

  test('the change leaves an audit event', async () => {
    const api = await start();
    await api.ask('PUT', path, { maintenance_mode: true, maintenance_mode_message: 'Back soon.' });
    expect((await api.ask('GET', '/audit_events')).body).toMatchObject([
      {
        event_name: 'application_setting.update',
        entity_type: 'application_setting',
        details: {
          author_name: 'root',
          attributes: { maintenance_mode: true, maintenance_mode_message: 'Back soon.' },
        },
      },
    ]);
  });
});

describeEachDatabase('application settings', (open, { clock }) => {
  const start = async (options?: RestApiOptions) => RestApi.start(await open(), clock, options);

  test('new projects have the access level that is set, by the configuration where none is', async () => {
    const api = await start({ defaultAccessLevel: 'private' });
    const namespace_id = await api.createGroup('acme');
    const levelOf = async (fields: object) =>
      (await api.ask('POST', '/projects', { namespace_id, ...fields })).body.container_registry_access_level;
    expect(await levelOf({ path: 'a' })).toBe('private');
    await api.ask('PUT', path, { default_container_registry_access_level: 'disabled' });
    expect(await levelOf({ path: 'b' })).toBe('disabled');
    expect(await levelOf({ path: 'c', container_registry_access_level: 'enabled' })).toBe('enabled');
    expect(await levelOf({ path: 'd', container_registry_enabled: true })).toBe('enabled');
    const { body } = await api.ask('PUT', path, { default_container_registry_access_level: null });
    expect(body).toMatchObject({ default_container_registry_access_level: 'private' });
    expect(await levelOf({ path: 'e' })).toBe('private');
  });

  test('tokens last as many minutes as are set, at most a day, by the configuration where none are', async () => {
    const api = await start({ tokenMs: 90_000 });
    const set = async (minutes: unknown) => {
      const { status, body } = await api.ask('PUT', path, { container_registry_token_expire_delay: minutes });
      return status === 200 ? body.container_registry_token_expire_delay : status;
    };
    expect((await api.ask('GET', path)).body.container_registry_token_expire_delay).toBe(1.5);
    expect(await set(15)).toBe(15);
    expect(await set('1440')).toBe(1440);
    for (const wrong of [0, 1441, 'a while']) expect(await set(wrong)).toBe(400);
    expect(await set(null)).toBe(1.5);
  });

  test.each([
    ['container_registry_enabled', 'hosted.enabled', { isHostedEnabled: false }],
    ['virtual_registries_enabled', 'virtual_registries.enabled', { isVirtualEnabled: false }],
  ])('what the configuration turns off stays off: %s', async (field, setting, configured) => {
    const api = await start(configured);
    expect((await api.ask('GET', path)).body).toMatchObject({ [field]: false });
    expect(await api.ask('PUT', path, { [field]: true })).toEqual(
      expect.objectContaining({
        status: 409,
        body: {
          message: `409 Conflict - ${setting} is false in the configuration, and can only be undone there`,
        },
      }),
    );
    expect(await api.ask('PUT', path, { [field]: false })).toMatchObject({ status: 200 });
  });

  test('a change of one leaves the others, and whatever is changed is in the audit event', async () => {
    const api = await start();
    await api.ask('PUT', path, { container_registry_enabled: false, maintenance_mode: true });
    const attributes = { virtual_registries_enabled: false, container_registry_token_expire_delay: 7 };
    expect((await api.ask('PUT', path, attributes)).body).toEqual({
      maintenance_mode: true,
      maintenance_mode_message: null,
      container_registry_enabled: false,
      default_container_registry_access_level: 'enabled',
      ...attributes,
    });
    expect((await api.ask('GET', '/audit_events')).body[0]).toMatchObject({ details: { attributes } });
  });

  test('virtual registries are turned off for top-level groups alone, by their Owners', async () => {
    const api = await start();
    const id = await api.createGroup('acme');
    const sub = await api.ask('POST', '/groups', { name: 'sub', path: 'sub', parent_id: id });
    const off = { virtual_registries_enabled: false };
    expect(await api.ask('PUT', `/groups/${sub.body.id}`, off)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('only available on top-level groups') },
    });
    const mary = await api.createMember(id, 'mary', 40);
    expect(await api.as(mary, 'PUT', `/groups/${id}`, off)).toMatchObject({ status: 403 });
    expect(await api.ask('PUT', `/groups/${id}`, off)).toMatchObject({ status: 200, body: off });
    const registries = `/groups/${id}/-/virtual_registries/container/registries`;
    const stranger = await api.createUser('sam');
    expect(await api.as(mary, 'GET', registries)).toMatchObject({
      status: 404,
      body: { message: expect.stringContaining('acme are turned off') },
    });
    expect((await api.as(stranger, 'GET', registries)).body).toEqual({ message: '404 Group Not Found' });
    expect((await api.ask('GET', '/audit_events')).body[0]).toMatchObject({
      event_name: 'group.update',
      details: { attributes: off },
    });
  });
});

describeApp('a registry token', (start) => {
  test('lasts as long as is set while the server runs', async () => {
    await using app = await start();
    const issued = async () => {
      const headers = { authorization: basicOf({ username: 'root', secret: app.token }) };
      return (await fetch(`${app.url}/jwt/auth?service=container_registry`, { headers })).json();
    };
    expect(await issued()).toMatchObject({ expires_in: 300 });
    await app.api('PUT', path, { container_registry_token_expire_delay: 15 });
    expect(await issued()).toMatchObject({ expires_in: 900 });
    await app.api('PUT', path, { container_registry_token_expire_delay: null });
    expect(await issued()).toMatchObject({ expires_in: 300 });
  });
});
