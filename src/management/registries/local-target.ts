/**
 * What a local upstream may show: a group or project that the top-level group it belongs to can see. These are what is in
 * that group, whatever its visibility, and what is public elsewhere. Who chooses it decides that whoever may pull through the
 * virtual registry sees it; these may be deploy tokens, or anyone, so that what is internal elsewhere is not for them.
 */
import type { Records } from '../../metadata/db/records.ts';
import { RefusedError } from '../acting/refused-error.ts';

/**
 * Whether a local upstream may show it; false as well where there is no such group or project.
 * @param groupId of the upstream
 * @param path full path of a group or project
 */
export async function isVisibleTarget(
  { groups, projects }: Pick<Records, 'groups' | 'projects'>,
  groupId: number,
  path: string,
): Promise<boolean> {
  const target = (await groups.findByPath(path)) ?? (await projects.findByPath(path));
  const group = await groups.find(groupId);
  if (!target || !group) return false;
  return target.visibility === 'public' || `${target.fullPath}/`.startsWith(`${group.fullPath}/`);
}

export const noTarget = "is no group or project that the upstream's group can see";

/** @throws RefusedError invalid, in the same words for what is absent and what may not be seen */
export async function demandVisibleTarget(
  records: Pick<Records, 'groups' | 'projects'>,
  groupId: number,
  path: string,
): Promise<void> {
  if (await isVisibleTarget(records, groupId, path)) return;
  throw new RefusedError('invalid', { url: [noTarget] });
}
