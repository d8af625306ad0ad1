/** Groups and projects with the names of the groups around them, as people read them: `Acme / Shop`. */

import type { Records } from '../../metadata/db/records.ts';
import type { CleanupPolicyRecord } from '../../metadata/hosted/cleanup-policies.ts';
import type { Group } from '../../metadata/namespaces/groups.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { parentPathOf } from '../../oci/reference.ts';

export interface NamedGroup extends Group {
  /** The names from the top-level group on. */
  readonly fullName: string;
  /** Whether it is public, and all groups around it are. */
  readonly isOpen: boolean;
}

export interface NamedProject extends Project {
  readonly group: NamedGroup;
  /** Undefined: the defaults hold. */
  readonly cleanupPolicy: CleanupPolicyRecord | undefined;
}

export async function nameGroups(
  { groups }: Pick<Records, 'groups'>,
  named: readonly Group[],
): Promise<readonly NamedGroup[]> {
  const known = new Map(named.map((group) => [group.fullPath, group]));
  const missing = pathsAround([...known.keys()]).filter((path) => !known.has(path));
  for (const group of await groups.listByPaths(missing)) known.set(group.fullPath, group);
  return named.map((group) => ({
    ...group,
    fullName: nameOf(group.fullPath, known),
    isOpen: [group.fullPath, ...pathsAround([group.fullPath])].every(
      (path) => known.get(path)?.visibility === 'public',
    ),
  }));
}

/** A project whose group was removed meanwhile is left out: it went with it. */
export async function nameProjects(
  records: Pick<Records, 'groups' | 'cleanupPolicies'>,
  projects: readonly Project[],
): Promise<readonly NamedProject[]> {
  const paths = [...new Set(projects.map(({ fullPath }) => parentPathOf(fullPath)))];
  const named = await nameGroups(records, await records.groups.listByPaths(paths));
  const groups = new Map(named.map((group) => [group.id, group]));
  const policies = await records.cleanupPolicies.listOf(projects.map(({ id }) => id));
  const cleanupPolicies = new Map(policies.map((policy) => [policy.projectId, policy]));
  return projects.flatMap((project) => {
    const group = groups.get(project.groupId);
    return group ? [{ ...project, group, cleanupPolicy: cleanupPolicies.get(project.id) }] : [];
  });
}

function pathsAround(fullPaths: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const fullPath of fullPaths) {
    for (let path = parentPathOf(fullPath); path !== ''; path = parentPathOf(path)) paths.add(path);
  }
  return [...paths];
}

function nameOf(fullPath: string, groups: ReadonlyMap<string, Group>): string {
  const parentPath = parentPathOf(fullPath);
  const name = groups.get(fullPath)?.name ?? fullPath.slice(fullPath.lastIndexOf('/') + 1);
  return parentPath === '' ? name : `${nameOf(parentPath, groups)} / ${name}`;
}
