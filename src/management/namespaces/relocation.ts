/**
 * Groups and projects come to another path with all that is called by it: subgroups, projects, repositories, uploads. Rights are asked for by
 * whoever calls; parts of their transactions.
 */

import { holdGroupQuotas, moveWithin } from '../../hosted/changes/quotas.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { holdGroup } from '../acting/find-group.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandFreePath, fullPathOf } from './paths.ts';

export interface GroupTarget {
  /** Undefined: the top. */
  readonly parent: Group | undefined;
  readonly path: string;
}

export interface ProjectTarget {
  readonly group: Group;
  readonly path: string;
}

/** Returns the new full path. @throws RefusedError invalid, not-found; HostedRefusal over-quota */
export async function relocateGroup(
  tx: Records,
  moving: Group,
  { parent, path }: GroupTarget,
): Promise<string> {
  const fullPath = fullPathOf(parent?.fullPath, path);
  await holdAll(tx, [moving.id, parent?.id]);
  await demandFreePath(tx, fullPath);
  await demandRoomForNames(tx, moving.fullPath, fullPath);
  const quotas = await holdGroupQuotas(tx, parent?.fullPath);
  const place = { parentId: parent?.id ?? null, path: lastSegmentOf(fullPath), fullPath };
  await moveWithin(quotas, () => tx.relocations.moveGroup(moving.id, moving.fullPath, place));
  return fullPath;
}

/** As {@link relocateGroup}. */
export async function relocateProject(
  tx: Records,
  moving: Project,
  { group, path }: ProjectTarget,
): Promise<string> {
  const fullPath = fullPathOf(group.fullPath, path);
  await holdAll(tx, [moving.groupId, group.id]);
  await demandFreePath(tx, fullPath);
  await demandRoomForNames(tx, moving.fullPath, fullPath);
  const quotas = await holdGroupQuotas(tx, group.fullPath);
  const place = { groupId: group.id, path: lastSegmentOf(fullPath), fullPath };
  await moveWithin(quotas, () => tx.relocations.moveProject(moving.id, moving.fullPath, place));
  return fullPath;
}

/** Groups are held in the order of their numbers, or two transfers could wait for each other. */
async function holdAll(tx: Records, ids: readonly (number | undefined)[]): Promise<void> {
  const known = new Set(ids.filter((id) => id !== undefined));
  for (const id of [...known].sort((a, b) => a - b)) await holdGroup(tx, id);
}

/** @throws RefusedError invalid where a name below it would be none any more */
async function demandRoomForNames(tx: Records, from: string, to: string): Promise<void> {
  const longest = (await tx.relocations.longestBelow(from)) - from.length;
  if (longest <= 0 || isRepositoryName(`${to}${'a'.repeat(longest)}`)) return;
  throw new RefusedError('invalid', { path: ['is too long together with the paths below it'] });
}

function lastSegmentOf(fullPath: string): string {
  return fullPath.slice(fullPath.lastIndexOf('/') + 1);
}
