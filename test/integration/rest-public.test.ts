/** What GitLab shows without a token is shown here: public projects, their groups and images, and nothing of what is not public. */
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';

const nobody = { headers: { 'private-token': '' } };

describeEachDatabase('without a token', (open, { clock }) => {
  async function start() {
    const database = await open();
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme', 'public');
    const hidden = await api.createGroup('hidden');
    await api.ask('PUT', `/groups/${hidden}`, { name: 'Project Manhattan' });
    const team = await api.createGroup('team', 'public', hidden);
    const shop = await api.createProject(acme, 'shop', { visibility: 'public', description: 'Ours' });
    const secret = await api.createProject(acme, 'secret');
    const inner = await api.createProject(acme, 'inner', { visibility: 'internal' });
    const bomb = await api.createProject(hidden, 'bomb', { visibility: 'public' });
    const closed = await api.createProject(acme, 'closed', {
      visibility: 'public',
      container_registry_access_level: 'private',
    });
    const ids: Record<string, number> = {};
    for (const path of ['shop', 'secret', 'inner', 'closed'])
      ids[path] = (await createRepository(database, `acme/${path}/web`)).id;
    await pushImage(database, ids['shop'] ?? 0, ['v1', 'v2']);
    const get = (path: string) => api.ask('GET', path, undefined, nobody);
    return { api, acme, hidden, team, shop, secret, inner, bomb, closed, ids, get };
  }

  test('public groups and projects are listed and shown, and none else', async () => {
    const { get, acme, hidden, team, secret, inner } = await start();
    const paths = async (path: string, field: string) => {
      const { status, body } = await get(path);
      expect(status).toBe(200);
      return body.map((each: Record<string, unknown>) => each[field]);
    };
    expect(await paths('/groups', 'full_path')).toEqual(['acme', 'hidden/team']);
    const open = ['acme/closed', 'acme/shop'];
    expect(await paths('/projects', 'path_with_namespace')).toEqual([...open, 'hidden/bomb']);
    expect(await paths('/projects?pagination=keyset&order_by=id', 'path_with_namespace')).toHaveLength(3);
    expect(await paths('/projects?visibility=private', 'id')).toEqual([]);
    expect(await paths(`/groups/${acme}/projects?include_subgroups=true`, 'path_with_namespace')).toEqual(
      open,
    );
    expect(await paths('/groups/acme/subgroups', 'id')).toEqual([]);
    expect(await paths(`/groups/${team}/descendant_groups`, 'id')).toEqual([]);
    for (const path of [
      `/groups/${hidden}`,
      '/groups/hidden/subgroups',
      '/groups/hidden/projects',
      `/projects/${secret}`,
      '/projects/acme%2Fsecret',
      `/projects/${inner}`,
      '/projects/acme%2Fnone',
    ])
      expect(await get(path)).toMatchObject({ status: 404 });
    const { body } = await get('/projects?search=secret');
    expect(body).toEqual([]);
    expect((await get('/projects')).headers.get('x-total')).toBe('3');
  });

  test('a project and its group tell no more than GitLab does, and no name of a group that is not public', async () => {
    const { get, bomb, team } = await start();
    const { status, body } = await get('/projects/acme%2Fshop?statistics=true');
    expect({ status, fields: Object.keys(body) }).toEqual({
      status: 200,
      fields: [
        'id',
        'description',
        'name',
        'name_with_namespace',
        'path',
        'path_with_namespace',
        'created_at',
        'last_activity_at',
        'visibility',
        'namespace',
        'web_url',
      ],
    });
    const group = (await get('/groups/acme?statistics=true')).body;
    expect(group).not.toHaveProperty('container_registry_quota_bytes');
    expect(group).not.toHaveProperty('statistics');
    const shown = [
      (await get(`/projects/${bomb}`)).body,
      (await get('/projects')).body,
      (await get('/groups')).body,
      (await get(`/groups/${team}`)).body,
    ];
    expect(JSON.stringify(shown)).not.toContain('Manhattan');
    expect(shown[0]).toMatchObject({ name_with_namespace: 'hidden / bomb', namespace: { name: 'hidden' } });
    expect(shown[3]).toMatchObject({ full_name: 'hidden / team' });
  });

  test('repositories and tags are read where everybody may pull', async () => {
    const { get, ids } = await start();
    const listed = await get('/projects/acme%2Fshop/registry/repositories?tags=true');
    expect(listed).toMatchObject({ status: 200, body: [{ path: 'acme/shop/web', tags_count: 2 }] });
    expect((await get('/groups/acme/registry/repositories')).body).toMatchObject([{ path: 'acme/shop/web' }]);
    const tags = `/projects/acme%2Fshop/registry/repositories/${ids['shop']}/tags`;
    expect((await get(tags)).body).toMatchObject([{ name: 'v1' }, { name: 'v2' }]);
    expect(await get(`${tags}?pagination=keyset&per_page=1`)).toMatchObject({ body: [{ name: 'v1' }] });
    expect(await get(`${tags}/v1`)).toMatchObject({ status: 200, body: { name: 'v1' } });
    for (const path of ['secret', 'inner'])
      expect(await get(`/projects/acme%2F${path}/registry/repositories`)).toMatchObject({ status: 404 });
    expect(await get('/projects/acme%2Fclosed/registry/repositories')).toMatchObject({ status: 403 });
    const crossed = `/projects/acme%2Fshop/registry/repositories/${ids['secret']}/tags`;
    expect(await get(crossed)).toMatchObject({ status: 404 });
  });

  test('nothing else is read, and nothing is changed', async () => {
    const { api, get, shop, acme, ids } = await start();
    for (const path of [
      '/users',
      '/user',
      '/version',
      '/namespaces',
      '/namespaces/acme/exists',
      `/projects/${shop}/members`,
      `/groups/${acme}/members/all`,
      `/projects/${shop}/deploy_tokens`,
      `/projects/${shop}/hooks`,
      `/projects/${shop}/audit_events`,
      `/projects/${shop}/registry/protection/tag/rules`,
      `/projects/${shop}/container_expiration_policy/preview`,
      `/projects/${shop}/registry/repositories/${ids['shop']}/deleted_tags`,
      `/registry/repositories/${ids['shop']}`,
      `/groups/${acme}/-/virtual_registries/container/registries`,
    ])
      expect([path, (await get(path)).status]).toEqual([path, 401]);
    const tags = `/projects/${shop}/registry/repositories/${ids['shop']}/tags`;
    for (const [method, path] of [
      ['PUT', `/projects/${shop}`],
      ['DELETE', `/projects/${shop}`],
      ['DELETE', `${tags}/v1`],
      ['DELETE', `${tags}?name_regex_delete=.*`],
      ['POST', '/projects'],
    ] as const)
      expect(await api.ask(method, path, undefined, nobody)).toMatchObject({ status: 401 });
  });

  test('credentials that are wrong are refused, public or not', async () => {
    const { api } = await start();
    for (const headers of [
      { 'private-token': 'wrong' },
      { 'private-token': '', authorization: 'Bearer wrong' },
      { 'private-token': '', authorization: `Basic ${btoa('root:wrong')}` },
      { 'private-token': '', 'job-token': 'wrong' },
    ])
      expect(await api.ask('GET', '/projects', undefined, { headers })).toMatchObject({ status: 401 });
    expect(await api.ask('GET', '/projects?private_token=wrong', undefined, nobody)).toMatchObject({
      status: 401,
    });
    expect(await api.ask('GET', '/projects?private_token=', undefined, nobody)).toMatchObject({
      status: 200,
    });
  });
});
