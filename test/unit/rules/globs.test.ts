import { threadCpuUsage } from 'node:process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GlobError } from '../../../src/rules/glob.ts';
import { Globs, maxGlobChoices } from '../../../src/rules/globs.ts';

function matches(glob: string, name: string): boolean {
  return Globs.parse([glob]).matches(name);
}

function recalled(otherwise: 'nothing' | 'beginning', ...texts: string[]) {
  const faults: string[] = [];
  const globs = Globs.recall(texts, otherwise, (_, error) => faults.push(error.message));
  return { globs, faults };
}

describe('a glob', () => {
  test.each([
    ['library/redis', 'library/redis', true],
    ['library/redis', 'library/redis2', false],
    ['library/*', 'library/redis', true],
    ['library/*', 'library/a/b', false],
    ['*', 'redis', true],
    ['*', 'library/redis', false],
    ['re*s', 'redis', true],
    ['re*s', 're/dis', false],
    ['**', 'anything/at/all', true],
    ['library/**', 'library/a/b', true],
    ['library/**', 'library', true],
    ['library/**', 'library2/a', false],
    ['**/redis', 'redis', true],
    ['**/redis', 'a/b/redis', true],
    ['**/redis', 'a/b/xredis', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'ab/z', false],
    ['acme**', 'acme/shop', true],
    ['redi?', 'redis', true],
    ['a?b', 'a/b', false],
    ['[a-c]x', 'bx', true],
    ['[a-c]x', 'dx', false],
    ['[!a-c]x', 'dx', true],
    ['[^a-c]x', 'bx', false],
    ['a[!b]c', 'a/c', false],
    ['v[.-]1', 'v.1', true],
    ['v[.-]1', 'v-1', true],
    ['v[.-]1', 'vx1', false],
    ['{alpine,redis}', 'redis', true],
    ['{alpine,redis}', 'alpine,redis', false],
    ['{a,b/{c,d*}}/**', 'b/dx/y', true],
    ['{a,b/{c,d*}}/**', 'b/e/y', false],
    ['a.b', 'axb', false],
    ['a+', 'aa', false],
    ['^a$', 'a', false],
    ['!a', 'b', false],
    ['a,b', 'a', false],
    ['a,b', 'a,b', true],
    ['', '', true],
    ['', 'a', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\*', '\\*', false],
    ['\\{a', '{a', true],
    ['[a!]x', '!x', true],
    ['[a!]x', 'bx', false],
    ['[!a]x', '!x', true],
    ['[a-c]x', 'tx', false],
    ['[b-b]x', 'bx', true],
    ['[]a]x', ']x', true],
    ['[!]a]x', 'bx', true],
    ['[!]a]x', ']x', false],
    // Three stars are two.
    ['a/***/z', 'a/z', true],
    ['a/***', 'a', true],
    ['***/z', 'z', true],
    // A folder's stars stand between slashes, or at an end.
    ['a/**z', 'az', false],
    ['a/**z', 'a/b/z', true],
    ['a**/z', 'az', false],
  ])('%s and %s: %s', (glob, name, expected) => {
    expect(matches(glob, name)).toBe(expected);
  });

  test.each([
    ['{a', 'brace'],
    ['a}', 'brace'],
    ['[a', 'bracket'],
    ['[b-a]', 'b-a'],
    ['a(b', "'('"],
    ['a)b', "')'"],
    ['a|b', "'|'"],
    ['a\\', 'escape'],
    ['a'.repeat(256), 'more than 255'],
    ['*a'.repeat(maxGlobChoices + 1), 'wildcards'],
  ])('is none, and it is said why: %s', (text, reason) => {
    expect(() => Globs.parse([text])).toThrow(GlobError);
    expect(() => Globs.parse([text])).toThrow(reason);
  });

  test('may have as many characters as a name', () => {
    expect(matches('a'.repeat(255), 'a'.repeat(255))).toBe(true);
  });

  test('is one of a list: without any, nothing matches', () => {
    expect(Globs.parse([]).matches('')).toBe(false);
  });

  test('is bounded together with the others of its list', () => {
    expect(() => Globs.parse(Array.from({ length: 50 }, () => 'a*/*'))).not.toThrow();
    expect(() => Globs.parse(Array.from({ length: 50 }, () => '*a*/*'))).toThrow(/wildcards/);
    expect(() => Globs.parse(Array.from({ length: 51 }, () => 'a'))).toThrow(/more than 50/);
  });
});

describe('of globs that were kept, one that cannot be read', () => {
  test('matches nothing where it allowed, and the others go on', () => {
    const { globs, faults } = recalled('nothing', 'team/{a', 'library/*', 'a'.repeat(300));
    expect(['team/a', 'library/redis', 'a'.repeat(300)].map((name) => globs.matches(name))).toEqual([
      false,
      true,
      false,
    ]);
    expect(faults).toHaveLength(2);
    expect(recalled('nothing', '{a').globs.matches('')).toBe(false);
  });

  test('matches all that begins as it does where it denied', () => {
    const { globs } = recalled('beginning', 'secret.x/!(public)', `${'b'.repeat(250)}/**/cccccc`);
    expect(globs.matches('secret.x/key')).toBe(true);
    expect(globs.matches('secret.x/public')).toBe(true);
    expect(globs.matches('secretyx/key')).toBe(false);
    expect(globs.matches(`${'b'.repeat(250)}/cc`)).toBe(true);
    expect(recalled('beginning', 'a/b/(c').globs.matches('a/b/c')).toBe(true);
    expect(recalled('beginning', 'b'.repeat(300)).globs.matches('b'.repeat(256))).toBe(true);
    expect(recalled('beginning', '!(a)').globs.matches('anything/at/all')).toBe(true);
  });
});

/** What makes a backtracking engine run for ever, and what makes a set of states large. */
const hostilePart = fc.constantFrom(
  '*',
  '**',
  '?',
  'a',
  'b',
  '/',
  '*a',
  '**a',
  '{a,aa}',
  '{*a,*b}',
  '[a-z]',
  '[!b]',
  '{',
  '}',
  '(',
  '\\',
);
const hostileGlob = fc.array(hostilePart, { minLength: 1, maxLength: 120 }).map((parts) => parts.join(''));
const hostileName = fc.oneof(
  fc.constantFrom('a'.repeat(255), 'ab'.repeat(127), 'a/'.repeat(127), `${'a'.repeat(254)}c`),
  fc.array(fc.constantFrom('a', 'b', '/'), { minLength: 250, maxLength: 255 }).map((parts) => parts.join('')),
);

test('no list of globs takes more than some milliseconds for a name', () => {
  const lists = fc.array(hostileGlob, { minLength: 1, maxLength: 50 });
  const runs = 150;
  let names = 0;
  const before = threadCpuUsage();
  fc.assert(
    fc.property(lists, fc.array(hostileName, { minLength: 1, maxLength: 4 }), (texts, hostile) => {
      for (const otherwise of ['nothing', 'beginning'] as const) {
        const { globs } = recalled(otherwise, ...texts);
        for (const name of hostile) globs.matches(name);
        names += hostile.length;
      }
    }),
    { numRuns: runs, seed: 7 },
  );
  const { user, system } = threadCpuUsage(before);
  // Compiling included. A backtracking engine would need longer than the universe has.
  expect((user + system) / 1000 / names).toBeLessThan(50);
});

test('a glob is decided as by trying every way', () => {
  const part = fc.constantFrom('*', '**', '?', 'a', 'b', '/');
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
      fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 7 }).map((parts) => parts.join('')),
      (glob, name) => {
        // Where a slash stands beside two stars it may be missing: another promise.
        fc.pre(!/\*\*|\*\*\//.test(glob.replaceAll(/(?<![*/])\*\*(?![*/])/g, '')));
        expect(matches(glob, name)).toBe(tried(glob, name));
      },
    ),
    { numRuns: 2000 },
  );
});

function tried(glob: string, name: string): boolean {
  if (glob === '') return name === '';
  const [first = ''] = glob;
  const isAcross = glob.startsWith('**');
  if (first === '*') {
    const rest = glob.slice(isAcross ? 2 : 1);
    if (tried(rest, name)) return true;
    return name !== '' && (isAcross || !name.startsWith('/')) && tried(glob, name.slice(1));
  }
  if (name === '' || (first === '?' ? name.startsWith('/') : !name.startsWith(first))) return false;
  return tried(glob.slice(1), name.slice(1));
}
