import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi, type TestUser } from '../support/rest-api.ts';

/** For so long a token is taken for good without being looked at again. */
const believedMs = 1000;
const dayMs = 24 * 60 * 60 * 1000;

describeEachDatabase('access tokens', (open, { clock }) => {
  /** The project acme/shop, and the paths of both. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    return {
      api,
      acme,
      shop,
      ofGroup: `/groups/${acme}/access_tokens`,
      ofProject: `/projects/${shop}/access_tokens`,
    };
  }

  const holder = (token: { user_id: number; token: string }): TestUser => ({
    id: token.user_id,
    token: token.token,
  });
  const ci = { name: 'ci', scopes: ['api'] };
  const events = async (api: RestApi, type: string) =>
    (await api.ask('GET', `/audit_events?entity_type=${type}`)).body.map(
      (event: { event_name: string }) => event.event_name,
    );

  test.each(['group', 'project'] as const)(
    'a token of a %s has the shape of GitLab and is shown once',
    async (kind) => {
      const { api, acme, shop, ofGroup, ofProject } = await start();
      const [path, id] = kind === 'group' ? [ofGroup, acme] : [ofProject, shop];
      const given = { name: 'ci', description: 'Builds', scopes: ['read_registry', 'write_registry'] };
      const { status, body } = await api.ask('POST', path, {
        ...given,
        access_level: 30,
        expires_at: '2026-06-01',
      });
      const { token, ...shown } = body;
      expect(status).toBe(201);
      expect(token).toMatch(/^ent-[\w-]{32}$/);
      expect(shown).toEqual({
        id: expect.any(Number),
        ...given,
        user_id: expect.any(Number),
        revoked: false,
        active: true,
        access_level: 30,
        created_at: '2026-01-01T00:00:00.000Z',
        last_used_at: null,
        expires_at: '2026-06-01',
      });
      expect((await api.ask('GET', path)).body).toEqual([shown]);
      expect((await api.ask('GET', `${path}/${shown.id}`)).body).toEqual(shown);
      expect((await api.ask('GET', `/users/${shown.user_id}`)).body).toMatchObject({
        username: expect.stringMatching(new RegExp(`^${kind}_${id}_bot_[0-9a-f]{32}$`)),
        name: 'ci',
        bot: true,
        is_admin: false,
      });
      const [event] = (await api.ask('GET', `/audit_events?entity_type=${kind}_access_token`)).body;
      expect(event).toMatchObject({
        event_name: `${kind}_access_token.create`,
        details: { group_path: 'acme', project_path: kind === 'group' ? null : 'acme/shop' },
      });
      expect(JSON.stringify(event)).not.toContain(token);
    },
  );

  test('a token acts with its role, where it belongs and nowhere else', async () => {
    const { api, acme, ofGroup, ofProject } = await start();
    const other = await api.createGroup('other');
    const { body } = await api.ask('POST', ofProject, { ...ci, access_level: 10 });
    expect(await api.as(holder(body), 'GET', '/projects/acme%2Fshop')).toMatchObject({ status: 200 });
    expect(await api.as(holder(body), 'GET', `/groups/${acme}`)).toMatchObject({ status: 404 });
    expect(await api.as(holder(body), 'PUT', '/projects/acme%2Fshop', { name: 'a' })).toMatchObject({
      status: 403,
    });
    const group = (await api.ask('POST', ofGroup, ci)).body;
    expect(group.access_level).toBe(40);
    expect(await api.as(holder(group), 'PUT', '/projects/acme%2Fshop', { name: 'a' })).toMatchObject({
      status: 200,
    });
    expect(await api.as(holder(group), 'GET', `/groups/${other}`)).toMatchObject({ status: 404 });
  });

  test('a revoked token is refused at once, and its role is gone with it', async () => {
    const { api, acme, ofGroup } = await start();
    const { body } = await api.ask('POST', ofGroup, ci);
    expect((await api.ask('GET', `/groups/${acme}/members`)).body).toHaveLength(2);
    expect(await api.ask('DELETE', `${ofGroup}/${body.id}`)).toMatchObject({ status: 204 });
    expect(await api.ask('DELETE', `${ofGroup}/${body.id}`)).toMatchObject({ status: 204 });
    expect((await api.ask('GET', `/groups/${acme}/members`)).body).toHaveLength(1);
    expect((await api.ask('GET', `${ofGroup}/${body.id}`)).body).toMatchObject({
      revoked: true,
      active: false,
      access_level: null,
    });
    expect(await api.as(holder(body), 'GET', `/groups/${acme}`)).toMatchObject({
      status: 401,
      body: { error: 'invalid_token' },
    });
    expect((await api.ask('GET', `${ofGroup}?state=active`)).body).toEqual([]);
    expect((await api.ask('GET', `${ofGroup}?state=inactive`)).body).toMatchObject([{ id: body.id }]);
    expect(await events(api, 'group_access_token')).toEqual([
      'group_access_token.revoke',
      'group_access_token.create',
    ]);
  });

  test('a token that ends itself takes its role along, too', async () => {
    const { api, shop, ofProject } = await start();
    const { body } = await api.ask('POST', ofProject, { name: 'ci', scopes: ['read_registry'] });
    expect(await api.as(holder(body), 'DELETE', '/personal_access_tokens/self')).toMatchObject({
      status: 204,
    });
    expect((await api.ask('GET', `/projects/${shop}/members`)).body).toEqual([]);
  });

  test('tokens go with what they belong to', async () => {
    const { api, acme, ofGroup, ofProject } = await start();
    const tokens = [(await api.ask('POST', ofGroup, ci)).body, (await api.ask('POST', ofProject, ci)).body];
    expect(await api.ask('DELETE', `/groups/${acme}`)).toMatchObject({ status: 202 });
    for (const token of tokens) {
      expect(await api.as(holder(token), 'GET', '/user')).toMatchObject({ status: 401 });
      expect(await api.ask('GET', `/users/${token.user_id}`)).toMatchObject({ status: 404 });
    }
  });

  test('nobody makes or rotates a token with a role above their own', async () => {
    const { api, shop, ofProject, ofGroup } = await start();
    const max = await api.createUser('max');
    await api.ask('POST', `/projects/${shop}/members`, { user_id: max.id, access_level: 40 });
    expect(await api.as(max, 'POST', ofProject, { ...ci, access_level: 50 })).toMatchObject({ status: 403 });
    expect(await api.as(max, 'POST', ofProject, ci)).toMatchObject({ status: 201 });
    const { body: owned } = await api.ask('POST', ofProject, { ...ci, access_level: 50 });
    expect(await api.as(max, 'POST', `${ofProject}/${owned.id}/rotate`)).toMatchObject({ status: 403 });
    expect(await api.as(max, 'POST', ofGroup, ci)).toMatchObject({ status: 404 });
  });

  test('of a project its Maintainers have tokens, of a group its Owners', async () => {
    const { api, acme, ofProject, ofGroup } = await start();
    for (const [name, level, project, group] of [
      ['developer', 30, 403, 403],
      ['maintainer', 40, 201, 403],
      ['owner', 50, 201, 201],
    ] as const) {
      const member = await api.createMember(acme, name, level);
      const given = { ...ci, access_level: 10 };
      expect(await api.as(member, 'POST', ofProject, given)).toMatchObject({ status: project });
      expect(await api.as(member, 'POST', ofGroup, given)).toMatchObject({ status: group });
      expect((await api.as(member, 'GET', ofProject)).status).toBe(project === 201 ? 200 : project);
      expect((await api.as(member, 'GET', ofGroup)).status).toBe(group === 201 ? 200 : group);
    }
  });

  test('a token of a group or project makes no other access tokens', async () => {
    const { api, ofGroup, ofProject } = await start();
    const { body } = await api.ask('POST', ofGroup, { ...ci, access_level: 50 });
    const refused = {
      status: 403,
      body: { message: expect.stringContaining('cannot make other access tokens') },
    };
    for (const path of [ofGroup, ofProject, '/user/personal_access_tokens']) {
      expect(await api.as(holder(body), 'POST', path, ci)).toMatchObject(refused);
    }
    expect(await api.ask('POST', `/users/${body.user_id}/personal_access_tokens`, ci)).toMatchObject({
      status: 403,
    });
  });

  test('what cannot be a token is refused with the reason', async () => {
    const { api, ofGroup, ofProject } = await start();
    const bad = 'scopes does not have a valid value';
    for (const [path, body, given] of [
      [ofGroup, { error: 'name is missing, scopes is missing' }, {}],
      [ofGroup, { error: 'scopes is empty' }, { name: 'a', scopes: [] }],
      [ofGroup, { error: bad }, { name: 'a', scopes: ['read_user'] }],
      [ofProject, { error: bad }, { name: 'a', scopes: ['read_virtual_registry'] }],
      [ofGroup, { error: 'access_level does not have a valid value' }, { ...ci, access_level: 45 }],
      [ofGroup, { message: { expires_at: ['must be in the future'] } }, { ...ci, expires_at: '2026-01-01' }],
    ] as const) {
      expect(await api.ask('POST', path, given as Json)).toMatchObject({ status: 400, body });
    }
    expect(await api.ask('POST', ofGroup, { name: 'a', scopes: ['read_virtual_registry'] })).toMatchObject({
      status: 201,
    });
  });

  test('a token of one place is not found in another', async () => {
    const { api, ofGroup, ofProject } = await start();
    const { body } = await api.ask('POST', ofGroup, ci);
    const own = await api.ask('POST', '/user/personal_access_tokens', ci);
    for (const id of [body.id, own.body.id, 999]) {
      expect(await api.ask('GET', `${ofProject}/${id}`)).toMatchObject({ status: 404 });
      expect(await api.ask('DELETE', `${ofProject}/${id}`)).toMatchObject({ status: 404 });
      expect(await api.ask('POST', `${ofProject}/${id}/rotate`)).toMatchObject({ status: 404 });
    }
  });

  test('a rotated token is another one of the same bot; the one before is good no more', async () => {
    const { api, ofProject } = await start();
    const { body: old } = await api.ask('POST', ofProject, { ...ci, access_level: 30 });
    const rotated = await api.ask('POST', `${ofProject}/${old.id}/rotate`, { expires_at: '2026-03-01' });
    expect(rotated).toMatchObject({
      status: 200,
      body: { name: 'ci', scopes: ['api'], user_id: old.user_id, access_level: 30, expires_at: '2026-03-01' },
    });
    expect(await api.as(holder(rotated.body), 'GET', '/projects/acme%2Fshop')).toMatchObject({ status: 200 });
    expect(await api.as(holder(old), 'GET', '/user')).toMatchObject({ status: 401 });
    expect(await api.ask('POST', `${ofProject}/${old.id}/rotate`)).toMatchObject({
      status: 400,
      body: { message: '400 Bad request - the token is revoked or expired' },
    });
    expect(await events(api, 'project_access_token')).toEqual([
      'project_access_token.rotate',
      'project_access_token.create',
    ]);
  });

  test('people rotate their own tokens, for a week where they do not say otherwise', async () => {
    const { api } = await start();
    const dana = await api.createUser('dana');
    const { body: old } = await api.as(dana, 'POST', '/user/personal_access_tokens', ci);
    const first = await api.as(dana, 'POST', `/personal_access_tokens/${old.id}/rotate`);
    expect(first).toMatchObject({
      status: 200,
      body: { name: 'ci', active: true, expires_at: '2026-01-08' },
    });
    const second = await api.as(holder(first.body), 'POST', '/personal_access_tokens/self/rotate', {
      expires_at: '2026-02-01',
    });
    expect(second).toMatchObject({ status: 200, body: { user_id: dana.id, expires_at: '2026-02-01' } });
    clock.now += believedMs;
    expect(await api.as(holder(first.body), 'GET', '/user')).toMatchObject({ status: 401 });
    expect(await api.as(holder(second.body), 'GET', '/user')).toMatchObject({ body: { username: 'dana' } });
    clock.now -= believedMs;
    expect(await events(api, 'personal_access_token')).toEqual([
      'personal_access_token.rotate',
      'personal_access_token.rotate',
      'personal_access_token.create',
    ]);
  });

  test('only administrators rotate tokens of others, and nobody one that is not good any more', async () => {
    const { api } = await start();
    const [dana, eve] = [await api.createUser('dana'), await api.createUser('eve')];
    const { body } = await api.as(dana, 'POST', '/user/personal_access_tokens', {
      ...ci,
      expires_at: '2026-01-03',
    });
    const path = `/personal_access_tokens/${body.id}/rotate`;
    expect(await api.as(eve, 'POST', path)).toMatchObject({ status: 401 });
    expect(await api.ask('POST', path, { expires_at: '2026-01-01' })).toMatchObject({ status: 400 });
    const before = clock.now;
    clock.now += 3 * dayMs;
    expect(await api.as(dana, 'POST', path)).toMatchObject({ status: 400 });
    clock.now = before;
    expect(await api.ask('POST', path)).toMatchObject({ status: 200, body: { user_id: dana.id } });
    expect(await api.ask('POST', '/personal_access_tokens/999/rotate')).toMatchObject({ status: 404 });
    expect(await api.as(dana, 'POST', '/personal_access_tokens/self/rotate')).toMatchObject({ status: 400 });
  });

  test('a token that was revoked a moment ago leaves nothing behind', async () => {
    const { api, acme, ofGroup } = await start();
    const dana = await api.createMember(acme, 'dana', 50);
    const { body } = await api.as(dana, 'POST', '/user/personal_access_tokens', ci);
    expect(await api.as(holder(body), 'GET', '/user')).toMatchObject({ status: 200 });
    await api.as(dana, 'DELETE', `/personal_access_tokens/${body.id}`);
    const deploy = { name: 'a', scopes: ['read_registry'] };
    for (const [path, given] of [
      ['/user/personal_access_tokens', ci],
      [ofGroup, ci],
      [`/groups/${acme}/deploy_tokens`, deploy],
    ] as const) {
      expect(await api.as(holder(body), 'POST', path, given)).toMatchObject({ status: 401 });
    }
    expect(await api.as(holder(body), 'POST', '/personal_access_tokens/self/rotate')).toMatchObject({
      status: 401,
    });
  });

  test('a token that may not change anything does not rotate itself', async () => {
    const { api, ofProject } = await start();
    const { body } = await api.ask('POST', ofProject, { name: 'ci', scopes: ['write_registry'] });
    expect(await api.as(holder(body), 'POST', '/personal_access_tokens/self/rotate')).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope' },
    });
  });
});
