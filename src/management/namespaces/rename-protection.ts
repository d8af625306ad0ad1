/** What protection rules say of repositories that get another name: the old name is as good as deleted, with its tags, and the new one pushed. */

import { Turn } from '../../concurrency/turn.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import { OciError } from '../../oci/errors.ts';
import { ProjectProtection } from '../../rules/project-protection.ts';
import { requiredRepositoryLevel } from '../../rules/repository-protection.ts';
import { TagPatterns } from '../../rules/tag-protection.ts';
import { renameDenied } from './rename-rules.ts';

/** Of who renames, as of RepositoryRights.protectionLevel. */
interface RenameSide {
  readonly project: Pick<Project, 'id' | 'fullPath'>;
  readonly level: number;
}

interface RenamedRepository {
  readonly name: string;
  readonly newName: string;
}

type Rules = Pick<Records, 'repositories' | 'repositoryProtectionRules' | 'tagProtectionRules' | 'tags'>;

const tagsAtOnce = 1000;
const tagsInTurn = 10;

export class RenameProtection {
  readonly #patterns = new TagPatterns();

  /**
   * Tags that are immutable where they are stay there, whoever comes; so does a repository with tags that who renames may not delete,
   * and one with tags that they may not push where it comes to.
   * @throws OciError DENIED
   */
  async demand(
    tx: Rules,
    from: RenameSide,
    to: RenameSide,
    renamed: readonly RenamedRepository[],
  ): Promise<void> {
    const [source, target] = [await this.#rulesOf(tx, from), await this.#rulesOf(tx, to)];
    for (const { name, newName } of renamed) {
      if (source.protection.findRepositoryFault(name, 'delete')) throw renameDenied(name);
      const required = requiredRepositoryLevel(target.repositoryRules, to.project.fullPath, newName, 'push');
      if (to.level < required) throw renameDenied(newName);
    }
    if (!source.hasTagRules && !target.hasTagRules) return;
    const turn = new Turn();
    for (const { name, newName } of renamed) {
      for await (const tags of readTags(tx, name)) {
        if (source.protection.findDeletionFault(name, tags)) throw tagsGuarded(name);
        if (tags.some((tag) => target.protection.findTagFault(newName, tag, 'create')))
          throw tagsGuarded(newName);
        if (turn.isOver) await turn.next();
      }
    }
  }

  async #rulesOf(tx: Rules, { project, level }: RenameSide) {
    const repositoryRules = await tx.repositoryProtectionRules.list(project.id);
    const tagRules = await tx.tagProtectionRules.list(project.id);
    const projectPath = project.fullPath;
    const patterns = this.#patterns;
    return {
      repositoryRules,
      hasTagRules: tagRules.length > 0,
      protection: new ProjectProtection({ projectPath, repositoryRules, tagRules, patterns, level }),
    };
  }
}

/** In parts that are soon matched, whatever the expressions. */
async function* readTags({ repositories, tags }: Rules, name: string): AsyncGenerator<readonly string[]> {
  const repository = await repositories.findByName(name);
  if (!repository) return;
  for (let after = ''; ; ) {
    const page = await tags.list(repository.id, { after, limit: tagsAtOnce });
    for (let start = 0; start < page.tags.length; start += tagsInTurn)
      yield page.tags.slice(start, start + tagsInTurn);
    const last = page.tags.at(-1);
    if (!page.hasMore || last === undefined) return;
    after = last;
  }
}

function tagsGuarded(name: string): OciError {
  return new OciError('DENIED', {
    detail: `tags of ${name} are protected or immutable: rules for tags keep it from being renamed`,
  });
}
