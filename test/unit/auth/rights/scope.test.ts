import { describe, expect, test } from 'vitest';
import { formatScope, parseScopes } from '../../../../src/auth/rights/scope.ts';

describe('a scope is read as its type, name and actions', () => {
  test.each([
    ['repository:library/alpine:pull', { type: 'repository', name: 'library/alpine', actions: ['pull'] }],
    [
      'repository:a/b:delete,pull,push',
      { type: 'repository', name: 'a/b', actions: ['delete', 'pull', 'push'] },
    ],
    ['registry:catalog:*', { type: 'registry', name: 'catalog', actions: ['*'] }],
    ['repository:host:5000/image:pull', { type: 'repository', name: 'host:5000/image', actions: ['pull'] }],
    ['repository(plugin):a:pull', { type: 'repository(plugin)', name: 'a', actions: ['pull'] }],
  ])('%s', (text, scope) => {
    expect(parseScopes([text])).toEqual([scope]);
    expect(formatScope(scope)).toBe(text);
  });
});

test('several scopes come repeated, or in one text with spaces between', () => {
  const expected = [
    { type: 'repository', name: 'a', actions: ['pull', 'push'] },
    { type: 'repository', name: 'b', actions: ['pull'] },
  ];
  expect(parseScopes(['repository:a:pull,push', 'repository:b:pull'])).toEqual(expected);
  expect(parseScopes(['repository:a:pull,push repository:b:pull'])).toEqual(expected);
});

test('a repository that is named twice is one scope with the actions of both', () => {
  expect(parseScopes(['repository:a:pull', 'repository:a:push,pull'])).toEqual([
    { type: 'repository', name: 'a', actions: ['pull', 'push'] },
  ]);
});

test.each([
  '',
  'repository',
  'repository:a',
  'repository::pull',
  ':a:pull',
  'repository:a:',
  'repository:a:PULL',
  'Repository:a:pull',
  `repository:${'a'.repeat(2000)}:pull`,
])('what is no scope is left out: %s', (text) => {
  expect(parseScopes([text, 'repository:b:pull'])).toEqual([
    { type: 'repository', name: 'b', actions: ['pull'] },
  ]);
});

test('what was asked for last comes last, and as many are read as are sent', () => {
  const many = Array.from({ length: 1000 }, (_, index) => `repository:r${index}:pull`);
  expect(parseScopes([many.join(' ')])).toHaveLength(1000);
  expect(parseScopes([...many, 'repository:r0:push']).at(-1)).toEqual({
    type: 'repository',
    name: 'r0',
    actions: ['pull', 'push'],
  });
});
