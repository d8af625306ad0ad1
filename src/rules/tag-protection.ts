/** Which tags of a project are guarded, and from whom: of all rules that match, the one that asks for most counts. */
import { LRUCache } from 'lru-cache';
import { type GuardedAction, leastLevel, type ProtectionRule } from './protection-rule.ts';
import { TagPattern } from './tag-pattern.ts';

export type TagFault =
  | { readonly guard: 'protected'; readonly level: number }
  | { readonly guard: 'immutable'; readonly pattern: string };

/** create: there is no such tag yet, or it names this manifest already. overwrite: it names another one. */
export type TagChange = 'create' | 'overwrite' | 'delete';

const maxRemembered = 1000;

/** Compiles the patterns of rules once. */
export class TagPatterns {
  readonly #compiled = new LRUCache<string, TagPattern>({ max: maxRemembered });

  /** @throws TagPatternError */
  get(text: string): TagPattern {
    const known = this.#compiled.get(text);
    if (known) return known;
    const pattern = TagPattern.parse(text);
    this.#compiled.set(text, pattern);
    return pattern;
  }
}

export class TagProtection {
  readonly #rules: readonly ProtectionRule[];
  readonly #patterns: TagPatterns;

  /** @param rules all of one project */
  constructor(rules: readonly ProtectionRule[], patterns: TagPatterns) {
    this.#rules = rules.filter(({ kind }) => kind !== 'repository');
    this.#patterns = patterns;
  }

  /** Whether no tag is guarded. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * What keeps someone from the change; undefined: nothing. Roles are asked for first, as in GitLab.
   * @param level of whoever wants it: 0 for whoever has no role, such as a cleanup
   */
  findFault(tag: string, change: TagChange, level: number): TagFault | undefined {
    const required = this.#requiredLevel(tag, change === 'delete' ? 'delete' : 'push');
    if (level < required) return { guard: 'protected', level: required };
    return change === 'create' ? undefined : this.#findImmutable(tag);
  }

  /**
   * What keeps someone from deleting a whole repository with these tags; undefined: nothing. Each rule's delete level counts, whatever tags
   * it matches, but only where there are tags.
   */
  findRepositoryFault(tags: Iterable<string>, level: number): TagFault | undefined {
    const required = Math.max(0, ...this.#rules.map(({ deleteLevel }) => deleteLevel));
    for (const tag of tags) {
      if (level < required) return { guard: 'protected', level: required };
      const fault = this.#findImmutable(tag);
      if (fault) return fault;
    }
    return undefined;
  }

  #requiredLevel(tag: string, action: GuardedAction): number {
    let required = 0;
    for (const rule of this.#rules) {
      const level = leastLevel(rule, action);
      if (level > required && this.#patterns.get(rule.pattern).isFoundIn(tag)) required = level;
    }
    return required;
  }

  #findImmutable(tag: string): TagFault | undefined {
    for (const { kind, pattern } of this.#rules)
      if (kind === 'immutable_tag' && this.#patterns.get(pattern).isFoundIn(tag))
        return { guard: 'immutable', pattern };
    return undefined;
  }
}
