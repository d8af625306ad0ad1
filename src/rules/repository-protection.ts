/** Which repositories of a project are guarded, and from whom: of all rules that match, the one that asks for most counts. */

export type GuardedAction = 'push' | 'delete';

/** The least level for each; undefined: the rule does not mind. */
export interface RepositoryLevels {
  readonly push: number | undefined;
  readonly delete: number | undefined;
}

export interface RepositoryRule {
  /** What comes after the project's full path: so a rule stays true when its project moves. */
  readonly pathPattern: string;
  readonly levels: RepositoryLevels;
}

/**
 * The least level for the action; 0: every level will do.
 * @param projectPath the full path of the rules' project
 * @param name of one of its repositories
 */
export function requiredRepositoryLevel(
  rules: readonly RepositoryRule[],
  projectPath: string,
  name: string,
  action: GuardedAction,
): number {
  let required = 0;
  for (const { pathPattern, levels } of rules) {
    const level = levels[action] ?? 0;
    if (level > required && matchesWildcards(name, projectPath + pathPattern)) required = level;
  }
  return required;
}

/** `*` stands for any text, slashes and nothing included. Each part is looked for once, after the one before it. */
export function matchesWildcards(text: string, pattern: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return text === start;
  if (!text.startsWith(start)) return false;
  let from = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return text.length - end.length >= from && text.endsWith(end);
}
