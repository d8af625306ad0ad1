import { generateKeyPairSync } from 'node:crypto';
import type { ApiCalls, ApiWorld } from './api-world.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const policy = {
  mode: 'warn',
  cosign_keys: [{ name: 'release', public_key: publicKey.export({ type: 'spki', format: 'pem' }) }],
};
const ofRegistry = '/virtual_registries/container/registries/1/signature_policy';

async function ownProject(world: ApiWorld) {
  const name = world.name();
  const project = await world.make('/projects', { name, namespace_id: world.groupId });
  await world.app.api('PUT', `/projects/${project.id}/signature_policy`, policy);
  return { path: { id: String(project.id) } };
}

export const signatureCalls: ApiCalls = {
  'GET /virtual_registries/container/registries/{id}/signature_policy': async (world) => {
    await world.app.api('PUT', ofRegistry, policy);
    return { path: { id: 1 } };
  },
  'PUT /virtual_registries/container/registries/{id}/signature_policy': () => ({
    path: { id: 1 },
    body: policy,
  }),
  'DELETE /virtual_registries/container/registries/{id}/signature_policy': async (world) => {
    await world.app.api('PUT', ofRegistry, policy);
    return { path: { id: 1 } };
  },
  'GET /projects/{id}/signature_policy': ownProject,
  'PUT /projects/{id}/signature_policy': (world) => ({
    path: { id: String(world.projectId) },
    body: { ...policy, mode: 'off' },
  }),
  'DELETE /projects/{id}/signature_policy': ownProject,
};
