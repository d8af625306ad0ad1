/** Quotas of what something moves into. */

import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { parentPathOf } from '../../oci/reference.ts';
import { RefusedError } from '../acting/refused-error.ts';

export interface HeldQuota {
  /** "group acme" */
  readonly owner: string;
  /** In bytes. */
  readonly limit: number;
  readonly usedBefore: number;
  used(): Promise<number>;
}

/**
 * Of a group and those above it; held, so that what counts against them stays so. Before anything moves.
 * @param groupPath full path; undefined: the top, which has none
 */
export async function holdGroupQuotas(
  tx: Records,
  groupPath: string | undefined,
): Promise<readonly HeldQuota[]> {
  if (groupPath === undefined) return [];
  const quotas: HeldQuota[] = [];
  for (const { fullPath, quotaBytes: limit } of await tx.groups.listQuotas(groupPath)) {
    if (limit === undefined) continue;
    const used = () => tx.repositoryBlobs.bytesOfGroup(fullPath);
    quotas.push({ owner: `group ${fullPath}`, limit, usedBefore: await used(), used });
  }
  return quotas;
}

/** As {@link holdGroupQuotas}, of a project and the groups around it. */
export async function holdProjectQuotas(
  tx: Records,
  { id, fullPath, quotaBytes: limit }: Project,
): Promise<readonly HeldQuota[]> {
  const quotas = await holdGroupQuotas(tx, parentPathOf(fullPath));
  if (limit === undefined) return quotas;
  const used = () => tx.repositoryBlobs.bytesOfProject(id);
  return [{ owner: `project ${fullPath}`, limit, usedBefore: await used(), used }, ...quotas];
}

/** After it moved. What was over its quota before, and has no more now, stays so. @throws RefusedError conflict */
export async function demandRoom(quotas: readonly HeldQuota[]): Promise<void> {
  for (const { owner, limit, usedBefore, used } of quotas) {
    const now = await used();
    if (now > limit && now > usedBefore) {
      throw new RefusedError(
        'conflict',
        `${owner} would use ${now} of ${limit} bytes: its quota is too small`,
      );
    }
  }
}
