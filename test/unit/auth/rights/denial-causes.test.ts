import { beforeEach, describe, expect, test } from 'vitest';
import type { Action } from '../../../../src/auth/rights/access.ts';
import { type DenialCause, DenialCauses } from '../../../../src/auth/rights/denial-causes.ts';
import {
  anonymous,
  type DeployTokenIdentity,
  type Identity,
  type JobIdentity,
  type Principal,
  type UserIdentity,
} from '../../../../src/auth/rights/identity.ts';
import type { Group } from '../../../../src/metadata/namespaces/groups.ts';
import type { Project } from '../../../../src/metadata/namespaces/projects.ts';
import { bearerOf, deployToken, job, danaByPassword as member } from '../identities.ts';

const times = { createdAt: 0, updatedAt: 0, placedAt: 0 };

function groupOf(id: number, fullPath: string, visibility: Group['visibility'] = 'private'): Group {
  const common = {
    description: undefined,
    quotaBytes: undefined,
    userId: undefined,
    virtualRegistriesEnabled: true,
    ...times,
  };
  return { id, parentId: undefined, name: fullPath, path: fullPath, fullPath, visibility, ...common };
}

function projectOf(id: number, fullPath: string, fields: Partial<Project> = {}): Project {
  return {
    id,
    groupId: 3,
    name: fullPath,
    path: fullPath,
    fullPath,
    description: undefined,
    visibility: 'private',
    containerRegistryAccessLevel: 'enabled',
    quotaBytes: undefined,
    ...times,
    ...fields,
  };
}

const groups = [
  groupOf(3, 'acme'),
  groupOf(4, 'acme/web'),
  groupOf(5, 'open', 'public'),
  groupOf(6, 'inner', 'internal'),
  groupOf(7, 'far'),
];
const membersOnly = { containerRegistryAccessLevel: 'private' } as const;
const projects = [
  projectOf(9, 'acme/web/shop'),
  projectOf(10, 'acme/web/off', { containerRegistryAccessLevel: 'disabled' }),
  projectOf(11, 'open/site', { visibility: 'public', ...membersOnly }),
  projectOf(12, 'inner/tool', { visibility: 'internal', ...membersOnly }),
  projectOf(13, 'far/secret'),
  projectOf(14, 'open/docs', { visibility: 'public' }),
  projectOf(15, 'inner/lib', { visibility: 'internal' }),
];

/** By user and place; each holds below, too. */
let roles: Record<string, number>;
let foundPrincipal: Principal | undefined;
let lookups: number;

function roleOf(path: string, userId: number): number | undefined {
  const own = Object.entries(roles).filter(([key]) => {
    const [id, place] = key.split(' ');
    return Number(id) === userId && `${path}/`.startsWith(`${place}/`);
  });
  return own.length > 0 ? Math.max(...own.map(([, level]) => level)) : undefined;
}

/** No record is asked for by what is no number. */
function aNumber(userId: unknown): number {
  if (typeof userId === 'number') return userId;
  throw new TypeError('a role is asked for of nobody');
}

const registry = { id: 1, groupId: 3, name: 'default', description: undefined, anonymousPull: false };
const causes = new DenialCauses({
  projects: {
    findOwner: async (name) => {
      const around = [name, name.replace(/\/[^/]+$/, ''), name.replace(/\/[^/]+\/[^/]+$/, '')];
      return projects.find(({ fullPath }) => around.includes(fullPath));
    },
    findByPath: async (path) => {
      lookups += 1;
      return projects.find(({ fullPath }) => fullPath === path);
    },
  },
  groups: {
    find: async (id) => groups.find((group) => group.id === id),
    findByPath: async (path) => {
      lookups += 1;
      return groups.find(({ fullPath }) => fullPath === path);
    },
  },
  members: {
    levelAt: async (path, userId) => roleOf(path, aNumber(userId)),
    isBelow: async (path, userId) => path === 'acme' && userId === 7,
  },
  virtualRegistries: { find: async (id) => (id === 1 ? { ...registry, ...times } : undefined) },
  principals: { find: async () => foundPrincipal },
});

beforeEach(() => {
  roles = { '7 acme': 10 };
  foundPrincipal = undefined;
  lookups = 0;
});

const dana: UserIdentity = member;
const eve: UserIdentity = { ...dana, userId: 8, username: 'eve' };
const root: UserIdentity = { ...dana, userId: 1, username: 'root', isAdmin: true };
const reading: UserIdentity = { ...dana, scopes: ['read_api'] };
const ofWeb: DeployTokenIdentity = { ...deployToken, place: { kind: 'group', id: 4, fullPath: 'acme/web' } };
const ofAcme: DeployTokenIdentity = { ...deployToken, place: { kind: 'group', id: 3, fullPath: 'acme' } };
const machine: JobIdentity = { ...job, userId: undefined };

const alpine = 'virtual_registries/container/1/alpine';
const hidden: DenialCause = { kind: 'hidden' };
const tokenIsFor = (place: string): DenialCause => ({ kind: 'elsewhere', what: 'the deploy token', place });
const jobIsFor = (place: string): DenialCause => ({ kind: 'elsewhere', what: 'the job', place });
const lacksScope = (purpose: 'pull-virtual' | 'pull-hosted' | 'change-hosted'): DenialCause => ({
  kind: 'scope',
  purpose,
});

type Case = readonly [string, Identity, string, Action, DenialCause];

describe('whoever is nobody learns nothing', () => {
  const identities: readonly (readonly [string, Identity])[] = [
    ['without credentials', anonymous],
    ['with a token that was made for nobody', bearerOf(undefined)],
    ['with a token of somebody who is gone', bearerOf({ kind: 'user', userId: 7 })],
  ];

  test.each(identities)('%s', async (_who, identity) => {
    for (const name of ['acme/web/shop', 'open/site', 'open', alpine])
      expect(await causes.find(identity, name, 'pull')).toEqual(hidden);
  });
});

test('of the bearer of a registry token is asked what holds for whom it was made for', async () => {
  foundPrincipal = root;
  const bearer = bearerOf({ kind: 'user', userId: 1 });
  const expected = { kind: 'group', group: 'acme' };
  expect(await causes.find(bearer, 'acme', 'push')).toEqual(expected);
  expect(await causes.find(root, 'acme', 'push')).toEqual(expected);
});

test('what is no name at all is hidden from everyone', async () => {
  for (const name of ['Not A Name', '', '*', 'acme/../shop'])
    expect(await causes.find(root, name, 'pull')).toEqual(hidden);
});

describe('of a virtual registry', () => {
  const bot: UserIdentity = { ...dana, isProjectBot: true };
  const projectThree: DeployTokenIdentity = {
    ...deployToken,
    place: { kind: 'project', id: 3, fullPath: 'acme/three' },
  };
  const absent = 'virtual_registries/container/2/alpine';

  test.each<Case>([
    ['a member lacks the scope', dana, alpine, 'pull', lacksScope('pull-virtual')],
    ['an administrator lacks the scope', root, alpine, 'pull', lacksScope('pull-virtual')],
    ['of all below a path the same holds', dana, `${alpine}/*`, 'pull', lacksScope('pull-virtual')],
    ['who is no member does not learn that it is there', eve, alpine, 'pull', hidden],
    ['nor a job', job, alpine, 'pull', hidden],
    ['one that there is not is hidden from a member', dana, absent, 'pull', hidden],
    ['and from an administrator', root, absent, 'pull', hidden],
    ['a deploy token of its group lacks the scope', ofAcme, alpine, 'pull', lacksScope('pull-virtual')],
    ['a deploy token of another group is for that', ofWeb, alpine, 'pull', tokenIsFor('acme/web')],
    ['a deploy token of a project is for that', projectThree, alpine, 'pull', tokenIsFor('acme/three')],
    ['and learns no more of one that there is not', ofAcme, absent, 'pull', tokenIsFor('acme')],
    [
      'a project access token is for its project',
      bot,
      alpine,
      'pull',
      { kind: 'elsewhere', what: 'the project access token', place: 'its project' },
    ],
  ])('%s', async (_what, who, name, action, expected) => {
    expect(await causes.find(who, name, action)).toEqual(expected);
  });
});

describe('of a project', () => {
  const needs = (project: string, level: 20 | 30): DenialCause => ({ kind: 'role', project, level });
  const off: DenialCause = { kind: 'disabled', project: 'acme/web/off' };
  const shop = 'acme/web/shop';
  const noScopes: DeployTokenIdentity = { ...deployToken, scopes: [] };

  test.each<Case>([
    ['a member learns which role pulling needs', dana, shop, 'pull', needs(shop, 20)],
    ['and pushing', dana, `${shop}/server`, 'push', needs(shop, 30)],
    ['and deleting', dana, `${shop}/server/debug`, 'delete', needs(shop, 30)],
    ['and pulling all below a path', dana, `${shop}/*`, 'pull', needs(shop, 20)],
    ['without the scope and the role, the role counts', reading, shop, 'pull', needs(shop, 20)],
    ['who has no role does not learn that it is there', eve, shop, 'push', hidden],
    ['where it is public everyone learns the role', eve, 'open/site', 'pull', needs('open/site', 20)],
    ['where it is internal every user does', eve, 'inner/tool', 'push', needs('inner/tool', 30)],
    ['a disabled registry is said to be, to a member', dana, 'acme/web/off', 'pull', off],
    ['to an administrator', root, 'acme/web/off', 'push', off],
    ['to a deploy token of the group', ofWeb, 'acme/web/off', 'pull', off],
    ['to nobody else', eve, 'acme/web/off', 'pull', hidden],
    ['what nothing stands against any more has no cause to tell', eve, 'open/docs', 'pull', hidden],
    [
      'the token of a user who may lacks the scope',
      { ...root, scopes: [] },
      shop,
      'pull',
      lacksScope('pull-hosted'),
    ],
    [
      'to push, another one',
      { ...root, scopes: ['read_registry'] },
      shop,
      'push',
      lacksScope('change-hosted'),
    ],
    ['to delete, too', { ...root, scopes: ['read_registry'] }, shop, 'delete', lacksScope('change-hosted')],
    [
      'whoever signs in needs a scope',
      { ...eve, scopes: [] },
      'inner/lib',
      'pull',
      lacksScope('pull-hosted'),
    ],
    ['so does a deploy token', noScopes, shop, 'pull', lacksScope('pull-hosted')],
    [
      'to push, too',
      { ...deployToken, scopes: ['read_registry'] },
      shop,
      'push',
      lacksScope('change-hosted'),
    ],
    ['no deploy token deletes', deployToken, shop, 'delete', tokenIsFor(shop)],
    ['a deploy token is for its place', deployToken, 'open/site', 'pull', tokenIsFor(shop)],
    ['wherever the other project is', deployToken, 'far/secret', 'pull', tokenIsFor(shop)],
    ['though users see it', deployToken, 'inner/tool', 'pull', tokenIsFor(shop)],
    ['a job is for its project', machine, 'open/site', 'push', jobIsFor(shop)],
    ['wherever the other one is', machine, 'far/secret', 'pull', jobIsFor(shop)],
    ['though its user is a member there', job, 'acme/web/other', 'push', jobIsFor(shop)],
    ['in its own it needs the role', { ...machine, accessLevel: 20 }, shop, 'push', needs(shop, 30)],
    ['and its user does', job, shop, 'delete', needs(shop, 30)],
  ])('%s', async (_what, who, name, action, expected) => {
    expect(await causes.find(who, name, action)).toEqual(expected);
  });

  test('a member who may pull learns that the token lacks the scope', async () => {
    roles = { '7 acme': 20 };
    expect(await causes.find(reading, shop, 'pull')).toEqual(lacksScope('pull-hosted'));
    expect(await causes.find(reading, shop, 'push')).toEqual(needs(shop, 30));
    roles = { '7 acme': 30 };
    expect(await causes.find(reading, shop, 'push')).toEqual(lacksScope('change-hosted'));
  });
});

describe('where there is no project', () => {
  const tooDeep: DenialCause = { kind: 'too-deep', project: 'acme/web/shop' };
  const deep = 'acme/web/shop/a/b/c';
  const group = (path: string): DenialCause => ({ kind: 'group', group: path });
  const missing = (path: string, mayCreate: boolean): DenialCause => ({
    kind: 'no-project',
    group: path,
    mayCreate,
  });

  test.each<Case>([
    ['a name too far below one is said to be', dana, deep, 'push', tooDeep],
    ['to its deploy token', deployToken, deep, 'push', tooDeep],
    ['to its job', machine, deep, 'push', tooDeep],
    ['to those who may not see the project it is hidden', eve, deep, 'push', hidden],
    ['the path of a group is said to be one', dana, 'acme/web', 'push', group('acme/web')],
    ['and that all is below one', dana, 'acme/*', 'pull', group('acme')],
    ['of a public group everyone learns it', eve, 'open', 'push', group('open')],
    ['of an internal one every user', eve, 'inner', 'push', group('inner')],
    ['of a private one nobody else', eve, 'acme', 'push', hidden],
    ['its deploy token learns it', ofAcme, 'acme/web', 'push', group('acme/web')],
    ['a deploy token of a part of it does not', ofWeb, 'acme', 'push', tokenIsFor('acme/web')],
    ['nor one of a group whose name begins alike', ofWeb, 'acme/website', 'push', tokenIsFor('acme/web')],
    ['nor of an internal group', ofWeb, 'inner', 'push', tokenIsFor('acme/web')],
    ['in a group, a member may ask for one', dana, 'acme/web/new/app', 'push', missing('acme/web', false)],
    ['in a group, an administrator may create one', root, 'far/new', 'push', missing('far', true)],
    ['in a public group, everyone may ask', eve, 'open/new', 'push', missing('open', false)],
    ['in a private group, strangers learn nothing', eve, 'far/new', 'push', hidden],
    ['nor where there is no group', root, 'nowhere/new', 'push', hidden],
    ['a deploy token in its own group learns nothing', ofWeb, 'acme/web/new', 'push', hidden],
    ['and elsewhere what it is for', ofWeb, 'open/new', 'push', tokenIsFor('acme/web')],
    ['whatever there is', ofWeb, 'nowhere/new', 'push', tokenIsFor('acme/web')],
    ['so does a job', machine, 'open/new', 'push', jobIsFor('acme/web/shop')],
    ['with a user or without', job, 'acme/web/new', 'push', jobIsFor('acme/web/shop')],
  ])('%s', async (_what, who, name, action, expected) => {
    expect(await causes.find(who, name, action)).toEqual(expected);
  });

  test.each([
    [30, false],
    [40, true],
    [50, true],
  ])('role %s in the group may create one: %s', async (level, mayCreate) => {
    roles = { '7 acme': level };
    expect(await causes.find(dana, 'acme/web/new', 'push')).toEqual(missing('acme/web', mayCreate));
  });

  test('where nothing is known there are two looks for each segment', async () => {
    expect(await causes.find(dana, 'nowhere/new/app', 'push')).toEqual(hidden);
    expect(lookups).toBe(6);
  });

  test('a name of very many segments costs few looks', async () => {
    const name = `acme/web/new${'/a'.repeat(100)}`;
    expect(await causes.find(dana, name, 'push')).toEqual(missing('acme/web', false));
    expect(lookups).toBeLessThanOrEqual(40);
  });
});
