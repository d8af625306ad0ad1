import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';

describeEachDatabase('names where the API wants numbers', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  test('of groups name where groups and projects are made', async () => {
    const api = await start();
    const acme = await api.createGroup('acme');
    const group = { name: 'shop', path: 'shop', parent_id: 'acme' };
    expect(await api.ask('POST', '/groups', group)).toMatchObject({ body: { parent_id: acme } });
    const project = { path: 'web', namespace_id: 'ACME/shop' };
    expect(await api.ask('POST', '/projects', project)).toMatchObject({
      status: 201,
      body: { path_with_namespace: 'acme/shop/web' },
    });
    expect(await api.ask('GET', '/namespaces/shop/exists?parent_id=acme')).toMatchObject({
      body: { exists: true },
    });
    for (const [path, input, parameter] of [
      ['/groups', group, 'parent_id'],
      ['/projects', project, 'namespace_id'],
    ] as const) {
      const [named, numbered] = [
        await api.ask('POST', path, { ...input, [parameter]: 'nobody' }),
        await api.ask('POST', path, { ...input, [parameter]: 999 }),
      ];
      expect(named.status).toBeGreaterThanOrEqual(400);
      expect([named.status, named.body]).toEqual([numbered.status, numbered.body]);
    }
  });

  test('of users name those who are shown, blocked, given tokens and roles', async () => {
    const api = await start();
    await api.createGroup('acme');
    const { id } = (await api.ask('POST', '/users', { username: 'dana', name: 'Dana' })).body;
    expect(await api.ask('GET', '/users/Dana')).toMatchObject({ status: 200, body: { id } });
    expect(await api.ask('POST', '/users/dana/block')).toMatchObject({ status: 201 });
    expect(await api.ask('POST', '/users/dana/unblock')).toMatchObject({ status: 201 });
    const token = { name: 'ci', scopes: ['api'] };
    expect(await api.ask('POST', '/users/dana/personal_access_tokens', token)).toMatchObject({
      body: { user_id: id },
    });
    expect(await api.ask('GET', '/personal_access_tokens?user_id=dana')).toMatchObject({
      body: [{ user_id: id }],
    });
    const role = { user_id: 'dana', access_level: 30 };
    expect(await api.ask('POST', '/groups/acme/members', role)).toMatchObject({ body: { id } });
    expect(await api.ask('GET', '/groups/acme/members/all/dana')).toMatchObject({ body: { id } });
    expect(await api.ask('DELETE', '/groups/acme/members/dana')).toMatchObject({ status: 204 });
    expect(await api.ask('DELETE', '/users/dana')).toMatchObject({ status: 204 });
    expect(await api.ask('GET', '/users/dana')).toMatchObject({
      status: 404,
      body: { message: '404 User Not Found' },
    });
  });

  test('of virtual registries and upstreams begin with their group, and name nothing where two have them', async () => {
    const api = await start();
    await api.createGroup('acme');
    const base = '/virtual_registries/container';
    const { id } = (
      await api.ask('POST', `/groups/acme/-${base}/registries`, { name: 'Docker Hub', anonymous_pull: false })
    ).body;
    const registry = `${base}/registries/acme%2FDocker%20Hub`;
    expect(await api.ask('GET', registry)).toMatchObject({ status: 200, body: { id } });
    const quay = { url: 'https://quay.example', name: 'quay' };
    const made = await api.ask('POST', `${registry}/upstreams`, quay);
    const upstream = `${base}/upstreams/acme%2Fquay`;
    expect(await api.ask('GET', upstream)).toMatchObject({ body: { id: made.body.id } });
    await api.ask('POST', `${registry}/upstreams`, { url: 'https://other.example', name: 'quay' });
    for (const path of [upstream, `${base}/registries/acme%2Fnone`, `${base}/registries/none%2FDocker%20Hub`])
      expect(await api.ask('GET', path)).toMatchObject({ status: 404, body: { message: '404 Not found' } });
  });

  test('of repositories name them alone and in their own project', async () => {
    const database = await open();
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    await api.createProject(acme, 'shop');
    await api.createProject(acme, 'other');
    const { id } = await createRepository(database, 'acme/shop/web');
    expect(await api.ask('GET', '/registry/repositories/acme%2Fshop%2Fweb')).toMatchObject({ body: { id } });
    const tagsIn = (project: string) =>
      `/projects/acme%2F${project}/registry/repositories/acme%2Fshop%2Fweb/tags`;
    expect(await api.ask('GET', tagsIn('shop'))).toMatchObject({ status: 200, body: [] });
    expect(await api.ask('GET', tagsIn('other'))).toMatchObject({ status: 404 });
  });

  test('of what one may not see are answered as names of nothing', async () => {
    const api = await start();
    await api.createGroup('hidden');
    const base = '/virtual_registries/container/registries';
    await api.ask('POST', `/groups/hidden/-${base}`, { name: 'secret' });
    const stranger = await api.createUser('stranger');
    const [there, absent] = [
      await api.as(stranger, 'GET', `${base}/hidden%2Fsecret`),
      await api.as(stranger, 'GET', `${base}/hidden%2Fnone`),
    ];
    expect([there.status, there.body]).toEqual([404, { message: '404 Not found' }]);
    expect([absent.status, absent.body]).toEqual([there.status, there.body]);
  });
});
