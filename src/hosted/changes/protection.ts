/** What protection rules keep, asked for within the transaction of the change and after the repository is held: no tag can move in between. */
import { Turn } from '../../concurrency/turn.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import { ProjectProtection } from '../../rules/project-protection.ts';
import { describeLevel } from '../../rules/protection-levels.ts';
import type { TagFault, TagPatterns } from '../../rules/tag-protection.ts';
import { HostedRefusal } from './refusal.ts';
import type { WriteTarget } from './write-target.ts';

type Rules = Pick<Records, 'protectionRules'>;

const tagsAtOnce = 1000;
/** Expressions of unusual cost take milliseconds for each tag. */
const tagsInTurn = 10;

/** What the project's rules say now. @param level of whoever asks, as of Writer.protectionLevel; 0: a cleanup that runs by itself */
export async function protectionOf(
  { protectionRules }: Rules,
  { projectId, projectPath }: Pick<WriteTarget, 'projectId' | 'projectPath'>,
  level: number,
  patterns: TagPatterns,
): Promise<ProjectProtection> {
  return new ProjectProtection({
    projectPath,
    rules: await protectionRules.list(projectId),
    patterns,
    level,
  });
}

/** As {@link protectionOf}; undefined where the project is gone. */
export async function findProtection(
  records: Rules & Pick<Records, 'projects'>,
  projectId: number,
  level: number,
  patterns: TagPatterns,
): Promise<ProjectProtection | undefined> {
  const project = await records.projects.find(projectId);
  return project && protectionOf(records, { projectId, projectPath: project.fullPath }, level, patterns);
}

/** @throws HostedRefusal push-protected; push-into-protected where a rule is for the repository; push-immutable where one of the tags names another manifest */
export async function demandTaggable(
  tx: Rules & Pick<Records, 'tags'>,
  patterns: TagPatterns,
  target: WriteTarget,
  repositoryId: number,
  tags: readonly Tag[],
  digest: Digest,
): Promise<void> {
  if (tags.length === 0) return;
  const protection = await protectionOf(tx, target, target.writer.protectionLevel, patterns);
  if (protection.isEmpty) return;
  const turn = new Turn();
  for (const tag of tags) {
    const before = await tx.tags.find(repositoryId, tag);
    const change = before === undefined || before === digest ? 'create' : 'overwrite';
    const fault = protection.findTagFault(target.name, tag, change);
    if (turn.isOver) await turn.next();
    if (fault)
      throw new HostedRefusal(
        protection.findRepositoryFault(target.name, 'push') ? 'push-into-protected' : `push-${fault.guard}`,
        `tag ${tag} of ${target.name} cannot be pushed`,
        describe(fault),
      );
  }
}

/** @throws HostedRefusal delete-protected, delete-from-protected, delete-immutable */
export async function demandTagDeletable(
  tx: Rules,
  patterns: TagPatterns,
  target: WriteTarget,
  tag: Tag,
): Promise<void> {
  const protection = await protectionOf(tx, target, target.writer.protectionLevel, patterns);
  const fault = protection.findTagFault(target.name, tag, 'delete');
  if (fault)
    throw new HostedRefusal(
      protection.findRepositoryFault(target.name, 'delete')
        ? 'delete-from-protected'
        : `delete-${fault.guard}`,
      `tag ${tag} of ${target.name} cannot be deleted`,
      describe(fault),
    );
}

/** A manifest's tags go with it, so that their rules count. @throws HostedRefusal manifest-protected */
export async function demandManifestDeletable(
  tx: Rules & Pick<Records, 'tags'>,
  patterns: TagPatterns,
  target: WriteTarget,
  repositoryId: number,
  digest: Digest,
): Promise<void> {
  const protection = await protectionOf(tx, target, target.writer.protectionLevel, patterns);
  if (protection.isEmpty) return;
  const turn = new Turn();
  for (const tag of await tx.tags.listNaming(repositoryId, digest)) {
    const fault = protection.findTagFault(target.name, tag, 'delete');
    if (turn.isOver) await turn.next();
    if (fault)
      throw new HostedRefusal(
        'manifest-protected',
        `manifest ${digest} of ${target.name} cannot be deleted with its tag ${tag}`,
        describe(fault),
      );
  }
}

/** A repository's tags go with it, so that their rules count as well. @throws HostedRefusal repository-protected */
export async function demandRepositoryDeletable(
  tx: Rules & Pick<Records, 'tags'>,
  patterns: TagPatterns,
  target: WriteTarget,
  repositoryId: number,
): Promise<void> {
  const protection = await protectionOf(tx, target, target.writer.protectionLevel, patterns);
  const fault = protection.findRepositoryFault(target.name, 'delete');
  if (fault) throw repositoryProtected(target, fault);
  if (!protection.hasTagRules) return;
  const turn = new Turn();
  for await (const tags of readTags(tx, repositoryId)) {
    const tagFault = protection.findDeletionFault(target.name, tags);
    if (tagFault) throw repositoryProtected(target, tagFault);
    if (turn.isOver) await turn.next();
  }
}

/** All tags, in parts so small that matching one keeps nobody waiting, whatever the expressions are. */
export async function* readTags(
  { tags }: Pick<Records, 'tags'>,
  repositoryId: number,
): AsyncGenerator<readonly Tag[]> {
  for (let after = ''; ; ) {
    const page = await tags.list(repositoryId, { after, limit: tagsAtOnce });
    for (let start = 0; start < page.tags.length; start += tagsInTurn)
      yield page.tags.slice(start, start + tagsInTurn);
    const last = page.tags.at(-1);
    if (!page.hasMore || last === undefined) return;
    after = last;
  }
}

function repositoryProtected({ name }: WriteTarget, fault: TagFault): HostedRefusal {
  return new HostedRefusal('repository-protected', `${name} cannot be deleted`, describe(fault));
}

function describe(fault: TagFault): string {
  return fault.guard === 'protected'
    ? `it is protected, and asks for the role ${describeLevel(fault.level)}`
    : `it is immutable by the rule ${fault.pattern}`;
}
