import type { AcceptedFault } from '../accepted.ts';

export const acceptedInRules: readonly AcceptedFault[] = [
  {
    file: 'rules/duration.ts',
    line: 'const [, amount, unit] = shortPattern.exec(text) ?? [];',
    fault: '["Stryker was here"]',
    reason: 'without a match there is no amount, whatever stands first',
  },
  {
    file: 'rules/duration.ts',
    line: 'return amount === undefined || unitMs === undefined ? undefined : Number(amount) * unitMs;',
    fault: 'false',
    reason: 'the units that the pattern lets through are all known: for the compiler',
  },
  {
    file: 'rules/duration.ts',
    line: "for (const [, amount, unit = ''] of said.matchAll(partPattern)) {",
    fault: '"Stryker was here!"',
    reason: 'a part always has a unit: for the compiler',
  },
  {
    file: 'rules/glob.ts',
    line: "for (const [, from = '', to = from] of (isNegated ? inner.slice(1) : inner).matchAll(member)) {",
    fault: '"Stryker was here!"',
    reason: 'a member always has a first character: for the compiler',
  },
  {
    file: 'rules/globs.ts',
    line: 'if (!(error instanceof GlobError)) throw error;',
    fault: 'false',
    reason: 'the translation throws nothing else: what would be a bug must not pass for a fault of the glob',
  },
  {
    file: 'rules/re2.ts',
    line: 'if (cause instanceof RE2JSException) throw new Re2Error(cause.message, { cause });',
    fault: 'true',
    reason: 'the engine throws nothing else: what would be a bug must not pass for a fault of the text',
  },
  {
    file: 'rules/repository-protection.ts',
    line: "const [start = '', ...parts] = pattern.split('*');",
    fault: '"Stryker was here!"',
    reason: 'a text that is split has a first part: for the compiler',
  },
  {
    file: 'rules/repository-protection.ts',
    line: 'if (level > required && matchesWildcards(name, projectPath + rule.pattern)) required = level;',
    fault: 'level >= required',
    reason: 'a level that takes the place of an equal one changes nothing',
  },
  {
    file: 'rules/select-in-parts.ts',
    line: 'if (turn.isOver) await turn.next();',
    fault: 'true',
    reason: 'others are let in more often than they need: the same comes of it, later',
  },
  {
    file: 'rules/tag-pattern.ts',
    line: "if (countSteps(text) > maxProgramSize) throw new TagPatternError('repeats too much');",
    fault: 'false',
    reason: 'what is refused before it is compiled is refused after it, too, a second later',
  },
  {
    file: 'rules/tag-pattern.ts',
    line: "if (countSteps(text) > maxProgramSize) throw new TagPatternError('repeats too much');",
    fault: 'countSteps(text) >= maxProgramSize',
    reason: 'a program has two steps more than are counted: the next line refuses it',
  },
  {
    file: 'rules/tag-pattern.ts',
    line: 'if (error instanceof TagPatternError) return false;',
    fault: 'true',
    reason: 'parsing throws nothing else: what would be a bug must not pass for a fault of the text',
  },
  {
    file: 'rules/tag-pattern.ts',
    line: 'if (cause instanceof Re2Error) throw new TagPatternError(cause.message, { cause });',
    fault: 'true',
    reason: 'compiling throws nothing else: what would be a bug must not pass for a fault of the text',
  },
  {
    file: 'rules/tag-protection.ts',
    line: 'if (level > required && this.#patterns.get(rule.pattern).isFoundIn(tag)) required = level;',
    fault: 'level >= required',
    reason: 'a level that takes the place of an equal one changes nothing',
  },
  {
    file: 'rules/tag-selection.ts',
    line: 'const isYoung = olderThanMs !== undefined && tag.updatedAt >= now - olderThanMs;',
    fault: 'true',
    reason: 'nothing is as young as no number: for the compiler',
  },
  {
    file: 'rules/tag-selection.ts',
    line: 'return b.updatedAt - a.updatedAt || (a.name < b.name ? -1 : 1);',
    fault: 'a.name <= b.name',
    reason: 'no two tags of a repository have one name',
  },
];
