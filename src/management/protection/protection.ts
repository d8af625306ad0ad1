/** May an actor delete a tag, or a whole repository, or make a tag again? For the REST API; /v2 asks the same rules in its own words. */
import { protectionLevelOf } from '../../auth/rights/project-roles.ts';
import { Turn } from '../../concurrency/turn.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { ProjectProtection } from '../../rules/project-protection.ts';
import { TagPatterns } from '../../rules/tag-protection.ts';
import { type Actor, askerOf } from '../acting/actor.ts';
import { findLevel } from '../acting/needs.ts';
import { RefusedError } from '../acting/refused-error.ts';

type ProtectedProject = Pick<Project, 'id' | 'fullPath'>;
type ProtectedRepository = Pick<RepositoryRecord, 'id' | 'name'>;

const tagsAtOnce = 1000;
/** Expressions of unusual cost take milliseconds for each tag. */
const tagsInTurn = 10;

export class Protection {
  readonly #patterns = new TagPatterns();

  /**
   * What the project's rules say now.
   * @param actor undefined: a cleanup that runs by itself, which has no role
   * @throws RefusedError unauthorized
   */
  async of(
    records: Pick<Records, 'members' | 'repositoryProtectionRules' | 'tagProtectionRules'>,
    project: ProtectedProject,
    actor: Actor | undefined,
  ): Promise<ProjectProtection> {
    return new ProjectProtection({
      projectPath: project.fullPath,
      repositoryRules: await records.repositoryProtectionRules.list(project.id),
      tagRules: await records.tagProtectionRules.list(project.id),
      patterns: this.#patterns,
      level: actor === undefined ? 0 : await protectionLevelIn(records, project, actor),
    });
  }

  /** @throws RefusedError forbidden, in GitLab's words */
  async demandTagDeletable(
    records: Records,
    project: ProtectedProject,
    actor: Actor,
    { name }: ProtectedRepository,
    tag: string,
  ): Promise<void> {
    const protection = await this.of(records, project, actor);
    if (protection.findTagGuard(name, tag))
      throw new RefusedError('forbidden', 'cannot delete protected tag(s)');
  }

  /** @throws RefusedError forbidden */
  async demandTagCreatable(
    records: Records,
    project: ProtectedProject,
    actor: Actor,
    { name }: ProtectedRepository,
    tag: string,
  ): Promise<void> {
    const protection = await this.of(records, project, actor);
    if (!protection.mayCreateTag(name, tag))
      throw new RefusedError('forbidden', 'cannot create protected tag(s)');
  }

  /** With its tags. @throws RefusedError forbidden, in GitLab's words */
  async demandRepositoryDeletable(
    records: Records,
    project: ProtectedProject,
    actor: Actor,
    { id, name }: ProtectedRepository,
  ): Promise<void> {
    const protection = await this.of(records, project, actor);
    const turn = new Turn();
    let after = '';
    let hasMore = true;
    while (hasMore) {
      const page = await records.tags.list(id, { after, limit: tagsAtOnce });
      for (let start = 0; start === 0 || start < page.tags.length; start += tagsInTurn) {
        if (protection.findRepositoryGuard(name, page.tags.slice(start, start + tagsInTurn)))
          throw new RefusedError('forbidden', 'Deleting protected container repository forbidden.');
        if (turn.isOver) await turn.next();
      }
      after = page.tags.at(-1) ?? after;
      hasMore = page.hasMore;
    }
  }
}

/** What rules compare with what they ask for. @throws RefusedError unauthorized */
export async function protectionLevelIn(
  records: Pick<Records, 'members'>,
  project: ProtectedProject,
  actor: Actor,
): Promise<number> {
  const asker = askerOf(actor);
  return protectionLevelOf(asker, project, await findLevel(records, asker, project.fullPath));
}
