import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi, type TestUser } from '../support/rest-api.ts';

describeEachDatabase('audit events', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);
  const events = async (api: RestApi, query = '') =>
    (await api.ask('GET', `/audit_events?per_page=100${query}`)).body;

  test('every change says who, what, when and from where', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const ada = await api.createMember(group, 'ada', 40);
    const registry = await api.createRegistry(group, 'base');
    const upstream = await api.createUpstream(registry, 'hub');
    const link = upstream.registry_upstream.id;
    const paths = '/virtual_registries/container';
    await api.as(ada, 'PATCH', `${paths}/registries/${registry}`, { name: 'new' });
    await api.as(ada, 'PATCH', `${paths}/upstreams/${upstream.id}`, { username: 'a', password: 'secret' });
    await api.as(ada, 'PATCH', `${paths}/registry_upstreams/${link}`, { position: 1 });
    await api.as(ada, 'DELETE', `${paths}/upstreams/${upstream.id}/cache`);
    await api.as(ada, 'DELETE', `${paths}/registries/${registry}/cache`);
    await api.as(ada, 'DELETE', `${paths}/registry_upstreams/${link}`);
    await api.as(ada, 'POST', `${paths}/registry_upstreams`, {
      registry_id: registry,
      upstream_id: upstream.id,
    });
    await api.as(ada, 'DELETE', `${paths}/upstreams/${upstream.id}`);
    await api.as(ada, 'DELETE', `${paths}/registries/${registry}`);
    await api.ask('DELETE', `/groups/${group}`);

    const found: { event_name: string; author_id: number }[] = await events(api);
    expect(found.map((event) => event.event_name).reverse()).toEqual([
      'group.create',
      'virtual_registry.create',
      'upstream.create',
      'virtual_registry.update',
      'upstream.update',
      'registry_upstream.update',
      'upstream.clear_cache',
      'virtual_registry.clear_cache',
      'registry_upstream.delete',
      'registry_upstream.create',
      'upstream.delete',
      'virtual_registry.delete',
      'group.delete',
    ]);
    expect(found.find((event) => event.event_name === 'upstream.update')).toEqual({
      id: expect.any(Number),
      author_id: ada.id,
      entity_type: 'upstream',
      entity_id: upstream.id,
      event_name: 'upstream.update',
      details: {
        author_name: 'ada',
        ip_address: '192.0.2.7',
        target_details: String(upstream.id),
        group_path: expect.anything(),
        project_path: null,
        attributes: {
          group_id: group,
          url: 'https://hub.example',
          username: 'a',
          identity: null,
          password: 'set',
          allow_private_network: false,
        },
      },
      created_at: new Date(clock.now).toISOString(),
    });
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  test('the entity is a number, or null beside its name: clients read the list as a whole', async () => {
    const api = await start();
    const add = (action: string, targetId: string) =>
      api.database.auditEvents.add({ actorName: 'x', action, targetId, details: {} });
    await add('tag.delete', 'acme/shop:1');
    await add('user.sign_in_failed', '42');
    await add('user.block', '42');
    const found = await events(api);
    const shown = found.map(({ entity_id, details }: { entity_id: unknown; details: Json }) => [
      entity_id,
      details['target_details'],
    ]);
    expect(shown).toEqual([
      [42, '42'],
      [null, '42'],
      [null, 'acme/shop:1'],
    ]);
    expect(await events(api, '&entity_id=acme%2Fshop%3A1')).toHaveLength(1);
    // GitLab's clients have texts in `details`, and numbers for ids.
    for (const { details } of found) expect(details).not.toHaveProperty('change');
  });

  test('what was refused left no event', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const path = `/groups/${group}/-/virtual_registries/container/registries`;
    expect(await api.ask('POST', path, { name: 'base' })).toMatchObject({ status: 400 });
    const upstreams = `/virtual_registries/container/registries/${registry}/upstreams`;
    expect(await api.ask('POST', upstreams, { name: 'a', url: 'http://10.0.0.1' })).toMatchObject({
      status: 400,
    });
    expect(await events(api)).toHaveLength(2);
  });

  test('they are for administrators, filtered and in pages', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    await api.createRegistry(group, 'other');
    const ada = await api.createMember(group, 'ada', 50);
    expect(await api.as(ada, 'GET', '/audit_events')).toMatchObject({ status: 403 });
    expect(await events(api, '&entity_type=virtual_registry')).toHaveLength(2);
    expect(await events(api, `&entity_type=virtual_registry&entity_id=${registry}`)).toHaveLength(1);
    const { body, headers } = await api.ask('GET', '/audit_events?per_page=1&page=3');
    expect(body).toMatchObject([{ event_name: 'group.create' }]);
    expect(headers.get('x-total')).toBe('3');
  });

  test('are found by who, what and when', async () => {
    const api = await start();
    const began = clock.now;
    const group = await api.createGroup('platform');
    const ada = await api.createMember(group, 'ada', 40);
    clock.now += 60_000;
    const registry = await api.createRegistry(group, 'base');
    await api.as(ada, 'PATCH', `/virtual_registries/container/registries/${registry}`, { name: 'new' });
    const instant = (ms: number) => encodeURIComponent(new Date(ms).toISOString());
    const names = async (query: string) =>
      (await events(api, query)).map((event: { event_name: string }) => event.event_name);
    expect(await names(`&author_id=${ada.id}`)).toEqual(['virtual_registry.update']);
    expect(await names('&event_name=group.create')).toEqual(['group.create']);
    expect(await names(`&created_before=${instant(began)}`)).toEqual(['group.create']);
    expect(await names(`&created_after=${instant(began + 1)}`)).toEqual([
      'virtual_registry.update',
      'virtual_registry.create',
    ]);
    // Without an offset it is UTC.
    const local = new Date(began).toISOString().slice(0, -1);
    expect(await names(`&created_before=${encodeURIComponent(local)}`)).toEqual(['group.create']);
    expect(await names('&created_after=2999-01-01')).toEqual([]);
    expect(await api.ask('GET', '/audit_events?created_after=yesterday')).toMatchObject({ status: 400 });
  });
});

describeEachDatabase('audit events of a place', (open, { clock }) => {
  const start = async () => {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', group);
    const project = await api.createProject(team, 'shop');
    const record = (fields: { groupPath?: string; projectPath?: string }, action: string) =>
      api.database.auditEvents.add({
        actorName: 'x',
        action,
        targetId: '1',
        details: {},
        ...fields,
      });
    clock.now += 1000;
    await record({ groupPath: 'acme' }, 'x.in_group');
    await record({ groupPath: 'acme/team' }, 'x.in_team');
    await record({ projectPath: 'acme/team/shop' }, 'x.in_project');
    await record({ groupPath: 'acme-2' }, 'x.elsewhere');
    await record({}, 'x.nowhere');
    return { api, group, team, project };
  };

  test('are for its owners, of a group with all below it', async () => {
    const { api, group, team, project } = await start();
    const owner = await api.createMember(group, 'owner', 50);
    const leader = await api.createMember(team, 'leader', 50);
    const names = async (user: TestUser, path: string) => {
      const answer = await api.as(user, 'GET', `${path}/audit_events?entity_type=x`);
      return answer.status === 200
        ? answer.body.map((event: { event_name: string }) => event.event_name)
        : answer.status;
    };
    const below = ['x.in_project', 'x.in_team'];
    expect(await names(owner, `/groups/${group}`)).toEqual([...below, 'x.in_group']);
    expect(await names(owner, '/groups/acme%2Fteam')).toEqual(below);
    expect(await names(owner, `/projects/${project}`)).toEqual(['x.in_project']);
    expect(await names(leader, '/projects/acme%2Fteam%2Fshop')).toEqual(['x.in_project']);
    expect(await names(leader, `/groups/${group}`)).toBe(404);
    const maintainer = await api.createMember(group, 'maintainer', 40);
    for (const path of [`/groups/${group}`, `/groups/${team}`, `/projects/${project}`]) {
      expect(await names(maintainer, path)).toBe(403);
      expect(await names(await api.createUser(`stranger${path.length}${path[1]}${path.at(-1)}`), path)).toBe(
        404,
      );
    }
  });

  test('of an earlier one with the same path are not shown', async () => {
    const { api, group, project } = await start();
    await api.ask('DELETE', `/projects/${project}`);
    clock.now += 1000;
    await api.createProject((await api.ask('GET', '/groups/acme%2Fteam')).body.id, 'shop');
    const owner = await api.createMember(group, 'owner', 50);
    const { body } = await api.as(owner, 'GET', '/projects/acme%2Fteam%2Fshop/audit_events');
    expect(JSON.stringify(body)).not.toContain('x.in_project');
  });
});

describeEachDatabase('the version', (open, { clock }) => {
  test('is told to everyone who has a token', async () => {
    const api = await RestApi.start(await open(), clock);
    const reader = await api.createUser('reader', { scopes: ['read_user'] });
    expect(await api.as(reader, 'GET', '/version')).toMatchObject({
      status: 200,
      body: { version: '1.2.3', revision: 'abc1234' },
    });
    expect(await api.ask('GET', '/version', undefined, { headers: { 'private-token': 'x' } })).toMatchObject({
      status: 401,
    });
  });
});
