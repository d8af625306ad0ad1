import { eventually } from '../eventually.ts';
import type { ApiCall, ApiCalls, ApiWorld } from './api-world.ts';

const rule = {
  name: 'to the second site',
  direction: 'push',
  trigger: 'manual',
  url: 'https://registry.example.com',
  username: 'robot',
  password: 'secret',
  repository_regex: 'none',
  tag_regex: 'v.*',
  target: 'mirror/{project}/{repository}',
  custom_headers: [{ key: 'X-Key', value: 'abc' }],
};

const rulesOf = ({ projectId }: ApiWorld) => `/projects/${projectId}/registry/replication/rules`;

async function pathToRule(world: ApiWorld): Promise<ApiCall & { path: { id: string; rule_id: number } }> {
  const { id } = await world.make(rulesOf(world), rule);
  return { path: { id: String(world.projectId), rule_id: id } };
}

/** A run that is over: it has no tags. */
async function pathToRun(world: ApiWorld) {
  const { path } = await pathToRule(world);
  const one = `${rulesOf(world)}/${path.rule_id}`;
  await world.app.api('POST', `${one}/run`);
  return eventually(async () => {
    const [run] = await world.get<{ id: number; ended_at: string | null }[]>(`${one}/runs`);
    if (!run || run.ended_at === null) throw new Error('it goes on');
    return { path: { ...path, run_id: run.id } };
  });
}

export const replicationCalls: ApiCalls = {
  'GET /projects/{id}/registry/replication/rules': ({ projectId }) => ({ path: { id: String(projectId) } }),
  'POST /projects/{id}/registry/replication/rules': ({ projectId }) => ({
    path: { id: String(projectId) },
    body: rule,
  }),
  'GET /projects/{id}/registry/replication/rules/{rule_id}': pathToRule,
  'PUT /projects/{id}/registry/replication/rules/{rule_id}': async (world) => ({
    ...(await pathToRule(world)),
    body: { trigger: 'schedule', every_hours: 24, override: false },
  }),
  'DELETE /projects/{id}/registry/replication/rules/{rule_id}': pathToRule,
  'POST /projects/{id}/registry/replication/rules/{rule_id}/run': pathToRule,
  'GET /projects/{id}/registry/replication/rules/{rule_id}/runs': async (world) => {
    const { path } = await pathToRun(world);
    return { path: { id: path.id, rule_id: path.rule_id } };
  },
  'GET /projects/{id}/registry/replication/rules/{rule_id}/runs/{run_id}/tags': pathToRun,
};
