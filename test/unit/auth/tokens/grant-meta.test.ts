import { beforeEach, describe, expect, test } from 'vitest';
import {
  type AnonymousIdentity,
  anonymous,
  type Principal,
  type ScopeGrant,
  type UserIdentity,
} from '../../../../src/auth/rights/identity.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import { GrantMetas } from '../../../../src/auth/tokens/grant-meta.ts';
import { maxPlainBytes } from '../../../../src/auth/tokens/token-grants.ts';
import type { ProtectionRule } from '../../../../src/metadata/hosted/protection-rules.ts';
import type { Group } from '../../../../src/metadata/namespaces/groups.ts';
import type { Project } from '../../../../src/metadata/namespaces/projects.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../../support/protection-rules.ts';
import { dana, deployToken, job, trustedJob } from '../identities.ts';

const shop = 'acme/web/shop';
const project = { id: 9, fullPath: shop } as Project;
const root: UserIdentity = { ...dana, isAdmin: true };
const recorded = { id: 1, projectId: 9, createdAt: 0 };
const ruleOf = (pattern: string, levels?: { readonly push: number; readonly delete: number }) => ({
  ...recorded,
  ...(levels ? tagRule(pattern, levels.push, levels.delete) : immutableTagRule(pattern)),
});

let rules: readonly ProtectionRule[];
let level: number | undefined;
let looks: string[];
let group: Group | undefined;

const metas = new GrantMetas({
  groups: { findByPath: async (path) => (path === 'acme' ? group : undefined) },
  members: {
    levelAt: async (path, userId) => {
      expect([path, userId]).toEqual([shop, 7]);
      return level;
    },
  },
  projects: {
    findOwner: async (name) => {
      looks.push(name);
      return name.startsWith(shop) ? project : undefined;
    },
  },
  protectionRules: { list: async (projectId) => (projectId === 9 ? rules : []) },
});

beforeEach(() => {
  rules = [
    ruleOf('^v', { push: 40, delete: 50 }),
    ruleOf('^lts', { push: 50, delete: 50 }),
    ruleOf('^signed'),
    { ...recorded, ...repositoryRule('*', 60, 60) },
  ];
  level = 30;
  looks = [];
  group = { id: 3, fullPath: 'acme' } as Group;
});

async function deniedTo(who: Principal | AnonymousIdentity) {
  const [grant] = await metas.addTo(who, [repositoryScope(shop, ['push', 'delete'])]);
  return grant?.meta?.tag_deny_access_patterns;
}

test('a grant to push says whose the repository is, and which tags its bearer may not touch', async () => {
  const grant = repositoryScope(`${shop}/server`, ['pull', 'push']);
  expect(await metas.addTo(dana, [grant])).toEqual([
    {
      ...grant,
      meta: {
        project_path: shop,
        project_id: 9,
        root_namespace_id: 3,
        tag_deny_access_patterns: { push: ['^v', '^lts'] },
        tag_immutable_patterns: ['^signed'],
      },
    },
  ]);
});

test('a top-level group that is gone is not named', async () => {
  group = undefined;
  const [grant] = await metas.addTo(dana, [repositoryScope(shop, ['delete'])]);
  expect(grant?.meta).toEqual({
    project_path: shop,
    project_id: 9,
    tag_deny_access_patterns: { delete: ['^v', '^lts'] },
    tag_immutable_patterns: ['^signed'],
  });
});

test.each<ScopeGrant>([
  repositoryScope(shop, ['pull']),
  { type: 'registry', name: shop, actions: ['push'] },
  repositoryScope('nowhere/app', ['push']),
])('a grant that changes nothing, or nothing of a project, stays as it is: %j', async (grant) => {
  expect(await metas.addTo(dana, [grant])).toStrictEqual([grant]);
});

describe('the patterns of tags that are denied follow the role', () => {
  test.each<[number | undefined, object]>([
    [undefined, { push: ['^v', '^lts'], delete: ['^v', '^lts'] }],
    [30, { push: ['^v', '^lts'], delete: ['^v', '^lts'] }],
    [40, { push: ['^lts'], delete: ['^v', '^lts'] }],
    [50, { push: [], delete: [] }],
  ])('%s: %j', async (role, expected) => {
    level = role;
    expect(await deniedTo(dana)).toEqual(expected);
    expect(await deniedTo({ ...job, accessLevel: 50 })).toEqual(expected);
  });

  test('administrators are denied nothing, whatever a rule asks for', async () => {
    rules = [ruleOf('^v', { push: 60, delete: 70 })];
    expect(await deniedTo(root)).toEqual({ push: [], delete: [] });
    level = 50;
    expect(await deniedTo(dana)).toEqual({ push: ['^v'], delete: ['^v'] });
  });

  test('a job without a user has its own role, and who has no role none', async () => {
    expect(await deniedTo({ ...trustedJob, accessLevel: 40 })).toEqual({
      push: ['^lts'],
      delete: ['^v', '^lts'],
    });
    level = 50;
    for (const who of [deployToken, anonymous])
      expect(await deniedTo(who)).toEqual({ push: ['^v', '^lts'], delete: ['^v', '^lts'] });
  });
});

describe('where a token has little room', () => {
  const push = (name: string) => repositoryScope(`${shop}/${name}`, ['push']);
  const described = (grants: readonly ScopeGrant[]) => grants.map(({ meta }) => meta !== undefined);
  const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

  test('grants come before what is said of them, and as many are described as fit', async () => {
    const grants = Array.from({ length: 40 }, (_, index) => push(`app-${index}`));
    const metaBytes = bytesOf((await metas.addTo(dana, [push('app')]))[0]?.meta);
    const fitting = Math.floor((maxPlainBytes - bytesOf(grants)) / metaBytes);
    expect(fitting).toBeGreaterThan(1);
    const found = await metas.addTo(dana, grants);
    expect(found.map(({ name, actions }) => ({ name, actions }))).toEqual(
      grants.map(({ name, actions }) => ({ name, actions })),
    );
    expect(described(found)).toEqual(grants.map((_, index) => index < fitting));
  });

  test('one that does not fit leaves the room to those after it', async () => {
    rules = [ruleOf('x'.repeat(3 * maxPlainBytes), { push: 40, delete: 40 })];
    const others = [{ ...push('too-long') }, repositoryScope(shop, ['delete'])];
    expect(described(await metas.addTo(dana, others))).toEqual([false, false]);
    rules = [ruleOf('x'.repeat(3 * maxPlainBytes), { push: 40, delete: 30 })];
    expect(described(await metas.addTo(dana, others))).toEqual([false, true]);
  });

  test('where the grants alone are too long, nothing is looked for', async () => {
    const grants = [push('x'.repeat(maxPlainBytes)), push('app')];
    expect(await metas.addTo(dana, grants)).toEqual(grants);
    expect(looks).toEqual([]);
  });

  test('what fits to the last byte is said', async () => {
    const [grant] = await metas.addTo(dana, [push('')]);
    const left = maxPlainBytes - bytesOf([push('')]) - bytesOf(grant?.meta);
    expect(described(await metas.addTo(dana, [push('x'.repeat(left))]))).toEqual([true]);
    expect(described(await metas.addTo(dana, [push('x'.repeat(left + 1))]))).toEqual([false]);
  });
});
