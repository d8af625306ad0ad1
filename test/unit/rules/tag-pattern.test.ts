import { describe, expect, test } from 'vitest';
import {
  isTagPattern,
  maxPatternLength,
  TagPattern,
  TagPatternError,
} from '../../../src/rules/tag-pattern.ts';

describe('a tag pattern', () => {
  test.each([
    ['v1', 'v1', true],
    ['v1', 'v10', false],
    ['v1', 'xv1', false],
    ['.*', 'anything', true],
    ['', 'v1', false],
    // GitLab's anchors would bind to one side each without a group.
    ['dev|test', 'dev-1', false],
    ['dev|test', 'my-test', false],
    ['dev|test', 'test', true],
    ['a|ab', 'ab', true],
    ['(?i)RC', 'rc', true],
    ['rc', 'RC', false],
    ['v\\d+\\.\\d+', 'v1.20', true],
    ['^v1$', 'v1', true],
  ])('%s matches the whole of a name: %s → %s', (pattern, name, expected) => {
    expect(TagPattern.parse(pattern).matches(name)).toBe(expected);
  });

  test.each(['(', '[', '*', 'a)(b', '(?=a)', '(?<=a)b', '(a)\\1', 'a{1001}', '(a{100}){100}'])(
    'is refused where RE2 has no such expression: %s',
    (text) => {
      expect(() => TagPattern.parse(text)).toThrow(TagPatternError);
      expect(isTagPattern(text)).toBe(false);
    },
  );

  test('is refused where it is long, or short and long once it is written out', () => {
    expect(isTagPattern('a'.repeat(maxPatternLength))).toBe(true);
    expect(isTagPattern('a'.repeat(maxPatternLength + 1))).toBe(false);
    expect(isTagPattern('[a-z]{0,1000}'.repeat(10))).toBe(false);
  });

  // A backtracking engine would need longer than the universe has for one of these names, and this test would not end.
  test.each([
    '(a+)+$',
    '(a|a)*b',
    '(a*)*b',
    '(.*)(.*)(.*)(.*)x',
    '(x+x+)+y',
    `${'a?'.repeat(100)}${'a'.repeat(100)}b`,
  ])('takes linear time for 10,000 names, however it is nested: %s', (text) => {
    const pattern = TagPattern.parse(text);
    const names = Array.from(
      { length: 10_000 },
      (_, index) => `${'ax'.charAt(index % 2).repeat(120)}${index}`,
    );
    expect(names.filter((name) => pattern.matches(name))).toEqual([]);
  });
});

test.each([
  ['v1', 'v1', true],
  ['v1', 'my-v10', true],
  ['^v1', 'v10', true],
  ['^v1', 'my-v1', false],
  ['^v1$', 'v10', false],
  ['a|^b', 'xa', true],
])('%s is found in %s: %s', (pattern, tag, expected) => {
  expect(TagPattern.parse(pattern).isFoundIn(tag)).toBe(expected);
});
