import { jsonOf } from '../bodies.ts';
import type { ApiCalls, ApiWorld } from './api-world.ts';

const registries = '/groups/1/-/virtual_registries/container/registries';
const all = '/virtual_registries/container';

async function makeRegistry(world: ApiWorld): Promise<number> {
  const groupId = await world.makeGroup();
  const path = registries.replace('/1/', `/${groupId}/`);
  return (await world.make(path, { name: world.name() })).id;
}

/** The upstream of a virtual registry of its own. */
async function makeUpstream(world: ApiWorld) {
  const registryId = await makeRegistry(world);
  const body = { url: world.upstream.url, name: world.name() };
  const { id } = await world.make(`${all}/registries/${registryId}/upstreams`, body);
  const details = await jsonOf<{ registry_upstreams: { id: number }[] }>(
    await world.app.api('GET', `${all}/upstreams/${id}`),
  );
  return { id, registryId, associationId: details.registry_upstreams[0]?.id ?? 0 };
}

async function cachedEntries(world: ApiWorld): Promise<readonly { readonly id: string }[]> {
  const pull = await world.app.manifest('team/app', 'v1');
  if (!pull.ok) throw new Error(`pull: ${pull.status} ${await pull.text()}`);
  return jsonOf(await world.app.api('GET', `${all}/upstreams/${world.app.upstreamIds[0]}/cache_entries`));
}

export const virtualRegistryCalls: ApiCalls = {
  'GET /groups/{id}/-/virtual_registries/container/registries': () => ({ path: { id: '1' } }),
  'POST /groups/{id}/-/virtual_registries/container/registries': (world) => ({
    path: { id: world.groupPath },
    body: { name: world.name(), description: 'Ours', anonymous_pull: false },
  }),
  'GET /virtual_registries/container/registries/{id}': () => ({ path: { id: 1 } }),
  'PATCH /virtual_registries/container/registries/{id}': async (world) => ({
    path: { id: await makeRegistry(world) },
    body: { name: world.name(), anonymous_pull: true },
  }),
  'DELETE /virtual_registries/container/registries/{id}': (world) => world.pathTo(makeRegistry(world)),
  'DELETE /virtual_registries/container/registries/{id}/cache': (world) => world.pathTo(makeRegistry(world)),
  'GET /virtual_registries/container/registries/{id}/explain': () => ({
    path: { id: 1 },
    query: { image: 'team/app:v1' },
  }),
  'GET /virtual_registries/container/registries/{id}/setup': () => ({
    path: { id: 1 },
    query: { client: 'containerd' },
  }),
};

export const upstreamCalls: ApiCalls = {
  'GET /groups/{id}/-/virtual_registries/container/upstreams': () => ({
    path: { id: '1' },
    query: { upstream_name: 'upstream' },
  }),
  'POST /groups/{id}/-/virtual_registries/container/upstreams/try_patterns': (world) => ({
    path: { id: '1' },
    body: { url: world.upstream.url, image: 'team/app', deny_patterns: ['team/*'] },
  }),
  'POST /groups/{id}/-/virtual_registries/container/upstreams/test': (world) => ({
    path: { id: '1' },
    body: { url: world.upstream.url },
  }),
  'GET /virtual_registries/container/registries/{id}/upstreams': () => ({ path: { id: 1 } }),
  'POST /virtual_registries/container/registries/{id}/upstreams': async (world) => ({
    path: { id: await makeRegistry(world) },
    body: {
      url: world.upstream.url,
      name: world.name(),
      allow_patterns: ['team/**'],
      cache_validity_hours: 1,
      min_age_hours: 168,
    },
  }),
  'GET /virtual_registries/container/upstreams/{id}': (world) => world.pathTo(makeUpstream(world)),
  'PATCH /virtual_registries/container/upstreams/{id}': async (world) => ({
    ...(await world.pathTo(makeUpstream(world))),
    body: { name: world.name(), deny_patterns: [] },
  }),
  'DELETE /virtual_registries/container/upstreams/{id}': (world) => world.pathTo(makeUpstream(world)),
  'DELETE /virtual_registries/container/upstreams/{id}/cache': (world) => world.pathTo(makeUpstream(world)),
  'POST /virtual_registries/container/upstreams/{id}/quarantine/preview': async (world) => ({
    ...(await world.pathTo(makeUpstream(world))),
    body: { min_age_hours: 168 },
  }),
  'POST /virtual_registries/container/upstreams/{id}/test': async (world) => ({
    ...(await world.pathTo(makeUpstream(world))),
    body: {},
  }),
  'POST /virtual_registries/container/registry_upstreams': async (world) => {
    const { id, registryId } = await makeUpstream(world);
    const { group_id: group } = await jsonOf<{ group_id: number }>(
      await world.app.api('GET', `${all}/registries/${registryId}`),
    );
    const other = await world.make(registries.replace('/1/', `/${group}/`), { name: world.name() });
    return { body: { registry_id: other.id, upstream_id: id } };
  },
  'PATCH /virtual_registries/container/registry_upstreams/{id}': async (world) => ({
    path: { id: (await makeUpstream(world)).associationId },
    body: { position: 1 },
  }),
  'DELETE /virtual_registries/container/registry_upstreams/{id}': async (world) => ({
    path: { id: (await makeUpstream(world)).associationId },
  }),
};

export const cacheEntryCalls: ApiCalls = {
  'GET /virtual_registries/container/upstreams/{id}/cache_entries': async (world) => {
    await cachedEntries(world);
    return { path: { id: world.app.upstreamIds[0] ?? 0 }, query: { search: 'app' } };
  },
  'DELETE /virtual_registries/container/cache_entries/{id}': async (world) => ({
    path: { id: (await cachedEntries(world))[0]?.id ?? '' },
  }),
};
