import { describe, expect, test } from 'vitest';
import {
  type Action,
  actions,
  carries,
  isAdministrator,
  mayGrant,
  mayList,
  mayPullVirtual,
  mayRead,
  mayUseHosted,
  mayWrite,
  wasRefused,
} from '../../../src/auth/access.ts';
import { anonymous, type TokenScope, tokenScopes, type UserIdentity } from '../../../src/auth/identity.ts';
import { repositoryScope } from '../../../src/auth/scope.ts';
import type { Visibility } from '../../../src/metadata/groups.ts';

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

describe('what may be done with a hosted repository', () => {
  const sufficient: Record<Action, readonly TokenScope[]> = {
    pull: ['api', 'read_registry', 'write_registry'],
    push: ['api', 'write_registry'],
    delete: ['api', 'write_registry'],
  };
  /** 0: whoever is signed in. */
  const least: Record<Action, Record<Visibility, number>> = {
    pull: { private: 20, internal: 0, public: 0 },
    push: { private: 30, internal: 30, public: 30 },
    delete: { private: 30, internal: 30, public: 30 },
  };

  describe.each(actions)('%s', (action) => {
    describe.each(['private', 'internal', 'public'] as const)('in a project that is %s', (visibility) => {
      test.each(levels)('with role %s, for each scope', (level) => {
        const enough = (level ?? 0) >= least[action][visibility];
        for (const scope of tokenScopes) {
          const may = mayUseHosted(user([scope]), action, visibility, level);
          expect([scope, may]).toEqual([scope, enough && sufficient[action].includes(scope)]);
        }
        expect(mayUseHosted(user('all'), action, visibility, level)).toBe(enough);
        expect(mayUseHosted(user([]), action, visibility, level)).toBe(false);
      });

      test.each(tokenScopes)('an administrator needs no role, but the scope: %s', (scope) => {
        const may = mayUseHosted(user([scope], true), action, visibility, undefined);
        expect(may).toBe(sufficient[action].includes(scope));
      });
    });
  });

  test.each(tokenScopes)('who may pull may list, each what they may pull: %s', (scope) => {
    expect(mayList(user([scope]))).toBe(sufficient.pull.includes(scope));
  });
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
  const bearer = { kind: 'registry-token', subject: 'root', userId: 1, access: [], refused: [] } as const;
  expect(isAdministrator(bearer, 'read')).toBe(false);
});

describe('a registry token is good for the named resource and action', () => {
  const token = {
    kind: 'registry-token',
    subject: 'dana',
    access: [
      { type: 'repository', name: 'a/b', actions: ['pull'] },
      { type: 'registry', name: 'catalog', actions: ['*'] },
    ],
    refused: [{ type: 'repository', name: 'a/b', actions: ['push', 'delete'] }],
  } as const;
  test.each([
    ['repository', 'a/b', 'pull', true],
    ['repository', 'a/b', 'push', false],
    ['repository', 'a/b/c', 'pull', false],
    ['repository', 'a', 'pull', false],
    ['repository', 'A/B', 'pull', false],
    ['repository', 'catalog', '*', false],
    ['registry', 'catalog', '*', true],
    ['registry', 'a/b', 'pull', false],
  ])('%s %s, %s: %s', (type, name, action, expected) => {
    expect(carries(token, { type, name, actions: [action] })).toBe(expected);
  });

  test('of several actions it must carry each', () => {
    expect(carries(token, repositoryScope('a/b', ['pull', 'push']))).toBe(false);
  });

  test.each([
    ['a/b', 'push', true],
    ['a/b', 'delete', true],
    ['a/b', 'pull', false],
    ['a/c', 'push', false],
  ])('it says what was refused: %s, %s: %s', (name, action, expected) => {
    expect(wasRefused(token, repositoryScope(name, [action]))).toBe(expected);
  });
});
