/** Which repositories of a project are guarded, and from whom: of all rules that match, the one that asks for most counts. */
import { type GuardedAction, leastLevel, type ProtectionRule } from './protection-rule.ts';

/**
 * The least level for the action; 0: every level will do.
 * @param rules all of one project
 * @param projectPath its full path
 * @param name of one of its repositories
 */
export function requiredRepositoryLevel(
  rules: readonly ProtectionRule[],
  projectPath: string,
  name: string,
  action: GuardedAction,
): number {
  let required = 0;
  for (const rule of rules) {
    const level = rule.kind === 'repository' ? leastLevel(rule, action) : 0;
    if (level > required && matchesWildcards(name, projectPath + rule.pattern)) required = level;
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
