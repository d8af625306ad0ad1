import { describe, expect, test } from 'vitest';
import {
  carries,
  isAdministrator,
  mayGrant,
  mayPullVirtual,
  mayRead,
  mayWrite,
} from '../../../src/auth/access.ts';
import { anonymous, type TokenScope, tokenScopes, type UserIdentity } from '../../../src/auth/identity.ts';

function user(scopes: UserIdentity['scopes'], isAdmin = false): UserIdentity {
  return { kind: 'user', userId: 7, username: 'dana', isAdmin, scopes };
}

const levels = [undefined, 5, 10, 15, 20, 30, 40, 50] as const;
const rules = {
  'pull through a virtual registry': {
    may: mayPullVirtual,
    scopes: ['api', 'read_virtual_registry'],
    least: 10,
  },
  "see a group's things": { may: mayRead, scopes: ['api', 'read_api'], least: 10 },
  "change a group's things": { may: mayWrite, scopes: ['api'], least: 40 },
} satisfies Record<string, { may: typeof mayRead; scopes: readonly TokenScope[]; least: number }>;

describe.each(Object.entries(rules))('who may %s', (_action, { may, scopes, least }) => {
  const sufficient: readonly TokenScope[] = scopes;

  describe.each(levels)('with role %s', (level) => {
    const enough = level !== undefined && level >= least;

    test.each(tokenScopes)('and a token for %s', (scope) => {
      expect(may(user([scope]), level)).toBe(enough && sufficient.includes(scope));
    });

    test('and a password', () => expect(may(user('all'), level)).toBe(enough));
    test('and a token for nothing', () => expect(may(user([]), level)).toBe(false));
    test('and a token for several things', () => expect(may(user(['read_user', 'api']), level)).toBe(enough));
  });

  test.each(tokenScopes)('an administrator needs no role, but the scope: %s', (scope) => {
    expect(may(user([scope], true), undefined)).toBe(sufficient.includes(scope));
  });
  test('an administrator with a password may', () => expect(may(user('all', true), undefined)).toBe(true));
});

describe('who may give, change or take away a role', () => {
  const granted = [10, 15, 20, 30, 40, 50];
  test.each([
    [undefined, []],
    [10, []],
    [30, []],
    [40, [10, 15, 20, 30, 40]],
    [50, granted],
  ])('role %s: %j', (level, allowed) => {
    expect(granted.filter((role) => mayGrant(user(['api']), level, role))).toEqual(allowed);
    expect(granted.filter((role) => mayGrant(user(['read_api']), level, role))).toEqual([]);
  });
  test('an administrator: any', () => {
    expect(granted.filter((role) => mayGrant(user(['api'], true), undefined, role))).toEqual(granted);
  });
});

test('only administrators with the scope administer', () => {
  expect(isAdministrator(user('all', true), 'write')).toBe(true);
  expect(isAdministrator(user(['api'], true), 'write')).toBe(true);
  expect(isAdministrator(user(['read_api'], true), 'write')).toBe(false);
  expect(isAdministrator(user(['read_api'], true), 'read')).toBe(true);
  expect(isAdministrator(user('all'), 'read')).toBe(false);
  expect(isAdministrator(anonymous, 'read')).toBe(false);
  const bearer = { kind: 'registry-token', subject: 'root', userId: 1, access: [] } as const;
  expect(isAdministrator(bearer, 'read')).toBe(false);
});

describe('a registry token is good for the named repository and action', () => {
  const token = {
    kind: 'registry-token',
    subject: 'dana',
    access: [
      { type: 'repository', name: 'a/b', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ],
  } as const;
  test.each([
    ['a/b', 'pull', true],
    ['a/b', 'push', false],
    ['a/b/c', 'pull', false],
    ['a', 'pull', false],
    ['A/B', 'pull', false],
    ['catalog', '*', false],
  ])('%s, %s: %s', (name, action, expected) => {
    expect(carries(token, name, action)).toBe(expected);
  });
});
