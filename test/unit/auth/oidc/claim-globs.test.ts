import { describe, expect, test } from 'vitest';
import { ClaimGlobs, hasFixedStart } from '../../../../src/auth/oidc/claim-globs.ts';

const globs = new ClaimGlobs();

describe('a pattern', () => {
  test.each([
    ['acme/shop', 'acme/shop'],
    ['acme/*', 'acme/shop'],
    ['acme/**', 'acme/tools/lint'],
    ['acme/**/lint', 'acme/tools/go/lint'],
    ['refs/tags/v*', 'refs/tags/v1.2.3'],
    ['v?.?', 'v1.2'],
    ['repo:acme/shop:*', 'repo:acme/shop:environment:production'],
    ['repo:acme/shop:**', 'repo:acme/shop:ref:refs/heads/main'],
    ['*', ''],
    ['a**', 'a'],
    ['[a]{b}(c)+.', '[a]{b}(c)+.'],
    ['söße/?', 'söße/😀'],
  ])('%s matches %s', (glob, text) => {
    expect(globs.matches(text, glob)).toBe(true);
  });

  test.each([
    ['acme/shop', 'acme/shopping'],
    ['acme/shop', 'ACME/shop'],
    ['acme/*', 'acme/tools/lint'],
    ['acme/*', 'acmeevil/shop'],
    ['acme*', 'acme/shop'],
    ['refs/heads/main', 'refs/heads/main\n'],
    ['a?c', 'a/c'],
    ['a.c', 'abc'],
    ['', 'a'],
    ['repo:acme/shop:*', 'repo:acme/shop:ref:refs/heads/main'],
  ])('%s does not match %s', (glob, text) => {
    expect(globs.matches(text, glob)).toBe(false);
  });

  test.each([
    ['*a**a'.repeat(50), false],
    [`**${'a'.repeat(252)}b`, false],
    [`${'*?'.repeat(127)}b`, false],
    ['**?'.repeat(85), true],
  ])('made to be slow is not: %s', (glob, isMatch) => {
    const before = process.threadCpuUsage();
    for (let more = 0; more < 5; more += 1) {
      expect(globs.matches(`${'a'.repeat(1000 + more)}/c`, glob)).toBe(isMatch);
    }
    expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500);
  });

  test('that is longer than any that is accepted matches nothing', () => {
    expect(globs.matches('a', `a${'*'.repeat(255)}`)).toBe(false);
  });

  test('says whose it is only where nothing before its first slash is open', () => {
    expect(['acme/*', '123', 'repo:acme/shop:**'].map(hasFixedStart)).toEqual([true, true, true]);
    expect(['*', '**', 'acme*', '*/shop', 'repo:*', '?cme/shop', '', '/shop'].map(hasFixedStart)).toEqual(
      Array.from({ length: 8 }, () => false),
    );
  });
});

describe('claims', () => {
  const kubernetes = {
    sub: 'system:serviceaccount:builds:kaniko',
    'kubernetes.io': {
      namespace: 'builds',
      serviceaccount: { name: 'kaniko', uid: '0f5a' },
      pod: { name: 'build-7' },
    },
  };

  test.each([
    ['inside others', { 'kubernetes.io.namespace': 'builds', 'kubernetes.io.serviceaccount.name': 'kan*' }],
    ['that are texts', { sub: 'system:serviceaccount:builds:*' }],
  ])('%s satisfy their patterns', (_what, patterns) => {
    expect(globs.satisfies(kubernetes, patterns)).toBe(true);
  });

  test.each([
    ['one of several is different', { 'kubernetes.io.namespace': 'builds', sub: 'someone' }],
    ['one is missing', { 'kubernetes.io.node.name': '*' }],
    ['one is no text', { 'kubernetes.io': '**' }],
    ['one is of every object', { constructor: '**', '__proto__.toString': '**' }],
  ])('do not where %s', (_what, patterns) => {
    expect(globs.satisfies(kubernetes, patterns)).toBe(false);
  });

  test('that are numbers, truths or lists are compared by what they say', () => {
    const claims = { project_id: 42, ref_protected: true, groups: ['staff', 'acme/admins'] };
    expect(globs.satisfies(claims, { project_id: '42', ref_protected: 'true', groups: 'acme/*' })).toBe(true);
    expect(globs.satisfies(claims, { project_id: '4' })).toBe(false);
    expect(globs.satisfies({ groups: [['staff']] }, { groups: 'staff' })).toBe(false);
  });

  test('with dots in their names are found by them', () => {
    const claims = { 'https://ci.example/team': 'shop', 'a.b': 'flat', a: { b: 'deep' } };
    expect(globs.satisfies(claims, { 'https://ci.example/team': 'shop', 'a.b': 'flat' })).toBe(true);
  });

  test('longer than anyone needs match nothing', () => {
    expect(globs.satisfies({ sub: 'a'.repeat(1025) }, { sub: '**' })).toBe(false);
  });
});
