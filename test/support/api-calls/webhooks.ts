import { jsonOf } from '../bodies.ts';
import { eventually } from '../eventually.ts';
import { Pusher } from '../pushing.ts';
import type { ApiCall, ApiCalls, ApiWorld } from './api-world.ts';

/** An endpoint that takes nothing, with what the server has to be configured by. */
export const refusingEndpoint = {
  ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
  ENTREPOT_WEBHOOKS__MAX_RETRIES: '0',
  // Nobody listens at the discard port.
  ENTREPOT_WEBHOOKS__ENDPOINTS: JSON.stringify([{ name: 'ci', url: 'http://127.0.0.1:9/' }]),
};

const hook = {
  url: 'http://127.0.0.1:9/events',
  name: 'CI',
  token: 'secret',
  custom_headers: [{ key: 'X-Key', value: 'abc' }],
  ignored_actions: ['pull'],
  ignored_media_types: ['a/b'],
  timeout_seconds: 5,
};

async function pathToHook(world: ApiWorld): Promise<ApiCall> {
  const { id } = await world.make(`/projects/${world.projectId}/hooks`, hook);
  return { path: { id: String(world.projectId), hook_id: id } };
}

/** Of an event that the endpoint did not take. @param hooks the path of its endpoints */
async function deadEvent({ app, projectPath }: ApiWorld, hooks: string): Promise<number> {
  await new Pusher(app, projectPath).blob('something that is told of');
  return eventually(async () => {
    const [dead] = await jsonOf<{ id: number }[]>(await app.api('GET', `${hooks}/events?status=dead`));
    if (!dead) throw new Error('nothing was given up yet');
    return dead.id;
  });
}

async function pathToConfigured({ app }: ApiWorld): Promise<{ hook_id: number }> {
  const [configured] = await jsonOf<{ id: number }[]>(await app.api('GET', '/hooks'));
  return { hook_id: configured?.id ?? 0 };
}

export const webhookCalls: ApiCalls = {
  'GET /projects/{id}/hooks': ({ projectId }) => ({
    path: { id: String(projectId) },
    query: { per_page: 5 },
  }),
  'POST /projects/{id}/hooks': ({ projectId }) => ({ path: { id: String(projectId) }, body: hook }),
  'GET /projects/{id}/hooks/{hook_id}': pathToHook,
  'PUT /projects/{id}/hooks/{hook_id}': async (world) => ({
    ...(await pathToHook(world)),
    body: { disabled: true, token: null },
  }),
  'DELETE /projects/{id}/hooks/{hook_id}': pathToHook,
  'GET /projects/{id}/hooks/{hook_id}/events': async (world) => {
    const call = await pathToHook(world);
    await deadEvent(world, `/projects/${world.projectId}/hooks/${call.path?.['hook_id']}`);
    return { ...call, query: { status: 'dead' } };
  },
  'POST /projects/{id}/hooks/{hook_id}/events/{hook_event_id}/resend': async (world) => {
    const { path } = await pathToHook(world);
    const hooks = `/projects/${world.projectId}/hooks/${path?.['hook_id']}`;
    return { path: { ...path, hook_event_id: await deadEvent(world, hooks) } };
  },
  'GET /hooks': () => ({}),
  'GET /hooks/{hook_id}': async (world) => ({ path: await pathToConfigured(world) }),
  'GET /hooks/{hook_id}/events': async (world) => ({ path: await pathToConfigured(world) }),
  'POST /hooks/{hook_id}/events/{hook_event_id}/resend': async (world) => {
    const path = await pathToConfigured(world);
    return { path: { ...path, hook_event_id: await deadEvent(world, `/hooks/${path.hook_id}`) } };
  },
};
