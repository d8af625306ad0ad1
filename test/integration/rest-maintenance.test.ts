import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const path = '/application/settings';
const refused = (reason: string) => ({
  status: 503,
  body: { message: `503 Service Unavailable - ${reason}` },
});
const byDefault = refused('this server is in read-only mode: pulls work, nothing can be changed');

describeEachDatabase('read-only mode', (open, { clock, createPlace }) => {
  const start = async (options?: { readOnly: boolean }) => RestApi.start(await open(), clock, options);
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
    const api = await start({ readOnly: true });
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
            'maintenance_mode, maintenance_mode_message are missing, at least one parameter must be provided',
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
    const api = await start({ readOnly: true });
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
