import { eventually } from '../eventually.ts';
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

const prewarm = (world: ApiWorld) =>
  world.make('/virtual_registries/container/registries/1/prewarm', { images: [world.name()] });

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
  'POST /virtual_registries/container/registries/{id}/prewarm': (world) => ({
    path: { id: 1 },
    body: { images: [`${world.name()}:1.0`], platforms: ['linux/arm64'], every_hours: 24 },
  }),
  'GET /virtual_registries/container/registries/{id}/prewarms': async (world) => {
    await prewarm(world);
    return { path: { id: 1 } };
  },
  'GET /virtual_registries/container/registries/{id}/prewarms/{prewarm_id}': async (world) => {
    const { id } = await prewarm(world);
    // It is the same when it is asked for again.
    await eventually(async () => {
      const path = `/virtual_registries/container/registries/1/prewarms/${id}`;
      if ((await world.get<{ waiting: number }>(path)).waiting > 0) throw new Error('it goes on');
    });
    return { path: { id: 1, prewarm_id: id } };
  },
  'DELETE /virtual_registries/container/registries/{id}/prewarms/{prewarm_id}': async (world) => ({
    path: { id: 1, prewarm_id: (await prewarm(world)).id },
  }),
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
