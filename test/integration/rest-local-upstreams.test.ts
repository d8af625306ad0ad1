import { expect, test } from 'vitest';
import type { Visibility } from '../../src/metadata/namespaces/groups.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const ofGroup = (id: number) => `/groups/${id}/-/virtual_registries/container/upstreams`;
const ofRegistry = (id: number) => `/virtual_registries/container/registries/${id}/upstreams`;
const one = (id: number) => `/virtual_registries/container/upstreams/${id}`;

const noTarget = {
  status: 400,
  body: { message: { url: ["is no group or project that the upstream's group can see"] } },
};

describeEachDatabase('local upstreams', (open, { clock }) => {
  /** The private group acme with the project acme/shop and the virtual registry base; nothing is tested over a network. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('acme');
    const registry = await api.createRegistry(group, 'base');
    await createProject(api, group, 'acme/shop', 'private');
    api.testResult = { success: false, result: 'nothing is connected to in these tests' };
    const create = (fields: Json) => api.ask('POST', ofRegistry(registry), { name: 'team', ...fields });
    return { api, group, registry, create };
  }

  async function createProject(api: RestApi, groupId: number, fullPath: string, visibility: Visibility) {
    const path = fullPath.slice(fullPath.lastIndexOf('/') + 1);
    return api.database.projects.create({ groupId, name: path, path, fullPath, visibility });
  }

  test.each(['entrepot:acme', 'entrepot:acme/shop'])('%s is one like any other', async (url) => {
    const { api, create } = await start();
    const { status, body } = await create({ url: `${url}/`, cache_validity_hours: 3 });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: {
        url,
        username: null,
        cache_validity_hours: 3,
        health: { breaker: 'closed', last_error: null, last_success: null },
        registry_upstream: { position: 1 },
      },
    });
    expect(await create({ url })).toMatchObject({
      status: 400,
      body: { message: { group: ['already has an upstream with the same credentials'] } },
    });
    expect(await api.ask('DELETE', `${one(body.id)}/cache`)).toMatchObject({ status: 204 });
    expect(
      await api.ask('PATCH', one(body.id), { name: 'ours', deny_patterns: ['secret/**'] }),
    ).toMatchObject({ status: 200, body: { url, name: 'ours', deny_patterns: ['secret/**'] } });
  });

  test('what is absent and what may not be seen are refused in the same words', async () => {
    const { api, create } = await start();
    const other = await api.createGroup('other');
    await createProject(api, other, 'other/vault', 'private');
    for (const path of ['nowhere', 'acme/nowhere', 'other', 'other/vault', 'acme/shop/web'])
      expect(await create({ url: `entrepot:${path}` })).toMatchObject(noTarget);
  });

  test('what is public elsewhere may be chosen', async () => {
    const { api, create } = await start();
    const open = await api.createGroup('open', 'public');
    await createProject(api, open, 'open/tools', 'public');
    await createProject(api, open, 'open/hall', 'internal');
    const beside = await api.createGroup('acme-too');
    await createProject(api, beside, 'acme-too/shop', 'private');
    for (const path of ['open', 'open/tools'])
      expect(await create({ url: `entrepot:${path}` })).toMatchObject({ status: 201 });
    for (const path of ['acme-too/shop', 'open/hall'])
      expect(await create({ url: `entrepot:${path}` })).toMatchObject(noTarget);
  });

  test('what is in a subgroup may be chosen', async () => {
    const { api, group, create } = await start();
    const sub = {
      parentId: group,
      name: 'sub',
      path: 'sub',
      fullPath: 'acme/sub',
      visibility: 'private',
    } as const;
    const { id } = await api.database.groups.create(sub);
    await createProject(api, id, 'acme/sub/web', 'private');
    for (const path of ['acme/sub', 'acme/sub/web'])
      expect(await create({ url: `entrepot:${path}` })).toMatchObject({ status: 201 });
  });

  test('what is no path is refused with the reason', async () => {
    const { create } = await start();
    const message = {
      url: ['must be entrepot: and the full path of a group or project, as in entrepot:acme/shop'],
    };
    for (const url of ['entrepot:', 'entrepot:Acme', 'entrepot://acme/shop'])
      expect(await create({ url })).toMatchObject({ status: 400, body: { message } });
  });

  test('credentials are refused', async () => {
    const { api, create } = await start();
    const fault = ['must be blank: an upstream on this server needs no credentials'];
    const credentials = { username: 'a', password: 'b' };
    const refused = { status: 400, body: { message: { username: fault, password: fault } } };
    expect(await create({ url: 'entrepot:acme', ...credentials })).toMatchObject(refused);
    const { body } = await create({ url: 'entrepot:acme' });
    expect(await api.ask('PATCH', one(body.id), credentials)).toMatchObject(refused);
    expect(await api.ask('PATCH', one(body.id), { password: 'b' })).toMatchObject({
      status: 400,
      body: { message: { password: fault } },
    });
    expect((await api.ask('GET', one(body.id))).body.username).toBeNull();
  });

  test('a remote one becomes local without its credentials, and remote again', async () => {
    const { api, create } = await start();
    const remote = 'https://hub.example';
    const { body } = await create({ url: remote, username: 'a', password: 'b' });
    expect(await api.ask('PATCH', one(body.id), { url: 'entrepot:nowhere' })).toMatchObject(noTarget);
    expect(await api.ask('PATCH', one(body.id), { url: 'entrepot:acme' })).toMatchObject({
      status: 200,
      body: { url: 'entrepot:acme', username: null },
    });
    expect((await api.database.upstreams.find(body.id))?.passwordSealed).toBeUndefined();
    expect(await api.ask('PATCH', one(body.id), { url: 'http://10.0.0.1' })).toMatchObject({
      status: 400,
      body: { message: { url: [expect.stringContaining('10.0.0.1')] } },
    });
    expect(await api.ask('PATCH', one(body.id), { url: remote })).toMatchObject({ status: 200 });
  });

  test('whose target is gone can be renamed still', async () => {
    const { api, create } = await start();
    const { body } = await create({ url: 'entrepot:acme/shop' });
    const project = await api.database.projects.findByPath('acme/shop');
    await api.database.projects.remove(project?.id ?? 0);
    expect(await api.ask('PATCH', one(body.id), { name: 'ours' })).toMatchObject({ status: 200 });
  });

  test('a test succeeds where the target is, and connects to nothing', async () => {
    const { api, group, create } = await start();
    await api.createGroup('other');
    const { body } = await create({ url: 'entrepot:acme/shop' });
    const success = { status: 200, body: { success: true } };
    const test = (fields?: Json) => api.ask('POST', `${one(body.id)}/test`, fields);
    const testNew = (url: string) => api.ask('POST', `${ofGroup(group)}/test`, { url });
    expect(await test()).toMatchObject(success);
    expect(await testNew('entrepot:acme')).toMatchObject(success);
    for (const path of ['other', 'nowhere'])
      expect(await testNew(`entrepot:${path}`)).toMatchObject({
        status: 200,
        body: {
          success: false,
          result: `Error: ${path} is no group or project that the upstream's group can see`,
        },
      });
    expect(await test({ username: 'a', password: 'b' })).toMatchObject({ status: 400 });
    expect(api.tested).toEqual([]);
  });
});
