/** New projects, whoever makes them; part of a transaction, which has asked for rights. */
import type { Records } from '../../metadata/db/records.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import type { NewProject, Project } from '../../metadata/namespaces/projects.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { holdGroup } from '../acting/find-group.ts';
import { type CleanupPolicyChanges, changeCleanupPolicy } from '../cleanup/cleanup-policies.ts';
import { tellExposures } from './exposures.ts';
import { demandFreePath, fullPathOf } from './paths.ts';

export interface ProjectPlan extends Omit<NewProject, 'groupId' | 'fullPath'> {
  /** Undefined: as of the defaults. */
  readonly cleanupPolicy?: CleanupPolicyChanges | undefined;
}

/** @param now epoch milliseconds. @throws RefusedError invalid, not-found */
export async function createProject(
  tx: Records,
  actor: Actor,
  group: Group,
  { cleanupPolicy, ...plan }: ProjectPlan,
  now: number,
): Promise<Project> {
  const { id: groupId } = group;
  const fullPath = fullPathOf(group.fullPath, plan.path);
  await holdGroup(tx, groupId);
  await demandFreePath(tx, fullPath);
  const project = await tx.projects.create({ ...plan, groupId, fullPath });
  const policy = cleanupPolicy && (await changeCleanupPolicy(tx, project.id, cleanupPolicy, now));
  const { name, visibility, containerRegistryAccessLevel } = project;
  await recordChange(tx, actor, {
    action: 'project.create',
    targetId: project.id,
    details: {
      groupId,
      name,
      path: fullPath,
      visibility,
      containerRegistryAccessLevel,
      cleanupPolicy: policy,
    },
    projectPath: fullPath,
  });
  await tellExposures(tx, actor, { path: fullPath });
  return project;
}
