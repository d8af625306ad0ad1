import { bytesBlob, fakeImage } from '../fake-content.ts';
import { Pusher } from '../pushing.ts';
import type { ApiCalls, ApiWorld } from './api-world.ts';

export const serverCalls: ApiCalls = {
  'GET /version': () => ({}),
  'GET /metadata': () => ({}),
  'GET /application/settings': () => ({}),
  'PUT /application/settings': () => ({ body: { maintenance_mode: false, maintenance_mode_message: null } }),
  'GET /admin/jobs': () => ({}),
  'GET /admin/processes': () => ({}),
  'GET /admin/traffic': () => ({ query: { period: '1h' } }),
  'GET /admin/storage': () => ({}),
  'GET /admin/fills': () => ({}),
  'POST /admin/jobs/{name}/run': async (world) => {
    const jobs = await (await world.app.api('GET', '/admin/jobs')).json();
    const [{ name }] = jobs as [{ name: string }];
    return { path: { name } };
  },
  'GET /admin/gc': () => ({}),
  'POST /admin/gc': () => ({}),
  'GET /admin/blobs/{digest}/why': async (world) => ({ path: { digest: await pushBlob(world) } }),
  'GET /admin/manifests/{digest}/why': async (world) => {
    const image = fakeImage({ config: bytesBlob(world.name()) });
    await new Pusher(world.app, world.projectPath).image(image, 'explained');
    return { path: { digest: image.digest } };
  },
  'GET /admin/storage/findings': () => ({ query: { state: 'open' } }),
  'GET /admin/signing_keys': () => ({}),
  'POST /admin/signing_keys/rotate': () => ({ body: { in_seconds: 3600 } }),
  'GET /audit_events': () => ({
    query: {
      created_after: '2020-01-01',
      created_before: '2099-01-01T00:00:00Z',
      event_name: 'group.create',
    },
  }),
  'GET /groups/{id}/audit_events': (world) => ({ path: { id: world.groupPath } }),
  'GET /projects/{id}/audit_events': (world) => ({ path: { id: world.projectPath } }),
  'GET /deploy_tokens': () => ({ query: { active: true } }),
};

export const ciCalls: ApiCalls = {
  'GET /projects/{id}/job_tokens': async (world) => {
    await world.make(`/projects/${world.projectId}/job_tokens`, { name: 'build' });
    return { path: { id: world.projectPath } };
  },
  'POST /projects/{id}/job_tokens': (world) => ({
    path: { id: world.projectPath },
    body: { name: 'build', expires_in: 600, access_level: 30 },
  }),
  'DELETE /projects/{id}/job_tokens/{token_id}': async (world) => {
    const { id } = await world.make(`/projects/${world.projectId}/job_tokens`, { name: 'build' });
    return { path: { id: world.projectPath, token_id: id } };
  },
  'GET /projects/{id}/ci_trusts': async (world) => {
    await world.make(`/projects/${world.projectId}/ci_trusts`, trust(world.name()));
    return { path: { id: world.projectPath } };
  },
  'POST /projects/{id}/ci_trusts': (world) => ({
    path: { id: world.projectPath },
    body: trust(world.name()),
  }),
  'DELETE /projects/{id}/ci_trusts/{trust_id}': async (world) => {
    const { id } = await world.make(`/projects/${world.projectId}/ci_trusts`, trust(world.name()));
    return { path: { id: world.projectPath, trust_id: id } };
  },
};

function trust(name: string) {
  return {
    name,
    issuer: 'https://ci.example.com',
    audience: 'https://registry.example',
    claims: { project_path: `team/${name}` },
  };
}

function pushBlob(world: ApiWorld): Promise<string> {
  return new Pusher(world.app, world.projectPath).blob(world.name());
}
