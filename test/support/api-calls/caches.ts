import type { ApiCalls, ApiWorld } from './api-world.ts';

async function makePolicy(world: ApiWorld): Promise<number> {
  const groupId = await world.makeGroup();
  const path = `/groups/${groupId}/-/virtual_registries/cleanup/policy`;
  await world.make(path, { enabled: true });
  return groupId;
}

const policySettings = {
  enabled: true,
  cadence: 14,
  keep_n_days_after_download: 60,
  notify_on_success: true,
  notify_on_failure: true,
};

export const cacheCalls: ApiCalls = {
  'GET /groups/{id}/-/virtual_registries/cache': () => ({ path: { id: '1' } }),
  'PATCH /groups/{id}/-/virtual_registries/cache': async (world) => ({
    path: { id: String(await world.makeGroup()) },
    body: { max_bytes: 5_000_000_000 },
  }),
  'GET /virtual_registries/container/registries/{id}/pins': async (world) => {
    await world.make('/virtual_registries/container/registries/1/pins', { image: world.name() });
    return { path: { id: 1 } };
  },
  'POST /virtual_registries/container/registries/{id}/pins': (world) => ({
    path: { id: 1 },
    body: { image: `${world.name()}/*`, tag: 'v*' },
  }),
  'DELETE /virtual_registries/container/registries/{id}/pins/{pin_id}': async (world) => {
    const pin = await world.make('/virtual_registries/container/registries/1/pins', { image: world.name() });
    return { path: { id: 1, pin_id: pin.id } };
  },
  'GET /groups/{id}/-/virtual_registries/cleanup/policy': async (world) => ({
    path: { id: String(await makePolicy(world)) },
  }),
  'POST /groups/{id}/-/virtual_registries/cleanup/policy': async (world) => ({
    path: { id: String(await world.makeGroup()) },
    body: policySettings,
  }),
  'PATCH /groups/{id}/-/virtual_registries/cleanup/policy': async (world) => ({
    path: { id: String(await makePolicy(world)) },
    body: policySettings,
  }),
  'DELETE /groups/{id}/-/virtual_registries/cleanup/policy': async (world) => ({
    path: { id: String(await makePolicy(world)) },
  }),
};
