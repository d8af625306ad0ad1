import { describe, expect, test } from 'vitest';
import { writerOf } from '../../../../src/api/registry/writer.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import { mayList, mayPullGroup, mayPullVirtual, mayUseProject } from '../../../../src/auth/rights/access.ts';
import { isAccessLevel } from '../../../../src/auth/rights/access-levels.ts';
import {
  anonymous,
  type Identity,
  isTokenScope,
  nameOf,
  type Principal,
  principalRefOf,
  tokenScopes,
  userIdOf,
} from '../../../../src/auth/rights/identity.ts';
import { protectionLevelOf } from '../../../../src/auth/rights/project-roles.ts';
import {
  bearerOf,
  dana,
  danaByPassword,
  deployToken,
  identities,
  job,
  principals,
  trustedJob,
} from '../identities.ts';

const project = {
  id: 9,
  fullPath: 'acme/web/shop',
  visibility: 'private',
  containerRegistryAccessLevel: 'enabled',
} as const;
const registry = { group: { id: 3, fullPath: 'acme' }, anonymousPull: false };

function writerFor(identity: Identity) {
  return writerOf({ identity, address: '192.0.2.7' } as RequestState, 30);
}

test('every kind of identity has an answer everywhere, and none falls through', () => {
  for (const identity of identities) {
    expect([typeof nameOf(identity), 'undefined']).toContain(
      identity.kind === 'anonymous' ? 'undefined' : 'string',
    );
    expect(['number', 'undefined']).toContain(typeof userIdOf(identity));
    expect(writerFor(identity).key).toMatch(/^[a-z-]+(:.+)?$/);
  }
  for (const who of [...principals, anonymous]) {
    expect(typeof mayUseProject(who, 'pull', project, undefined)).toBe('boolean');
    expect(typeof mayPullVirtual(who, registry, false)).toBe('boolean');
    expect(typeof mayList(who)).toBe('boolean');
  }
});

test.each<[string, Identity, string | undefined, number | undefined]>([
  ['a user', dana, 'dana', 7],
  ['a deploy token', deployToken, 'gitlab+deploy-token-5', undefined],
  ['a job', job, 'build 4711', 7],
  ['a job without a user', trustedJob, 'build 4711', undefined],
  ['nobody', anonymous, undefined, undefined],
  ["a user's registry token", bearerOf({ kind: 'user', userId: 7, tokenId: 70 }), 'someone', 7],
  ['that of nobody', bearerOf(undefined), 'someone', undefined],
  ['that of a deploy token', bearerOf({ kind: 'deploy-token', tokenId: 7 }), 'someone', undefined],
  ['that of a job', bearerOf({ kind: 'job', jobTokenId: 7 }), 'someone', undefined],
])('%s has a name to show, and a user who is answerable: %s', (_who, identity, name, userId) => {
  expect(nameOf(identity)).toBe(name);
  expect(userIdOf(identity)).toBe(userId);
});

test('the scopes of tokens are known by their names, and roles by their numbers', () => {
  for (const scope of tokenScopes) expect(isTokenScope(scope)).toBe(true);
  for (const text of ['', 'API', 'ap', 'sudo']) expect(isTokenScope(text)).toBe(false);
  const known = Array.from({ length: 70 }, (_, level) => level).filter(isAccessLevel);
  expect(known).toEqual([10, 15, 20, 30, 40, 50]);
});

test('nobody and deploy tokens have no role that counts where tags and repositories are protected', () => {
  for (const who of [anonymous, deployToken]) expect(protectionLevelOf(who, project, 50)).toBe(0);
  expect(protectionLevelOf(dana, project, 50)).toBe(50);
  expect(protectionLevelOf(dana, project, undefined)).toBe(0);
});

test('a kind that is not known is an error, not a yes', () => {
  const martian = { kind: 'martian' } as unknown as Principal;
  expect(() => mayUseProject(martian, 'pull', project, 50)).toThrow('no known kind');
  expect(() => mayPullVirtual(martian, registry, true)).toThrow('no known kind');
  expect(() => mayList(martian)).toThrow('no known kind');
  expect(() => mayPullGroup(martian, registry.group, 50)).toThrow('no known kind');
  expect(() => protectionLevelOf(martian, project, 50)).toThrow('no known kind');
  expect(() => principalRefOf(martian)).toThrow('no known kind: {"kind":"martian"}');
  expect(() => nameOf(martian)).toThrow('no known kind');
  expect(() => userIdOf(martian)).toThrow('no known kind');
  expect(() => writerFor(martian)).toThrow('no known kind');
});

describe('a registry token remembers of whom it was made for', () => {
  test.each([
    [danaByPassword, { kind: 'user', userId: 7 }],
    [
      { ...danaByPassword, passwordMark: 'mark' },
      { kind: 'user', userId: 7, passwordMark: 'mark' },
    ],
    [dana, { kind: 'user', userId: 7, tokenId: 70 }],
    [deployToken, { kind: 'deploy-token', tokenId: 5 }],
    [job, { kind: 'job', jobTokenId: 11 }],
    [
      trustedJob,
      {
        kind: 'trust',
        trustId: 3,
        name: 'build 4711',
        projectId: 9,
        accessLevel: 30,
        expiresAt: job.expiresAt,
      },
    ],
  ])('$kind, what is needed to look again', (principal, ref) => {
    expect(principalRefOf(principal)).toStrictEqual(ref);
  });

  test('a job that came by nothing is not believed', () => {
    expect(() => principalRefOf({ ...trustedJob, trustId: undefined })).toThrow(
      'the job build 4711 came neither by a job token nor by a trust',
    );
  });
});

test('pushes belong to the same writer, whichever token goes on with them', () => {
  for (const principal of principals) {
    const bearer = {
      kind: 'registry-token',
      subject: nameOf(principal) ?? '',
      principal: principalRefOf(principal),
      access: [],
      refused: [],
    } as const;
    expect(writerFor(bearer)).toEqual(writerFor(principal));
  }
});
