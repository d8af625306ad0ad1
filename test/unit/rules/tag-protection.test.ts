import { describe, expect, test } from 'vitest';
import { ProjectProtection } from '../../../src/rules/project-protection.ts';
import type { ProtectionRule } from '../../../src/rules/protection-rule.ts';
import { TagPatternError } from '../../../src/rules/tag-pattern.ts';
import { type TagChange, TagPatterns, TagProtection } from '../../../src/rules/tag-protection.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../support/protection-rules.ts';

const patterns = new TagPatterns();
const levelsOf = { developer: 30, maintainer: 40, owner: 50, admin: 60 } as const;
const rules = [
  tagRule('^v\\d+', 40, 50),
  tagRule('rc$', 50, 40),
  immutableTagRule('^keep'),
  immutableTagRule('^v9'),
  // Those for repositories are none of theirs, and no expressions.
  repositoryRule('*', 60, 60),
];
const protection = new TagProtection(rules, patterns);

/** What a role is kept from: create, overwrite, delete. */
type Row = readonly [string, keyof typeof levelsOf, string, string, string];
const none = '-';

test.each<Row>([
  ['dev', 'developer', none, none, none],
  ['v1', 'developer', 'protected 40', 'protected 40', 'protected 50'],
  ['v1', 'maintainer', none, none, 'protected 50'],
  ['v1', 'owner', none, none, none],
  ['v1', 'admin', none, none, none],
  // Two rules match: the stricter one counts, for each action.
  ['v1-rc', 'developer', 'protected 50', 'protected 50', 'protected 50'],
  ['v1-rc', 'maintainer', 'protected 50', 'protected 50', 'protected 50'],
  ['v1-rc', 'owner', none, none, none],
  ['keep', 'developer', none, 'immutable', 'immutable'],
  ['keep', 'admin', none, 'immutable', 'immutable'],
  ['keep-rc', 'developer', 'protected 50', 'protected 50', 'protected 40'],
  ['keep-rc', 'maintainer', 'protected 50', 'protected 50', 'immutable'],
  // Roles are asked for first.
  ['v9', 'developer', 'protected 40', 'protected 40', 'protected 50'],
  ['v9', 'owner', none, 'immutable', 'immutable'],
  ['not-keep', 'developer', none, none, none],
  ['xv1', 'developer', none, none, none],
])('%s, %s: create %s, overwrite %s, delete %s', (tag, role, ...expected) => {
  const changes: TagChange[] = ['create', 'overwrite', 'delete'];
  const found = changes.map((change) => {
    const fault = protection.findFault(tag, change, levelsOf[role]);
    return fault === undefined
      ? none
      : fault.guard === 'protected'
        ? `protected ${fault.level}`
        : fault.guard;
  });
  expect(found).toEqual(expected);
});

test('without rules nothing is guarded', () => {
  expect(new TagProtection(rules.slice(4), patterns).isEmpty).toBe(true);
  expect(new TagProtection([], patterns).isEmpty).toBe(true);
  expect(protection.isEmpty).toBe(false);
  expect(new TagProtection([], patterns).findFault('v1', 'delete', 0)).toBeUndefined();
});

test('a pattern is compiled once, and one that is none is an error', () => {
  expect(patterns.get('^v\\d+')).toBe(patterns.get('^v\\d+'));
  expect(() => patterns.get('(')).toThrow(TagPatternError);
});

test('of the patterns that were compiled, the thousand that were used last are remembered', () => {
  const remembered = new TagPatterns();
  const first = remembered.get('v0');
  for (let count = 1; count < 1000; count += 1) remembered.get(`v${count}`);
  expect(remembered.get('v0')).toBe(first);
  for (let count = 1000; count < 2000; count += 1) remembered.get(`v${count}`);
  expect(remembered.get('v0')).not.toBe(first);
});

describe('a whole repository', () => {
  const withoutImmutable = new TagProtection(rules.slice(0, 2), patterns);

  test.each([
    ['developer', ['dev'], 'protected'],
    ['maintainer', ['dev'], 'protected'],
    ['owner', ['dev', 'v1'], undefined],
    ['developer', [], undefined],
  ] as const)('%s: the delete level of each rule counts, whatever its tags are: %j', (role, tags, guard) => {
    expect(withoutImmutable.findRepositoryFault(tags, levelsOf[role])?.guard).toBe(guard);
  });

  test('with a tag that is immutable stays, whoever comes', () => {
    expect(protection.findRepositoryFault(['dev', 'keep'], levelsOf.admin)?.guard).toBe('immutable');
    expect(protection.findRepositoryFault(['dev', 'v1'], levelsOf.admin)).toBeUndefined();
  });
});

describe('all rules of a project', () => {
  const rulesOfTags = rules.slice(0, 4);
  const ofLevel = (level: number, tagRules: readonly ProtectionRule[] = []) =>
    new ProjectProtection({
      projectPath: 'acme/shop',
      rules: [repositoryRule('/release*', 40, 50), ...tagRules],
      patterns,
      level,
    });

  test('a repository that is protected keeps all of its tags', () => {
    expect(ofLevel(40).findTagGuard('acme/shop/release', 'dev')).toBe('protected');
    expect(ofLevel(40).findTagGuard('acme/shop/dev', 'dev')).toBeUndefined();
    expect(ofLevel(50).findTagGuard('acme/shop/release', 'dev')).toBeUndefined();
    expect(ofLevel(40).findDeletionFault('acme/shop/release', [])?.guard).toBe('protected');
    expect(ofLevel(50).findDeletionFault('acme/shop/release', [])).toBeUndefined();
  });

  test.each([
    [30, 'create', 40],
    [30, 'overwrite', 40],
    [30, 'delete', 50],
    [40, 'create', undefined],
    [40, 'overwrite', undefined],
    [40, 'delete', 50],
    [50, 'delete', undefined],
  ] as const)('a tag of it has its levels: %i may %s: %s', (level, change, required) => {
    const fault = ofLevel(level).findTagFault('acme/shop/release', 'dev', change);
    expect(fault).toEqual(required && { guard: 'protected', level: required });
  });

  test.each([
    ['none', [], true, false],
    ['of repositories', [repositoryRule('*', 0, 50)], false, false],
    ['of tags', [tagRule('^v', 50, 50)], false, true],
    ['of immutable tags', [immutableTagRule('^v')], false, true],
  ])('tell whether there are any, and any of tags: %s', (_, of, isEmpty, hasTagRules) => {
    const protection = new ProjectProtection({ projectPath: 'acme/shop', rules: of, patterns, level: 0 });
    expect(protection).toMatchObject({ isEmpty, hasTagRules });
  });

  test('and so do rules for tags, from a cleanup each of them', () => {
    expect(ofLevel(0, rulesOfTags).findTagGuard('acme/shop', 'v1')).toBe('protected');
    expect(ofLevel(0, rulesOfTags).findTagGuard('acme/shop', 'keep')).toBe('immutable');
    expect(ofLevel(0, rulesOfTags).findTagGuard('acme/shop', 'dev')).toBeUndefined();
    expect(ofLevel(60, rulesOfTags).findTagGuard('acme/shop', 'v1')).toBeUndefined();
    expect(ofLevel(40, rulesOfTags).findDeletionFault('acme/shop', ['dev'])?.guard).toBe('protected');
    expect(ofLevel(60, rulesOfTags).findDeletionFault('acme/shop', ['dev', 'keep'])?.guard).toBe('immutable');
  });
});
