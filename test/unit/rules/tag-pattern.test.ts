import { describe, expect, test } from 'vitest';
import {
  countSteps,
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

  test('that is refused is refused for what RE2 says of it', () => {
    expect(() => TagPattern.parse('(')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('('),
        cause: expect.objectContaining({ name: 'Re2Error', cause: expect.any(Error) }),
      }),
    );
  });

  test('is refused where it is long, or short and long once it is written out', () => {
    expect(isTagPattern('a'.repeat(maxPatternLength))).toBe(true);
    expect(isTagPattern('a'.repeat(maxPatternLength + 1))).toBe(false);
    expect(isTagPattern('[a-z]{0,1000}'.repeat(10))).toBe(false);
    // Two thousand steps of a program, of which the end takes two.
    expect(['a{1000}b{998}', 'a{1000}b{999}', 'a{0,999}', 'a{0,1000}'].map(isTagPattern)).toEqual([
      true,
      false,
      true,
      false,
    ]);
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

test.each([
  ['abc', 3],
  ['[a-z]{3}', 3],
  ['a{2,10}', 10],
  ['a{5,}', 5],
  ['a{0}', 1],
  ['(ab){10}', 30],
  ['xx(ab){10}', 32],
  ['\\Qab', 4],
  ['(?:a{10}){10}', 130],
  ['x{999}y{999}', 1998],
  ['(){999}', 999],
  // What is no group, and no repeat.
  ['(aa[(]aa){10}', 60],
  ['(aa[]()]aa){10}', 60],
  ['(aa\\(aa){10}', 60],
  ['(aa\\Q[(\\Eaa){10}', 110],
  ['(aa[[:alpha:])]aa){10}', 60],
  ['\\pL{7}\\p{Greek}{7}\\x{10ffff}{7}', 21],
  ['a)b(c', 4],
])('%s', (text, steps) => {
  expect(countSteps(text)).toBe(steps);
});

test.each([
  'a{999}'.repeat(170),
  '(?:x{0,999}|y{0,999})'.repeat(40),
  `(?:${'a'.repeat(1000)}){999}`,
  '(){999}'.repeat(140),
])('an expression that would be far longer written out is refused before: %s', (text) => {
  expect(countSteps(text)).toBeGreaterThan(50_000);
  expect(() => TagPattern.parse(text)).toThrow('repeats too much');
});

test.each([
  '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  'sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})',
  'v\\d{1,3}(?:\\.\\d{1,3}){2}(?:-(?:[a-z0-9]{1,20}\\.?){1,5})?',
])('%s is an expression as people write it', (text) => {
  expect(TagPattern.parse(text).text).toBe(text);
});
