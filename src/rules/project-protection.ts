/** What the rules of a project keep someone from doing to its tags and repositories. */
import type { GuardedAction, ProtectionRule } from './protection-rule.ts';
import { requiredRepositoryLevel } from './repository-protection.ts';
import { type TagChange, type TagFault, type TagPatterns, TagProtection } from './tag-protection.ts';

export interface ProjectProtectionOptions {
  /** The project's full path. */
  readonly projectPath: string;
  /** All rules of the project. */
  readonly rules: readonly ProtectionRule[];
  readonly patterns: TagPatterns;
  /** The level of whoever asks: their role in the project, 60 for administrators, 0 for a cleanup, which has none. */
  readonly level: number;
}

export class ProjectProtection {
  readonly #options: ProjectProtectionOptions;
  readonly #tags: TagProtection;

  constructor(options: ProjectProtectionOptions) {
    this.#options = options;
    this.#tags = new TagProtection(options.rules, options.patterns);
  }

  /** Whether nothing is guarded. */
  get isEmpty(): boolean {
    return this.#options.rules.length === 0;
  }

  get hasTagRules(): boolean {
    return !this.#tags.isEmpty;
  }

  /** What keeps someone from the change; undefined: nothing. @param repository its full name */
  findTagFault(repository: string, tag: string, change: TagChange): TagFault | undefined {
    const fault = this.findRepositoryFault(repository, change === 'delete' ? 'delete' : 'push');
    return fault ?? this.#tags.findFault(tag, change, this.#options.level);
  }

  /** What keeps a tag from being deleted. */
  findTagGuard(repository: string, tag: string): TagFault['guard'] | undefined {
    return this.findTagFault(repository, tag, 'delete')?.guard;
  }

  /** As {@link findTagFault}, for the repository itself, whatever tags it has. */
  findRepositoryFault(repository: string, action: GuardedAction): TagFault | undefined {
    const { rules, projectPath, level } = this.#options;
    const required = requiredRepositoryLevel(rules, projectPath, repository, action);
    return level < required ? { guard: 'protected', level: required } : undefined;
  }

  /** As {@link findTagFault}, for deleting a whole repository. @param tags all of its tags, or one part after the other */
  findDeletionFault(repository: string, tags: Iterable<string>): TagFault | undefined {
    const fault = this.findRepositoryFault(repository, 'delete');
    return fault ?? this.#tags.findRepositoryFault(tags, this.#options.level);
  }
}
