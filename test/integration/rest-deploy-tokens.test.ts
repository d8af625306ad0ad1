import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

describeEachDatabase('deploy tokens', (open, { clock }) => {
  /** The project acme/shop, and the paths of both. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    return {
      api,
      acme,
      ofGroup: `/groups/${acme}/deploy_tokens`,
      ofProject: `/projects/${shop}/deploy_tokens`,
    };
  }

  const pulls = { name: 'pulls', scopes: ['read_registry'] };

  test.each(['group', 'project'] as const)(
    'a token of a %s has the shape of GitLab and is shown once',
    async (kind) => {
      const { api, ofGroup, ofProject } = await start();
      const path = kind === 'group' ? ofGroup : ofProject;
      const { status, body } = await api.ask('POST', path, { ...pulls, expires_at: '2026-06-01' });
      const { token, ...shown } = body;
      expect(status).toBe(201);
      expect(token).toMatch(/^entd-[\w-]{32}$/);
      expect(shown).toEqual({
        id: expect.any(Number),
        name: 'pulls',
        username: `gitlab+deploy-token-${body.id}`,
        expires_at: '2026-06-01T00:00:00.000Z',
        scopes: ['read_registry'],
        revoked: false,
        expired: false,
      });
      expect((await api.ask('GET', path)).body).toEqual([shown]);
      expect((await api.ask('GET', `${path}/${shown.id}`)).body).toEqual(shown);
      expect((await api.ask('GET', '/deploy_tokens')).body).toEqual([shown]);
      const [event] = (await api.ask('GET', '/audit_events?entity_type=deploy_token')).body;
      expect(event).toMatchObject({
        event_name: 'deploy_token.create',
        details: {
          group_path: 'acme',
          project_path: kind === 'group' ? null : 'acme/shop',
          attributes: { name: 'pulls', scopes: ['read_registry'] },
        },
      });
      expect(JSON.stringify(event)).not.toContain(token);
    },
  );

  test('a token has the username and the time that it was given', async () => {
    const { api, ofProject } = await start();
    const given = { ...pulls, username: 'robot+1', expires_at: '2026-01-02T10:00:00+02:00' };
    expect(await api.ask('POST', ofProject, given)).toMatchObject({
      status: 201,
      body: { username: 'robot+1', expires_at: '2026-01-02T08:00:00.000Z' },
    });
    expect(await api.ask('POST', ofProject, pulls)).toMatchObject({ body: { expires_at: null } });
  });

  test('a revoked token says so, and so does an expired one', async () => {
    const { api, ofGroup } = await start();
    const { body: first } = await api.ask('POST', ofGroup, pulls);
    const { body: second } = await api.ask('POST', ofGroup, { ...pulls, expires_at: '2026-01-02' });
    expect(await api.ask('DELETE', `${ofGroup}/${first.id}`)).toMatchObject({ status: 204 });
    expect(await api.ask('DELETE', `${ofGroup}/${first.id}`)).toMatchObject({ status: 204 });
    const before = clock.now;
    clock.now += 24 * 60 * 60 * 1000;
    const { body: all } = await api.ask('GET', ofGroup);
    expect(all).toMatchObject([
      { id: first.id, revoked: true, expired: false },
      { id: second.id, revoked: false, expired: true },
    ]);
    expect((await api.ask('GET', `${ofGroup}?active=true`)).body).toEqual([]);
    expect((await api.ask('GET', '/deploy_tokens?active=false')).body).toHaveLength(2);
    clock.now = before;
    const { body: events } = await api.ask('GET', '/audit_events?event_name=deploy_token.revoke');
    expect(events).toHaveLength(1);
  });

  test('of a project its Maintainers have tokens, of a group its Owners, whose Maintainers see them', async () => {
    const { api, acme, ofGroup, ofProject } = await start();
    const { body } = await api.ask('POST', ofGroup, pulls);
    for (const [name, level, project, group, see] of [
      ['developer', 30, 403, 403, 403],
      ['maintainer', 40, 201, 403, 200],
      ['owner', 50, 201, 201, 200],
    ] as const) {
      const member = await api.createMember(acme, name, level);
      expect(await api.as(member, 'POST', ofProject, pulls)).toMatchObject({ status: project });
      expect(await api.as(member, 'POST', ofGroup, pulls)).toMatchObject({ status: group });
      expect(await api.as(member, 'GET', ofGroup)).toMatchObject({ status: see });
      expect(await api.as(member, 'GET', `${ofGroup}/${body.id}`)).toMatchObject({ status: see });
      if (group === 403)
        expect(await api.as(member, 'DELETE', `${ofGroup}/${body.id}`)).toMatchObject({ status: 403 });
      expect(await api.as(member, 'GET', '/deploy_tokens')).toMatchObject({ status: 403 });
    }
    const stranger = await api.createUser('stranger');
    expect(await api.as(stranger, 'GET', ofGroup)).toMatchObject({ status: 404 });
  });

  test('what cannot be a token is refused with the reason', async () => {
    const { api, ofGroup, ofProject } = await start();
    for (const [path, body, given] of [
      [ofGroup, { error: 'name is missing, scopes is missing' }, {}],
      [ofGroup, { error: 'scopes is empty' }, { name: 'a', scopes: [] }],
      [ofGroup, { error: 'scopes does not have a valid value' }, { name: 'a', scopes: ['api'] }],
      [ofGroup, { error: 'expires_at is invalid' }, { ...pulls, expires_at: 'soon' }],
      [
        ofGroup,
        { message: { expires_at: ['must be in the future'] } },
        { ...pulls, expires_at: '2026-01-01' },
      ],
      [
        ofGroup,
        { message: { username: [expect.stringContaining('can contain only')] } },
        { ...pulls, username: 'a:b' },
      ],
      [
        ofProject,
        { message: { scopes: ['of virtual registries are for tokens of groups'] } },
        { name: 'a', scopes: ['read_virtual_registry'] },
      ],
    ] as const) {
      expect(await api.ask('POST', path, given as Json)).toMatchObject({ status: 400, body });
    }
    const group = { name: 'a', scopes: ['read_virtual_registry', 'read_package_registry'] };
    expect(await api.ask('POST', ofGroup, group)).toMatchObject({
      status: 201,
      body: { scopes: group.scopes },
    });
  });

  test('a token of one place is not found in another', async () => {
    const { api, ofGroup, ofProject } = await start();
    const { body } = await api.ask('POST', ofGroup, pulls);
    for (const id of [body.id, 999]) {
      expect(await api.ask('GET', `${ofProject}/${id}`)).toMatchObject({ status: 404 });
      expect(await api.ask('DELETE', `${ofProject}/${id}`)).toMatchObject({ status: 404 });
    }
  });

  test('a deploy token manages nothing', async () => {
    const { api, ofGroup } = await start();
    const { body } = await api.ask('POST', ofGroup, pulls);
    expect(await api.as(body, 'GET', ofGroup)).toMatchObject({
      status: 401,
      body: { message: '401 Unauthorized' },
    });
  });
});
