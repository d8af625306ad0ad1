/** Which tags a replication rule is for, and what their repositories are called where they go. */
import { TagPattern } from './tag-pattern.ts';

export interface ReplicationScope {
  /** RE2 that the whole name of a repository matches; undefined: all. */
  readonly repositoryRegex: string | undefined;
  /** RE2 that the whole tag matches. */
  readonly tagRegex: string;
}

export class ReplicationFilter {
  readonly #repository: TagPattern | undefined;
  readonly #tag: TagPattern;

  /** @throws TagPatternError, which a rule that was checked does not give */
  constructor({ repositoryRegex, tagRegex }: ReplicationScope) {
    this.#repository = repositoryRegex === undefined ? undefined : TagPattern.parse(repositoryRegex);
    this.#tag = TagPattern.parse(tagRegex);
  }

  /** @param name below the path of its project; empty: it has the project's own */
  hasRepository(name: string): boolean {
    return this.#repository?.matches(name) ?? true;
  }

  hasTag(tag: string): boolean {
    return this.#tag.matches(tag);
  }
}

export interface TargetNames {
  /** Full path of the rule's project. */
  readonly project: string;
  /** The repository where it comes from; here below the path of its project, and empty where it has the project's own. */
  readonly repository: string;
  /** The last segment of its whole name. */
  readonly name: string;
}

const placeholder = /\{(project|repository|name)\}/g;

/** @param template such as `mirror/{project}/{repository}`; what is empty leaves no slash behind */
export function targetNameOf(template: string, names: TargetNames): string {
  const filled = template.replace(placeholder, (_, key: keyof TargetNames) => names[key]);
  return filled
    .split('/')
    .filter((segment) => segment !== '')
    .join('/');
}

/** Whether names come of it. */
export function isTargetTemplate(text: string, isName: (name: string) => boolean): boolean {
  return isName(targetNameOf(text, { project: 'project', repository: 'repository', name: 'name' }));
}
