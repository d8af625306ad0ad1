/** Another path for a project or group, with all that is called by it. Parts of transactions, which have asked for rights. */

import { recordRename } from '../../hosted/changes/write-records.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { parentPathOf } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { authorOf } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { getGroup } from '../acting/find-group.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { fullPathOf } from './paths.ts';
import { relocateGroup, relocateProject } from './relocation.ts';

/** Returns the full path then, which may be as before. @throws RefusedError invalid, not-found */
export async function renameProject(
  tx: Records,
  actor: Actor,
  project: Project,
  path: string,
): Promise<string> {
  const { id, groupId, fullPath: from } = project;
  if (fullPathOf(parentPathOf(from), path) === from) return from;
  const group = await getGroup(tx, String(groupId));
  const to = await relocateProject(tx, project, { group, path });
  await recordChange(tx, actor, {
    action: 'project.rename',
    targetId: id,
    details: { from, to, groupId },
    projectPath: to,
  });
  await recordRename(tx, authorOf(actor), from, to);
  return to;
}

/** Moves a project to another group. Returns its full path then. @throws RefusedError bad-request, invalid, not-found, conflict */
export async function moveProject(
  tx: Records,
  actor: Actor,
  project: Project,
  group: Group,
): Promise<string> {
  if (group.id === project.groupId) throw new RefusedError('bad-request', 'the project is in this group');
  const to = await relocateProject(tx, project, { group, path: project.path });
  await recordChange(tx, actor, {
    action: 'project.transfer',
    targetId: project.id,
    details: { from: project.fullPath, to, groupId: group.id },
    projectPath: to,
  });
  await recordRename(tx, authorOf(actor), project.fullPath, to);
  return to;
}

/** As {@link renameProject}. */
export async function renameGroup(tx: Records, actor: Actor, group: Group, path: string): Promise<string> {
  const { id, parentId, fullPath: from } = group;
  if (fullPathOf(parentPathOf(from) || undefined, path) === from) return from;
  const parent = parentId === undefined ? undefined : await getGroup(tx, String(parentId));
  const to = await relocateGroup(tx, group, { parent, path });
  await recordChange(tx, actor, {
    action: 'group.rename',
    targetId: id,
    details: { from, to },
    groupPath: to,
  });
  await recordRename(tx, authorOf(actor), from, to);
  return to;
}
