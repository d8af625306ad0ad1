/** How many bytes a project, and the groups around it, may link. Each blob counts once in each project. */
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { Digest } from '../../oci/digest.ts';
import { parentPathOf } from '../../oci/reference.ts';
import { HostedRefusal } from './refusal.ts';

interface Quota {
  /** Whose quota it is, for people: "project acme/shop". */
  readonly owner: string;
  readonly bytes: number;
  used(): Promise<number>;
}

/**
 * Part of the transaction that links the blob, and before it holds anything else: whatever has a quota is held, so that two that
 * link at once do not both take the last bytes. Nothing is counted, nor held, where there are no quotas.
 * @param size in bytes
 * @throws HostedRefusal over-quota, saying how much is used and allowed
 */
export async function demandRoom(
  tx: Records,
  projectId: number,
  digest: Digest,
  size: number,
): Promise<void> {
  const project = await tx.projects.find(projectId);
  const quotas = project ? await holdProjectQuotas(tx, project) : [];
  if (quotas.length === 0) return;
  if (project?.quotaBytes !== undefined) await tx.projects.hold(projectId);
  const needed = await tx.repositoryBlobs.bytesToAdd(projectId, digest, size);
  if (needed === 0) return;
  for (const { owner, bytes, used } of quotas) {
    const now = await used();
    if (now + needed > bytes) {
      throw new HostedRefusal(
        'over-quota',
        `${owner} uses ${now} of ${bytes} bytes, and ${needed} more are needed`,
        'delete images, or ask an Owner above it for a higher quota (container_registry_quota_bytes)',
      );
    }
  }
}

/**
 * Does what brings something into places with these quotas, and refuses what goes over one. A place that was over its quota before, and
 * has no more afterwards, may stay so.
 * @throws HostedRefusal over-quota
 */
export async function moveWithin<T>(quotas: readonly Quota[], move: () => Promise<T>): Promise<T> {
  const before: number[] = [];
  for (const { used } of quotas) before.push(await used());
  const moved = await move();
  for (const [index, { owner, bytes, used }] of quotas.entries()) {
    const now = await used();
    if (now > bytes && now > (before[index] ?? 0))
      throw new HostedRefusal(
        'over-quota',
        `${owner} would use ${now} of ${bytes} bytes`,
        'its quota is too small',
      );
  }
  return moved;
}

/**
 * The quotas of a group and of those above it, which are held, so that what counts against them does not change.
 * @param groupPath full path; undefined: the top, which has no quota
 */
export async function holdGroupQuotas(tx: Records, groupPath: string | undefined): Promise<readonly Quota[]> {
  if (groupPath === undefined) return [];
  return (await tx.groups.listQuotas(groupPath)).flatMap(({ fullPath, quotaBytes: bytes }) =>
    bytes === undefined
      ? []
      : { owner: `group ${fullPath}`, bytes, used: () => tx.repositoryBlobs.bytesOfGroup(fullPath) },
  );
}

/** As {@link holdGroupQuotas}, of a project and the groups around it; only the groups are held. */
export async function holdProjectQuotas(
  tx: Records,
  { id, fullPath, quotaBytes: bytes }: Pick<Project, 'id' | 'fullPath' | 'quotaBytes'>,
): Promise<readonly Quota[]> {
  const quotas = await holdGroupQuotas(tx, parentPathOf(fullPath));
  if (bytes === undefined) return quotas;
  const used = () => tx.repositoryBlobs.bytesOfProject(id);
  return [{ owner: `project ${fullPath}`, bytes, used }, ...quotas];
}
