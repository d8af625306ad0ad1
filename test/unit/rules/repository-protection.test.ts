import { expect, test } from 'vitest';
import { matchesWildcards, requiredRepositoryLevel } from '../../../src/rules/repository-protection.ts';
import { repositoryRule, tagRule } from '../../support/protection-rules.ts';

test.each([
  ['acme/shop', 'acme/shop', true],
  ['acme/shop', 'acme/shop/web', false],
  ['acme/shop*', 'acme/shop', true],
  ['acme/shop*', 'acme/shop/web/debug', true],
  ['acme/shop/*', 'acme/shop', false],
  ['acme/shop/*', 'acme/shop/web/debug', true],
  ['acme/shop/release-*', 'acme/shop/release-', true],
  ['acme/shop/release-*', 'acme/shop/my-release-1', false],
  ['acme/shop/*release', 'acme/shop/my-release', true],
  ['acme/shop/*release', 'acme/shop/my-release-1', false],
  ['acme/shop/a*b*c', 'acme/shop/a-b-b-c', true],
  ['acme/shop/a*b*c', 'acme/shop/a-c-b', false],
  ['acme/shop/a*b*c', 'acme/shop/a-c', false],
  ['acme/shop/a*bc*c', 'acme/shop/abc', false],
  ['acme/shop/ab*ba', 'acme/shop/aba', false],
  ['acme/shop/**', 'acme/shop/web', true],
  ['acme/shop.x', 'acme/shopax', false],
])('%s matches %s: %s', (pattern, name, expected) => {
  expect(matchesWildcards(name, pattern)).toBe(expected);
});

test('a pattern of many stars takes no longer than a plain one', () => {
  const text = `${'a'.repeat(254)}b`;
  // Each star at each place would be more combinations than there are atoms.
  expect(matchesWildcards(text, `${'a*'.repeat(120)}c`)).toBe(false);
  expect(matchesWildcards(text, `${'*a'.repeat(120)}*b`)).toBe(true);
});

const rules = [
  repositoryRule('/release-*', 40),
  repositoryRule('*', 0, 40),
  repositoryRule('/release-1', 60, 50),
  repositoryRule('/release-1*', 50, 40),
  // Those for tags are none of theirs.
  tagRule('*', 60, 60),
];

test.each([
  ['acme/shop', 0, 40],
  ['acme/shop/dev', 0, 40],
  ['acme/shop/release-2', 40, 40],
  ['acme/shop/release-10', 50, 40],
  ['acme/shop/release-1', 60, 50],
])('the strictest rule of those that match counts: %s', (name, push, remove) => {
  expect(requiredRepositoryLevel(rules, 'acme/shop', name, 'push')).toBe(push);
  expect(requiredRepositoryLevel(rules, 'acme/shop', name, 'delete')).toBe(remove);
});
