/** Every client that is tested, and which of them this machine has. */
import { inject, test } from 'vitest';
import { missing } from '../processes.ts';
import { buildah } from './buildah.ts';
import type { ClientKind } from './client.ts';
import { containerd } from './containerd.ts';
import { docker } from './docker.ts';
import { podman } from './podman.ts';
import { skopeo } from './skopeo.ts';

const clients: readonly ClientKind[] = [docker, skopeo, podman, buildah, containerd];

/**
 * Where it is not, a test that is skipped says so.
 * @param promise what is tested, after the client's title
 */
export async function isInstalled(kind: ClientKind, promise: string): Promise<boolean> {
  const absent = inject('imageStorage') === '' ? ['what makes the images'] : await missing(...kind.programs);
  if (absent.length > 0) {
    test.skip(`${kind.title} ${promise} (not run: ${absent.join(', ')} not installed)`);
  }
  return absent.length === 0;
}

/** Of `kinds`, or of all, those that are installed. */
export async function installedClients(
  promise: string,
  kinds: readonly ClientKind[] = clients,
): Promise<ClientKind[]> {
  const installed: ClientKind[] = [];
  for (const kind of kinds) if (await isInstalled(kind, promise)) installed.push(kind);
  return installed;
}
