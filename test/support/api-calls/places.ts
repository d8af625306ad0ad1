import type { ApiCalls, ApiWorld } from './api-world.ts';

export const groupCalls: ApiCalls = {
  'GET /groups': () => ({ query: { search: 'a', page: 1, per_page: 5 } }),
  'POST /groups': (world) => ({
    body: {
      name: 'New',
      path: world.name(),
      description: 'New',
      visibility: 'public',
      parent_id: world.groupId,
    },
  }),
  'GET /groups/{id}': (world) => ({ path: { id: world.groupPath }, query: { statistics: true } }),
  'PUT /groups/{id}': async (world) => ({
    path: { id: String(await world.makeGroup()) },
    body: { name: 'Renamed', description: null, container_registry_quota_bytes: 1_000_000 },
  }),
  'DELETE /groups/{id}': async (world) => ({ path: { id: String(await world.makeGroup()) } }),
  'GET /groups/{id}/subgroups': async (world) => {
    await world.make('/groups', { name: 'Sub', path: world.name(), parent_id: world.groupId });
    return { path: { id: world.groupPath } };
  },
  'GET /groups/{id}/descendant_groups': (world) => ({
    path: { id: world.groupPath },
    query: { search: 'a' },
  }),
  'GET /namespaces': () => ({ query: { search: 'a', owned_only: true, top_level_only: true } }),
  'GET /namespaces/{id}': (world) => ({ path: { id: world.groupPath } }),
  'GET /namespaces/{id}/exists': (world) => ({ path: { id: world.groupPath } }),
  'GET /groups/{id}/projects': (world) => ({
    path: { id: world.groupPath },
    query: { include_subgroups: true },
  }),
  'POST /groups/{id}/transfer': async (world) => ({
    path: { id: String(await world.makeGroup()) },
    body: { group_id: world.groupPath },
  }),
};

export const projectCalls: ApiCalls = {
  'GET /projects': () => ({ query: { visibility: 'private' } }),
  'POST /projects': (world) => ({
    body: { path: world.name(), namespace_id: world.groupId, container_registry_access_level: 'private' },
  }),
  'GET /projects/{id}/container_expiration_policy/preview': async (world) => ({
    path: { id: world.projectPath },
  }),
  'POST /projects/{id}/container_expiration_policy/run': async (world) => {
    const { id } = await world.make('/projects', {
      path: world.name(),
      namespace_id: world.groupId,
      container_expiration_policy_attributes: { enabled: true },
    });
    return { path: { id: String(id) } };
  },
  'GET /projects/{id}': (world) => ({ path: { id: world.projectPath }, query: { statistics: true } }),
  'PUT /projects/{id}': (world) => ({
    path: { id: world.projectPath },
    body: { description: 'Changed', container_registry_quota_bytes: null },
  }),
  'DELETE /projects/{id}': async (world) => ({ path: { id: String(await world.makeProject()) } }),
  'PUT /projects/{id}/transfer': async (world) => {
    const id = await world.makeProject();
    return { path: { id: String(id) }, body: { namespace: String(await world.makeGroup()) } };
  },
};

const ofEach = (define: (path: string, id: (world: ApiWorld) => string) => ApiCalls) => ({
  ...define('/groups/{id}', ({ groupPath }) => groupPath),
  ...define('/projects/{id}', ({ projectPath }) => projectPath),
});

export const memberCalls: ApiCalls = ofEach((path, id) => {
  const member = async (world: ApiWorld) => {
    const userId = await world.makeUser();
    await world.make(`${path.replace('{id}', encodeURIComponent(id(world)))}/members`, {
      user_id: userId,
      access_level: 30,
    });
    return { path: { id: id(world), user_id: userId } };
  };
  return {
    [`GET ${path}/members`]: (world) => ({ path: { id: id(world) } }),
    [`POST ${path}/members`]: async (world) => ({
      path: { id: id(world) },
      body: { user_id: await world.makeUser(), access_level: 20, expires_at: '2099-01-01' },
    }),
    [`GET ${path}/members/all`]: (world) => ({ path: { id: id(world) } }),
    [`GET ${path}/members/all/{user_id}`]: member,
    [`GET ${path}/members/{user_id}`]: member,
    [`PUT ${path}/members/{user_id}`]: async (world) => ({
      ...(await member(world)),
      body: { access_level: 40 },
    }),
    [`DELETE ${path}/members/{user_id}`]: member,
  };
});

export const placeTokenCalls: ApiCalls = ofEach((path, id) => {
  const tokens = (world: ApiWorld, kind: string) =>
    `${path.replace('{id}', encodeURIComponent(id(world)))}/${kind}`;
  const accessToken = async (world: ApiWorld) => {
    const body = { name: 'ci', scopes: ['read_registry'], access_level: 20 };
    return { path: { id: id(world), token_id: (await world.make(tokens(world, 'access_tokens'), body)).id } };
  };
  const deployToken = async (world: ApiWorld) => {
    const body = { name: 'pulls', scopes: ['read_registry'] };
    return { path: { id: id(world), token_id: (await world.make(tokens(world, 'deploy_tokens'), body)).id } };
  };
  return {
    [`GET ${path}/access_tokens`]: async (world) => {
      await accessToken(world);
      return { path: { id: id(world) }, query: { state: 'active' } };
    },
    [`POST ${path}/access_tokens`]: (world) => ({
      path: { id: id(world) },
      body: { name: 'ci', scopes: ['read_registry'], access_level: 30, expires_at: '2099-01-01' },
    }),
    [`GET ${path}/access_tokens/{token_id}`]: accessToken,
    [`POST ${path}/access_tokens/{token_id}/rotate`]: async (world) => ({
      ...(await accessToken(world)),
      body: { expires_at: '2099-01-01' },
    }),
    [`DELETE ${path}/access_tokens/{token_id}`]: accessToken,
    [`GET ${path}/deploy_tokens`]: async (world) => {
      await deployToken(world);
      return { path: { id: id(world) }, query: { active: true } };
    },
    [`POST ${path}/deploy_tokens`]: (world) => ({
      path: { id: id(world) },
      body: { name: 'pulls', scopes: ['read_registry'], expires_at: '2099-01-01T00:00:00Z' },
    }),
    [`GET ${path}/deploy_tokens/{token_id}`]: deployToken,
    [`DELETE ${path}/deploy_tokens/{token_id}`]: deployToken,
  };
});
