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
  'repository(plugin:a:pull',
  'repository:a:9pull',
  'repository:a:pull9',
  `repository:${'a'.repeat(2000)}:pull`,
])('what is no scope is left out: %s', (text) => {
  expect(parseScopes([text, 'repository:b:pull'])).toEqual([
    { type: 'repository', name: 'b', actions: ['pull'] },
  ]);
});

test('a scope has up to 1024 characters', () => {
  const ofLength = (length: number) => `repository:${'a'.repeat(length - 'repository::pull'.length)}:pull`;
  expect(parseScopes([ofLength(1024)])).toHaveLength(1);
  expect(parseScopes([ofLength(1025)])).toEqual([]);
});

test('what was asked for last comes last, and as many are read as are sent', () => {
  const many = Array.from({ length: 1000 }, (_, index) => `repository:r${index}:pull`);
  expect(parseScopes([many.join('  ')])).toHaveLength(1000);
  expect(parseScopes([...many, 'repository:r0:push']).at(-1)).toEqual({
    type: 'repository',
    name: 'r0',
    actions: ['pull', 'push'],
  });
});
