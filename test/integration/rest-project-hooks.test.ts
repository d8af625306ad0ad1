import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const levels = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 };
const url = 'https://ci.example/events';

/** One event of the project's registry, to whoever wants to be told. */
async function tell(database: Database, projectId: number): Promise<void> {
  await database.webhookOutbox.add({
    action: 'push',
    projectId,
    repositoryId: 7,
    repository: 'acme/shop',
    actorName: 'ada',
  });
}

describeEachDatabase('the hooks of a project', (open, { clock }) => {
  async function start() {
    const database = await open();
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    return { api, database, acme, shop, hooks: `/projects/${shop}/hooks` };
  }

  test('have what GitLab has, and what is ours, and never their token', async () => {
    const { api, shop, hooks } = await start();
    const created = await api.ask('POST', hooks, {
      url: `${url}#part`,
      name: 'CI',
      description: 'Builds',
      token: 'secret',
      custom_headers: [{ key: 'Authorization', value: 'Bearer abc' }],
      ignored_actions: 'pull,mount',
      ignored_media_types: ['application/octet-stream'],
      timeout_seconds: 5,
      backoff_seconds: 2,
      max_retries: 3,
      push_events: true,
    });
    expect(created).toMatchObject({ status: 201 });
    expect(created.body).toEqual({
      id: expect.any(Number),
      name: 'CI',
      description: 'Builds',
      project_id: shop,
      url,
      created_at: new Date(clock.now).toISOString(),
      ignored_actions: ['pull', 'mount'],
      ignored_media_types: ['application/octet-stream'],
      alert_status: 'executable',
      disabled: false,
      disabled_until: null,
      enable_ssl_verification: true,
      signed: true,
      custom_headers: [{ key: 'Authorization' }],
      timeout_seconds: 5,
      backoff_seconds: 2,
      max_retries: 3,
    });
    const bare = await api.ask('POST', hooks, { url });
    expect(bare.body).toMatchObject({
      name: null,
      signed: false,
      timeout_seconds: null,
      ignored_actions: [],
    });
    const listed = await api.ask('GET', hooks);
    expect(listed.body).toEqual([created.body, bare.body]);
    expect(listed.headers.get('x-total')).toBe('2');
    expect((await api.ask('GET', `/projects/acme%2Fshop/hooks/${created.body.id}`)).body).toEqual(
      created.body,
    );
  });

  test('change what is given, and are gone when they are deleted', async () => {
    const { api, hooks } = await start();
    const { body } = await api.ask('POST', hooks, { url, name: 'CI', token: 'secret', max_retries: 3 });
    const hook = `${hooks}/${body.id}`;
    const changed = await api.ask('PUT', hook, { name: null, disabled: true });
    expect(changed).toMatchObject({
      status: 200,
      body: { url, name: null, signed: true, disabled: true, alert_status: 'disabled', max_retries: 3 },
    });
    expect((await api.ask('PUT', hook, { token: '' })).body).toMatchObject({ signed: false });
    expect(await api.ask('DELETE', hook)).toMatchObject({ status: 204 });
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await api.ask(method, hook)).toMatchObject({ status: 404, body: { message: '404 Not found' } });
  });

  test('keep their secrets for one URL alone', async () => {
    const { api, hooks } = await start();
    const given = { token: 'secret', custom_headers: [{ key: 'X-Key', value: 'abc' }] };
    const { body } = await api.ask('POST', hooks, { url, ...given });
    const hook = `${hooks}/${body.id}`;
    expect((await api.ask('PUT', hook, { url })).body).toMatchObject({ signed: true });
    const moved = await api.ask('PUT', hook, { url: 'https://evil.example/' });
    expect(moved.body).toMatchObject({ signed: false, custom_headers: [] });
    const back = await api.ask('PUT', hook, { url, token: 'again' });
    expect(back.body).toMatchObject({ signed: true, custom_headers: [] });
    const headers = await api.ask('PUT', hook, { custom_headers: given.custom_headers });
    expect(headers.body).toMatchObject({ signed: true, custom_headers: [{ key: 'X-Key' }] });
  });

  test('that cannot be are refused with the reason', async () => {
    const { api, hooks } = await start();
    const header = (key: string, value = 'x') => ({ url, custom_headers: [{ key, value }] });
    const refusals: [Json, Json][] = [
      [{ error: 'url is missing' }, {}],
      [{ message: { url: ['must be a valid URL'] } }, { url: 'example' }],
      [
        { message: { url: ['is blocked: Only allowed schemes are http, https'] } },
        { url: 'ftp://a.example' },
      ],
      [
        { message: { url: ['must not have credentials: give them as a header (custom_headers)'] } },
        { url: 'https://ada:secret@ci.example/' },
      ],
      [
        {
          message: {
            url: ['is blocked: address 10.1.2.3 that is not public; allow it with webhooks.allowed_networks'],
          },
        },
        { url: 'http://10.1.2.3/' },
      ],
      [{ error: 'ignored_actions does not have a valid value' }, { url, ignored_actions: ['jump'] }],
      [{ message: { custom_headers: ['must be headers that may be given'] } }, header('Content-Length')],
      [{ message: { custom_headers: ['must be headers that may be given'] } }, header('X-Entrepot-Event')],
      [{ message: { custom_headers: ['must be headers that may be given'] } }, header('A B')],
      [{ message: { custom_headers: ['must be headers that may be given'] } }, header('A', 'b\r\nC: d')],
      [
        { message: { custom_headers: ['must have each header once'] } },
        { url, custom_headers: ['a', 'A'].map((key) => ({ key, value: 'x' })) },
      ],
      [
        { error: 'enable_ssl_verification must be true: certificates are always verified' },
        { url, enable_ssl_verification: false },
      ],
      [{ message: { timeout_seconds: ['must be less than or equal to 60'] } }, { url, timeout_seconds: 61 }],
      [{ message: { max_retries: ['must be greater than or equal to 0'] } }, { url, max_retries: -1 }],
    ];
    for (const [body, given] of refusals)
      expect(await api.ask('POST', hooks, given)).toMatchObject({ status: 400, body });
    expect((await api.ask('GET', hooks)).body).toEqual([]);
  });

  test('are as many as are allowed', async () => {
    const { api, hooks } = await start();
    for (let at = 0; at < 3; at += 1) await api.ask('POST', hooks, { url });
    expect(await api.ask('POST', hooks, { url })).toMatchObject({
      status: 400,
      body: { message: { base: ['Maximum number of project hooks (3) exceeded'] } },
    });
  });

  test('are for Maintainers, and each is of its own project', async () => {
    const { api, acme, hooks } = await start();
    const { body } = await api.ask('POST', hooks, { url });
    const other = await api.createProject(acme, 'other');
    const paths = [hooks, `${hooks}/${body.id}`, `${hooks}/${body.id}/events`];
    for (const [role, level] of Object.entries(levels)) {
      const member = await api.createMember(acme, role, level);
      const expected = level >= levels.maintainer ? 200 : 403;
      for (const path of paths) expect(await api.as(member, 'GET', path)).toMatchObject({ status: expected });
    }
    const stranger = await api.createUser('stranger');
    for (const path of paths)
      expect(await api.as(stranger, 'GET', path)).toMatchObject({
        status: 404,
        body: { message: '404 Project Not Found' },
      });
    for (const path of [`${body.id}`, `${body.id}/events`])
      expect(await api.ask('GET', `/projects/${other}/hooks/${path}`)).toMatchObject({ status: 404 });
    expect(await api.as(stranger, 'POST', hooks, { url })).toMatchObject({ status: 404 });
  });

  test('show what they are told, and send it again once it was told or given up', async () => {
    const { api, database, shop, hooks } = await start();
    const { body } = await api.ask('POST', hooks, { url });
    await api.ask('POST', hooks, { url, ignored_actions: 'push' });
    await tell(database, shop);
    const events = `${hooks}/${body.id}/events`;
    const listed = await api.ask('GET', events);
    expect(listed.body).toEqual([
      {
        id: expect.any(Number),
        delivery_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        trigger: 'push',
        url,
        status: 'pending',
        attempts: 0,
        created_at: new Date(clock.now).toISOString(),
        finished_at: null,
        last_attempt_at: null,
        request_headers: { 'X-Entrepot-Event': 'push', 'X-Entrepot-Delivery': listed.body[0].delivery_id },
        request_data: { events: [expect.objectContaining({ action: 'push' })] },
        response_status: null,
        response_body: null,
        execution_duration: null,
        error: null,
      },
    ]);
    const { id } = listed.body[0];
    const resend = `${events}/${id}/resend`;
    expect(await api.ask('POST', resend)).toMatchObject({
      status: 400,
      body: { message: '400 Bad request - the event is still to be sent' },
    });
    const attempt = { at: clock.now, durationMs: 250, status: 503, body: 'a\0b', error: 'answered 503' };
    await database.webhookDeliveries.recordAttempt(id, 'dead', attempt);
    expect((await api.ask('GET', `${events}?status=dead`)).body).toMatchObject([
      { status: 'dead', attempts: 1, response_status: 503, response_body: 'ab', execution_duration: 0.25 },
    ]);
    expect((await api.ask('GET', `${events}?status=pending`)).body).toEqual([]);
    expect(await api.ask('GET', `${events}?status=lost`)).toMatchObject({ status: 400 });
    expect(await api.ask('POST', resend)).toMatchObject({
      status: 400,
      body: { message: '400 Bad request - the endpoint is turned off' },
    });
    api.resent = { status: 200, error: undefined };
    expect(await api.ask('POST', resend)).toMatchObject({
      status: 201,
      body: { response_status: 200, error: null },
    });
    expect(await api.ask('POST', `${events}/${id + 1000}/resend`)).toMatchObject({ status: 404 });
    const audited = await api.ask('GET', '/audit_events?action=webhook.resend');
    expect(audited.body[0]).toMatchObject({ details: { attributes: { status: 200 } } });
  });

  test('go with the project, and with them what they were still to be told', async () => {
    const { api, database, shop, hooks } = await start();
    await api.ask('POST', hooks, { url });
    await tell(database, shop);
    expect(await database.webhookDeliveries.countPending()).toBe(1);
    await api.ask('DELETE', `/projects/${shop}`);
    expect(await database.webhookDeliveries.countPending()).toBe(0);
  });

  test('of the configuration are for administrators to see', async () => {
    const { api, database, shop } = await start();
    const none = { ignoredActions: [], ignoredMediaTypes: [] };
    const one = { ...none, name: 'one', isDisabled: false };
    await database.webhooks.configure([one, { ...one, name: 'two' }]);
    await database.webhooks.configure([{ ...one, ignoredActions: ['pull'] }]);
    const listed = await api.ask('GET', '/hooks');
    expect(listed.body).toEqual([
      {
        id: expect.any(Number),
        name: 'one',
        created_at: new Date(clock.now).toISOString(),
        ignored_actions: ['pull'],
        ignored_media_types: [],
        alert_status: 'executable',
      },
      expect.objectContaining({ name: 'two', alert_status: 'disabled' }),
    ]);
    const { id } = listed.body[0];
    await tell(database, shop);
    expect((await api.ask('GET', `/hooks/${id}/events`)).body).toMatchObject([
      { trigger: 'push', url: null },
    ]);
    expect((await api.ask('GET', `/hooks/${id + 1}/events`)).body).toEqual([]);
    expect((await api.ask('GET', `/hooks/${id}`)).body).toEqual(listed.body[0]);
    expect(await api.ask('GET', `/projects/${shop}/hooks/${id}`)).toMatchObject({ status: 404 });
    const user = await api.createUser('ada');
    for (const path of ['/hooks', `/hooks/${id}`, `/hooks/${id}/events`])
      expect(await api.as(user, 'GET', path)).toMatchObject({ status: 403 });
  });
});
