import { expect, test } from 'vitest';
import { countSteps } from '../../../src/rules/pattern-steps.ts';
import { TagPattern } from '../../../src/rules/tag-pattern.ts';

test.each([
  ['abc', 3],
  ['[a-z]{3}', 3],
  ['a{2,10}', 10],
  ['a{5,}', 5],
  ['a{0}', 1],
  ['(ab){10}', 30],
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
