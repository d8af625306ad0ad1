/** What tells the kinds of protection rules apart. */
import type { ProtectionRule } from '../../metadata/hosted/protection-rules.ts';
import { TagPattern, TagPatternError } from '../../rules/tag-pattern.ts';

export type RuleKind = ProtectionRule['kind'];

interface ParsedPattern {
  readonly recorded: string;
  /** What is wrong with it, in whole sentences. */
  readonly faults: readonly string[];
}

interface RuleKindFacts {
  /** What its pattern is called, for people. */
  readonly attribute: string;
  /** How many rules of all kinds with such patterns a project may have. */
  readonly maxPerProject: number;
  readonly auditedRule: string;
  readonly auditedPattern: string;
  /** own: for Owners; write: for Maintainers. */
  readonly need: 'write' | 'own';
  /** @param pattern as people write it. @param projectPath full path of the project */
  parse(pattern: string, projectPath: string): ParsedPattern;
}

const repositories = {
  attribute: 'Repository path pattern',
  maxPerProject: 100,
  auditedPattern: 'repositoryPathPattern',
  parse: parseRepositoryPattern,
};

const tags = {
  attribute: 'Tag name pattern',
  maxPerProject: 5,
  auditedPattern: 'tagNamePattern',
  parse: parseTagPattern,
};

export const ruleKinds: Record<RuleKind, RuleKindFacts> = {
  repository: { ...repositories, auditedRule: 'repository_protection_rule', need: 'write' },
  tag: { ...tags, auditedRule: 'tag_protection_rule', need: 'write' },
  immutable_tag: { ...tags, auditedRule: 'immutable_tag_rule', need: 'own' },
};

const maxRepositoryPatternLength = 255;
const repositoryPattern = /^[a-z0-9._/*-]*$/;
const maxTagPatternLength = 100;

function parseRepositoryPattern(pattern: string, projectPath: string): ParsedPattern {
  const path = pattern.toLowerCase();
  const faults: string[] = [];
  if (path.length > maxRepositoryPatternLength)
    faults.push(`is too long (maximum is ${maxRepositoryPatternLength} characters)`);
  if (!path.startsWith(projectPath)) faults.push("should start with the project's full path");
  if (!repositoryPattern.test(path))
    faults.push('should be a valid container repository path with optional wildcard characters.');
  return {
    recorded: path.slice(projectPath.length),
    faults: faults.map((fault) => `${repositories.attribute} ${fault}`),
  };
}

function parseTagPattern(pattern: string): ParsedPattern {
  const fault = findTagPatternFault(pattern);
  return { recorded: pattern, faults: fault === undefined ? [] : [`${tags.attribute} ${fault}`] };
}

function findTagPatternFault(pattern: string): string | undefined {
  if (pattern.length > maxTagPatternLength)
    return `is too long (maximum is ${maxTagPatternLength} characters)`;
  try {
    TagPattern.parse(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof TagPatternError)) throw error;
    return `not valid RE2 syntax: ${error.message}`;
  }
}
