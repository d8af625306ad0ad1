/** What the rules of a project keep someone from deleting: for whoever deletes tags and repositories other than by /v2. */
import { type RepositoryRule, requiredRepositoryLevel } from './repository-protection.ts';
import { type TagPatterns, TagProtection, type TagRule } from './tag-protection.ts';

export interface ProjectProtectionOptions {
  /** The project's full path. */
  readonly projectPath: string;
  /** All of the project. */
  readonly repositoryRules: readonly RepositoryRule[];
  readonly tagRules: readonly TagRule[];
  readonly patterns: TagPatterns;
  /** Of who deletes: their role in the project, 60 for administrators, 0 for a cleanup, which has none. */
  readonly level: number;
}

export class ProjectProtection {
  readonly #options: ProjectProtectionOptions;
  readonly #tags: TagProtection;

  constructor(options: ProjectProtectionOptions) {
    this.#options = options;
    this.#tags = new TagProtection(options.tagRules, options.patterns);
  }

  /** What keeps the tag; undefined: nothing. @param repository its full name */
  findTagGuard(repository: string, tag: string): 'protected' | 'immutable' | undefined {
    if (this.#isGuarded(repository)) return 'protected';
    return this.#tags.findFault(tag, 'delete', this.#options.level)?.guard;
  }

  /** As {@link findTagGuard}, for a whole repository. @param tags all of its tags, or a part after the other */
  findRepositoryGuard(repository: string, tags: Iterable<string>): 'protected' | 'immutable' | undefined {
    if (this.#isGuarded(repository)) return 'protected';
    return this.#tags.findRepositoryFault(tags, this.#options.level)?.guard;
  }

  /** Whether a tag that there is not may be made. */
  mayCreateTag(repository: string, tag: string): boolean {
    if (this.#isGuarded(repository, 'push')) return false;
    return this.#tags.findFault(tag, 'create', this.#options.level) === undefined;
  }

  #isGuarded(repository: string, action: 'push' | 'delete' = 'delete'): boolean {
    const { repositoryRules, projectPath, level } = this.#options;
    return level < requiredRepositoryLevel(repositoryRules, projectPath, repository, action);
  }
}
