import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

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
      entity_id: String(upstream.id),
      event_name: 'upstream.update',
      details: {
        author_name: 'ada',
        ip_address: '192.0.2.7',
        change: {
          group_id: group,
          url: 'https://hub.example',
          username: 'a',
          password: 'set',
          allow_private_network: false,
        },
      },
      created_at: new Date(clock.now).toISOString(),
    });
    expect(JSON.stringify(found)).not.toContain('secret');
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
