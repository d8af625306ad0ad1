import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

interface Event {
  readonly event_name: string;
  readonly entity_id: number | null;
  readonly author_id: number | null;
  readonly details: {
    readonly author_name: string;
    readonly ip_address: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
}

const eventsOf = async (app: TestApp, name: string, path = '') =>
  jsonOf<Event[]>(await app.api('GET', `${path}/audit_events?per_page=100&event_name=${name}`));

function signIn(app: TestApp, username: string, secret: string, query = ''): Promise<Response> {
  const basic = Buffer.from(`${username}:${secret}`).toString('base64');
  return fetch(`${app.url}/jwt/auth${query}`, { headers: { authorization: `Basic ${basic}` } });
}

describeApp('the audit trail', (start) => {
  test('has sign-ins and failures, and no secret', async () => {
    await using app = await start();
    const user = { username: 'dana', name: 'Dana', email: 'dana@example.com', password: 'correct horse' };
    const { id } = await jsonOf<{ id: number }>(await app.api('POST', '/users', user));
    expect((await signIn(app, 'dana', 'wrong horse')).status).toBe(401);
    expect((await signIn(app, 'dana', 'wrong mule')).status).toBe(401);
    expect((await signIn(app, 'dana', 'correct horse')).status).toBe(200);
    await eventually(async () => {
      expect(await eventsOf(app, 'user.sign_in')).toMatchObject([
        { author_id: id, entity_id: id, details: { attributes: { with: 'password', count: 1 } } },
      ]);
    });
    expect(await eventsOf(app, 'user.sign_in_failed')).toMatchObject([
      {
        author_id: null,
        entity_id: null,
        details: {
          target_details: 'dana',
          author_name: 'dana',
          ip_address: '127.0.0.1',
          attributes: { reason: 'unknown', count: 1 },
        },
      },
    ]);
    expect(await eventsOf(app, 'personal_access_token.sign_in')).toHaveLength(1); // root's, which asks
    const everything = await (await app.api('GET', '/audit_events?per_page=100')).text();
    expect(everything).not.toMatch(/horse|mule/);
    expect(everything).not.toContain(app.token);
  });

  test('has tokens that may push, and what was refused to be changed, for the owner', async () => {
    await using app = await start();
    const project = await createProject(app, 'acme/shop');
    const dana = await createUser(app, 'dana', ['acme']);
    const eve = await createUser(app, 'eve');
    const query = '?service=container_registry&scope=repository:acme/shop/web:pull,push';
    expect((await signIn(app, 'dana', dana.token, query)).status).toBe(200);
    expect((await signIn(app, 'eve', eve.token, query)).status).toBe(200);
    const denied = await new Pusher(app, 'acme/shop/web', eve).ask('POST', 'blobs/uploads/');
    expect(denied.status).toBe(403);
    await eventually(async () => {
      for (const path of ['', `/projects/${project}`, '/groups/acme']) {
        expect(await eventsOf(app, 'registry_token.grant', path)).toMatchObject([
          {
            entity_id: null,
            details: {
              target_details: 'acme/shop/web',
              author_name: 'dana',
              attributes: { actions: ['pull', 'push'] },
            },
          },
        ]);
        expect(await eventsOf(app, 'repository.write_denied', path)).toMatchObject([
          {
            entity_id: null,
            details: { target_details: 'acme/shop/web', author_name: 'eve', attributes: { method: 'POST' } },
          },
        ]);
      }
    });
  });

  test('has what was refused to be changed by the REST API', async () => {
    await using app = await start();
    const { token } = await createUser(app, 'eve');
    const answer = await app.api('POST', '/users', { username: 'x', name: 'x' }, { 'private-token': token });
    expect(answer.status).toBe(403);
    await eventually(async () => {
      expect(await eventsOf(app, 'api.write_denied')).toMatchObject([
        {
          entity_id: null,
          details: { target_details: '/api/v4/users', author_name: 'eve', attributes: { method: 'POST' } },
        },
      ]);
    });
  });

  test('has no failures of registry tokens that have expired', async () => {
    await using app = await start();
    const { token } = await jsonOf<{ token: string }>(await signIn(app, 'root', app.token));
    app.advance(3_600_000);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${app.url}/v2/`, { headers })).status).toBe(401);
    expect((await fetch(`${app.url}/v2/`, { headers: { authorization: 'Bearer guess' } })).status).toBe(401);
    await eventually(async () => {
      expect(await eventsOf(app, 'user.sign_in_failed')).toMatchObject([
        {
          entity_id: null,
          details: { target_details: '', author_name: 'unknown', attributes: { count: 1 } },
        },
      ]);
    });
  });

  test('is written to its end when the server stops', async () => {
    await using app = await start();
    for (let guess = 0; guess < 3; guess += 1) await signIn(app, 'root', `guess ${guess}`);
    await app.stop();
    await app.resume();
    const failures = await eventsOf(app, 'user.sign_in_failed');
    const counts = failures.map(({ details }) => Number(details.attributes['count']));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });
});
