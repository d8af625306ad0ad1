/** Protection rules as they are recorded, but for their project. */
import type { ProtectionRule } from '../../src/rules/protection-rule.ts';

export function repositoryRule(pattern: string, pushLevel = 0, deleteLevel = 0): ProtectionRule {
  return { kind: 'repository', pattern, pushLevel, deleteLevel };
}

export function tagRule(pattern: string, pushLevel: number, deleteLevel: number): ProtectionRule {
  return { kind: 'tag', pattern, pushLevel, deleteLevel };
}

export function immutableTagRule(pattern: string): ProtectionRule {
  return { kind: 'immutable_tag', pattern, pushLevel: 0, deleteLevel: 0 };
}
