/** What the rules of a project keep someone from doing to its tags and repositories. */
import { type GuardedAction, type RepositoryRule, requiredRepositoryLevel } from './repository-protection.ts';
import {
  type TagChange,
  type TagFault,
  type TagPatterns,
  TagProtection,
  type TagRule,
} from './tag-protection.ts';

export interface ProjectProtectionOptions {
  /** The project's full path. */
  readonly projectPath: string;
  /** All of the project. */
  readonly repositoryRules: readonly RepositoryRule[];
  readonly tagRules: readonly TagRule[];
  readonly patterns: TagPatterns;
  /** Of who asks: their role in the project, 60 for administrators, 0 for a cleanup, which has none. */
  readonly level: number;
}

export class ProjectProtection {
  readonly #options: ProjectProtectionOptions;
  readonly #tags: TagProtection;

  constructor(options: ProjectProtectionOptions) {
    this.#options = options;
    this.#tags = new TagProtection(options.tagRules, options.patterns);
  }

  /** Nothing is guarded. */
  get isEmpty(): boolean {
    return !this.hasTagRules && this.#options.repositoryRules.length === 0;
  }

  get hasTagRules(): boolean {
    return this.#options.tagRules.length > 0;
  }

  /** What keeps someone from the change; undefined: nothing. @param repository its full name */
  findTagFault(repository: string, tag: string, change: TagChange): TagFault | undefined {
    const fault = this.findRepositoryFault(repository, change === 'delete' ? 'delete' : 'push');
    return fault ?? this.#tags.findFault(tag, change, this.#options.level);
  }

  /** What keeps it from being deleted. */
  findTagGuard(repository: string, tag: string): TagFault['guard'] | undefined {
    return this.findTagFault(repository, tag, 'delete')?.guard;
  }

  /** As {@link findTagFault}, of the repository, whatever tags it has. */
  findRepositoryFault(repository: string, action: GuardedAction): TagFault | undefined {
    const { repositoryRules, projectPath, level } = this.#options;
    const required = requiredRepositoryLevel(repositoryRules, projectPath, repository, action);
    return level < required ? { guard: 'protected', level: required } : undefined;
  }

  /** As {@link findTagFault}, of deleting a whole repository. @param tags all of its tags, or a part after the other */
  findDeletionFault(repository: string, tags: Iterable<string>): TagFault | undefined {
    const fault = this.findRepositoryFault(repository, 'delete');
    return fault ?? this.#tags.findRepositoryFault(tags, this.#options.level);
  }
}
