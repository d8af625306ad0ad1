/** How many bytes a project, and the groups around it, may link. Each blob counts once in each project. */

import type { Records } from '../metadata/db/records.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { parentPathOf } from '../oci/reference.ts';

interface Quota {
  /** "project acme/shop" */
  readonly owner: string;
  readonly bytes: number;
  used(): Promise<number>;
}

/**
 * Part of the transaction that links the blob, and before it holds anything else: whatever has a quota is held, so that two that
 * link at once do not both take the last bytes. Nothing is counted, nor held, where there are no quotas.
 * @param size in bytes
 * @throws OciError DENIED, saying how much is used and allowed
 */
export async function demandRoom(
  tx: Records,
  projectId: number,
  digest: Digest,
  size: number,
): Promise<void> {
  const quotas = await holdQuotas(tx, projectId);
  if (quotas.length === 0) return;
  const needed = await tx.repositoryBlobs.bytesToAdd(projectId, digest, size);
  if (needed === 0) return;
  for (const { owner, bytes, used } of quotas) {
    const now = await used();
    if (now + needed > bytes) {
      const detail = `${owner} uses ${now} of ${bytes} bytes, and ${needed} more are needed: delete images, or ask an Owner above it for a higher quota (container_registry_quota_bytes)`;
      throw new OciError('DENIED', { detail });
    }
  }
}

/** Empty where the project is gone. */
async function holdQuotas(tx: Records, projectId: number): Promise<Quota[]> {
  const project = await tx.projects.find(projectId);
  if (!project) return [];
  const { fullPath, quotaBytes } = project;
  const quotas: Quota[] = [];
  for (const group of await tx.groups.listQuotas(parentPathOf(fullPath))) {
    if (group.quotaBytes === undefined) continue;
    const used = () => tx.repositoryBlobs.bytesOfGroup(group.fullPath);
    quotas.push({ owner: `group ${group.fullPath}`, bytes: group.quotaBytes, used });
  }
  if (quotaBytes !== undefined) {
    await tx.projects.hold(projectId);
    const used = () => tx.repositoryBlobs.bytesOfProject(projectId);
    quotas.unshift({ owner: `project ${fullPath}`, bytes: quotaBytes, used });
  }
  return quotas;
}
