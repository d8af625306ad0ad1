/**
 * Repositories get another name, with all below them: within their project, or in another one. Either all of them have their new names,
 * or nothing. Part of a transaction.
 */
import { Turn } from '../../concurrency/turn.ts';
import type { Records } from '../../metadata/db/records.ts';
import { maxSegmentsInside } from '../../metadata/namespaces/projects.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import type { TagPatterns } from '../../rules/tag-protection.ts';
import { protectionOf, readTags } from '../changes/protection.ts';
import { holdProjectQuotas, moveWithin } from '../changes/quotas.ts';
import { HostedRefusal } from '../changes/refusal.ts';
import { recordRename } from '../changes/write-records.ts';
import type { WriteTarget } from '../changes/write-target.ts';

interface Renamed {
  readonly name: string;
  readonly newName: string;
}

/** How many repositories one rename may take along. */
const maxRepositories = 1000;

/**
 * Holds the projects, so that pushes wait.
 * @param from what is called so, and by a name below it; its writer as in its project. @param to the same in the project that it comes to
 * @throws HostedRefusal nothing-there, name-taken, name-invalid, too-many-repositories, rename-denied, over-quota
 */
export async function renameRepositories(
  tx: Records,
  patterns: TagPatterns,
  from: WriteTarget,
  to: WriteTarget,
): Promise<void> {
  const newProject = from.projectId === to.projectId ? undefined : await tx.projects.find(to.projectId);
  const quotas = newProject ? await holdProjectQuotas(tx, newProject) : [];
  const [source, target] = [
    { projectId: from.projectId, path: from.name },
    { projectId: to.projectId, path: to.name },
  ];
  const repositories = await moveWithin(quotas, async () => {
    await tx.relocations.holdProjects([from.projectId, to.projectId]);
    const names = await tx.relocations.listRepositories(source, maxRepositories + 1);
    if (names.length === 0) throw nothingThere(from.name);
    if (names.length > maxRepositories)
      throw new HostedRefusal(
        'too-many-repositories',
        `${from.name} has more than ${maxRepositories} repositories below it`,
      );
    if ((await tx.relocations.listRepositories(target, 1)).length > 0)
      throw new HostedRefusal('name-taken', `there is a repository ${to.name}, or one below it`);
    const renamed = names.map((name) => ({ name, newName: to.name + name.slice(from.name.length) }));
    for (const { newName } of renamed) demandNameInside(to.projectPath, newName);
    await demandRenamable(tx, patterns, from, to, renamed);
    await tx.relocations.moveRepositories(source, target);
    return names.length;
  });
  const { userId, name, address } = to.writer;
  await tx.auditEvents.add({
    actorId: userId,
    actorName: name,
    address,
    action: 'repository.rename',
    targetId: to.name,
    details: { from: from.name, to: to.name, repositories },
    projectPath: to.projectPath,
  });
  await recordRename(tx, to.writer, from.name, to.name);
}

export function nothingThere(path: string): HostedRefusal {
  return new HostedRefusal('nothing-there', `nothing was pushed to ${path}, nor below it`);
}

export function renameDenied(path: string): HostedRefusal {
  return new HostedRefusal(
    'rename-denied',
    `renaming ${path} is for Maintainers of its project and of the one that it comes to, where no protection rule keeps them from deleting the one and pushing to the other`,
  );
}

/** @throws HostedRefusal name-invalid where it would be none of the project any more */
function demandNameInside(projectPath: string, newName: string): void {
  const segments = newName.slice(projectPath.length).split('/').length - 1;
  if (isRepositoryName(newName) && segments <= maxSegmentsInside) return;
  throw new HostedRefusal(
    'name-invalid',
    `${newName.slice(0, 300)} would be too long`,
    `at most ${maxSegmentsInside} segments follow the project`,
  );
}

/**
 * A rename counts as a deletion at the old name, and as a push at the new one. Tags that are immutable where they are stay there, whoever
 * comes; so does a repository with tags that whoever renames may not delete, or may not push where it comes to.
 * @throws HostedRefusal rename-denied
 */
async function demandRenamable(
  tx: Records,
  patterns: TagPatterns,
  from: WriteTarget,
  to: WriteTarget,
  renamed: readonly Renamed[],
): Promise<void> {
  const source = await protectionOf(tx, from, from.writer.protectionLevel, patterns);
  const target = await protectionOf(tx, to, to.writer.protectionLevel, patterns);
  for (const { name, newName } of renamed) {
    if (source.findRepositoryFault(name, 'delete')) throw renameDenied(name);
    if (target.findRepositoryFault(newName, 'push')) throw renameDenied(newName);
  }
  if (!source.hasTagRules && !target.hasTagRules) return;
  const turn = new Turn();
  for (const { name, newName } of renamed) {
    const repository = await tx.repositories.findByName(name);
    if (!repository) continue;
    for await (const tags of readTags(tx, repository.id)) {
      if (source.findDeletionFault(name, tags)) throw tagsGuarded(name);
      if (tags.some((tag) => target.findTagFault(newName, tag, 'create'))) throw tagsGuarded(newName);
      if (turn.isOver) await turn.next();
    }
  }
}

function tagsGuarded(name: string): HostedRefusal {
  return new HostedRefusal(
    'rename-denied',
    `tags of ${name} are protected or immutable`,
    'rules for tags keep it from being renamed',
  );
}
