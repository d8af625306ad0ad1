import { beforeEach, describe, expect, test } from 'vitest';
import { type Action, actions } from '../../../../src/auth/rights/access.ts';
import {
  anonymous,
  type Identity,
  type Principal,
  type PrincipalRef,
  type UserIdentity,
} from '../../../../src/auth/rights/identity.ts';
import { RecordedRepositoryRights } from '../../../../src/auth/rights/repository-rights.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import type { ProtectionRule } from '../../../../src/metadata/hosted/protection-rules.ts';
import type { Group } from '../../../../src/metadata/namespaces/groups.ts';
import type { Project } from '../../../../src/metadata/namespaces/projects.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../../support/protection-rules.ts';
import { bearerOf, deployToken, job, dana as member } from '../identities.ts';

const start = Date.UTC(2026, 2, 4);
const alpine = 'virtual_registries/container/1/library/alpine';
const shop = 'acme/web/shop';
const dana: UserIdentity = { ...member, scopes: ['api'] };
const eve: UserIdentity = { ...dana, userId: 8, username: 'eve' };
const root: UserIdentity = { ...dana, userId: 1, username: 'root', isAdmin: true };
const ref: PrincipalRef = { kind: 'user', userId: 7, tokenId: 70 };
const timestamps = { createdAt: start, updatedAt: start };
const placed = { ...timestamps, placedAt: start };

let now = start;
const revision = { current: 0 };
let reads = 0;
let asked: string[];
/** Of user 7, anywhere in acme. */
let isMember: boolean;
/** Of user 7, at the project. */
let level: number | undefined;
let project: Project | undefined;
let anonymousPull: boolean;
/** Whom registry tokens are found to stand for now, and how old the answer is. */
let principal: Principal | undefined;
let believedUntil: number;
let lookups: number;
let rules: readonly ProtectionRule[];
let ruleReads: number;

function projectOf(fields: Partial<Project>): Project {
  return {
    id: 9,
    groupId: 4,
    name: 'Shop',
    path: 'shop',
    fullPath: shop,
    description: undefined,
    visibility: 'private',
    containerRegistryAccessLevel: 'enabled',
    quotaBytes: undefined,
    ...placed,
    ...fields,
  };
}

function groupOf(id: number): Group {
  return {
    id,
    parentId: undefined,
    name: 'Acme',
    path: 'acme',
    fullPath: 'acme',
    description: undefined,
    visibility: 'private',
    quotaBytes: undefined,
    userId: undefined,
    virtualRegistriesEnabled: true,
    ...placed,
  };
}

function rightsWith({ isLoginRequired }: { isLoginRequired: boolean }): RecordedRepositoryRights {
  return new RecordedRepositoryRights({
    virtualRegistries: {
      find: async (id) => {
        reads += 1;
        const registry = { id, groupId: 3, name: 'default', description: undefined, ...timestamps };
        return id === 1 ? { ...registry, anonymousPull } : undefined;
      },
    },
    groups: {
      find: async (id) => groupOf(id),
      findByPath: async (path) => (path === 'acme' ? groupOf(3) : undefined),
    },
    members: {
      isBelow: async (path, userId) => isMember && path === 'acme' && aNumber(userId) === 7,
      levelAt: async (path, userId) => {
        aNumber(userId);
        asked.push(`${userId} at ${path}`);
        return userId === 7 ? level : undefined;
      },
    },
    projects: {
      findOwner: async (name) => {
        reads += 1;
        return name === shop || name.startsWith(`${shop}/`) ? project : undefined;
      },
    },
    protectionRules: {
      list: async (projectId) => {
        ruleReads += 1;
        return projectId === 9 ? rules : [];
      },
    },
    principals: {
      believe: async () => {
        lookups += 1;
        return { value: principal, until: believedUntil };
      },
    },
    isLoginRequired,
    revision,
    now: () => now,
  });
}

/** No record is asked for by what is no number. */
function aNumber(userId: unknown): number {
  if (typeof userId === 'number') return userId;
  throw new TypeError('a role is asked for of nobody');
}

let rights: RecordedRepositoryRights;

beforeEach(() => {
  now = start;
  reads = 0;
  lookups = 0;
  rules = [];
  ruleReads = 0;
  asked = [];
  isMember = true;
  level = 30;
  project = projectOf({});
  anonymousPull = false;
  principal = dana;
  believedUntil = start + 1000;
  rights = rightsWith({ isLoginRequired: true });
});

async function allowed(identity: Identity, name: string): Promise<Action[]> {
  const answers = await Promise.all(actions.map((action) => rights.may(identity, name, action)));
  return actions.filter((_action, index) => answers[index]);
}

describe('virtual registries', () => {
  test('are pulled through by members of what is in the top-level group, and by administrators', async () => {
    expect(await allowed(dana, alpine)).toEqual(['pull']);
    expect(await allowed(root, alpine)).toEqual(['pull']);
    expect(await allowed(eve, alpine)).toEqual([]);
    expect(await allowed(anonymous, alpine)).toEqual([]);
  });

  test('by everyone where that is allowed', async () => {
    anonymousPull = true;
    for (const who of [anonymous, eve, deployToken, bearerOf(undefined, [repositoryScope(alpine, ['pull'])])])
      expect(await allowed(who, alpine)).toEqual(['pull']);
  });

  test('by jobs of the group, and by group deploy tokens with the scope', async () => {
    isMember = false;
    expect(await allowed(job, alpine)).toEqual(['pull']);
    const place = { kind: 'group', id: 3, fullPath: 'acme' } as const;
    expect(await allowed({ ...deployToken, place, scopes: ['read_virtual_registry'] }, alpine)).toEqual([
      'pull',
    ]);
    expect(await allowed({ ...deployToken, place }, alpine)).toEqual([]);
  });

  test('a token for something else does not help a member', async () => {
    expect(await allowed({ ...dana, scopes: ['read_api', 'read_registry'] }, alpine)).toEqual([]);
    expect(await allowed({ ...root, scopes: [] }, alpine)).toEqual([]);
  });

  test.each([
    'virtual_registries/container/2/library/alpine',
    'virtual_registries/container/1',
    'virtual_registries/container/01/library/alpine',
    'library/alpine',
    'Not A Name',
    '',
  ])('nobody may use what there is not: %s', async (name) => {
    expect(await allowed(root, name)).toEqual([]);
  });

  test('the records are asked once a second, and a member who was removed cannot pull after it', async () => {
    await Promise.all([rights.may(dana, alpine, 'pull'), rights.may(dana, alpine, 'pull')]);
    expect(await rights.may(dana, 'virtual_registries/container/1/other', 'pull')).toBe(true);
    expect(reads).toBe(1);
    isMember = false;
    now += 1001;
    expect(await rights.may(dana, alpine, 'pull')).toBe(false);
    expect(reads).toBe(2);
  });
});

describe('hosted repositories', () => {
  test('roles are those at the project, for all repositories in it', async () => {
    for (const name of [shop, `${shop}/server`, `${shop}/server/debug`])
      expect(await allowed(dana, name)).toEqual(['pull', 'push', 'delete']);
    expect(new Set(asked)).toEqual(new Set(['7 at acme/web/shop']));
  });

  test.each<[Partial<Project>, number | undefined, readonly Action[]]>([
    [{ visibility: 'private' }, 10, []],
    [{ visibility: 'private' }, 20, ['pull']],
    [{ visibility: 'private' }, 30, ['pull', 'push', 'delete']],
    [{ visibility: 'internal' }, undefined, ['pull']],
    [{ visibility: 'public', containerRegistryAccessLevel: 'private' }, 10, []],
    [{ visibility: 'public', containerRegistryAccessLevel: 'private' }, 20, ['pull']],
    [{ visibility: 'public', containerRegistryAccessLevel: 'disabled' }, 50, []],
  ])('%j, role %s: %j', async (fields, role, expected) => {
    project = projectOf(fields);
    level = role;
    expect(await allowed(dana, shop)).toEqual(expected);
  });

  test('what is public is pulled by everyone, and nothing else by nobody', async () => {
    expect(await allowed(anonymous, shop)).toEqual([]);
    project = projectOf({ visibility: 'public' });
    now += 1001;
    expect(await allowed(anonymous, shop)).toEqual(['pull']);
    project = projectOf({ visibility: 'internal' });
    now += 1001;
    expect(await allowed(anonymous, shop)).toEqual([]);
  });

  test('deploy tokens and jobs use their own place', async () => {
    expect(await allowed(deployToken, shop)).toEqual(['pull', 'push']);
    expect(await allowed(job, shop)).toEqual(['pull', 'push', 'delete']);
    level = 20; // of the job's user
    now += 1001;
    expect(await allowed(job, shop)).toEqual(['pull']);
  });

  test('what is known is believed for a second, be it yes or no', async () => {
    expect(await rights.may(dana, shop, 'push')).toBe(true);
    level = undefined;
    now += 999;
    expect(await rights.may(dana, shop, 'push')).toBe(true);
    now += 2;
    expect(await rights.may(dana, shop, 'push')).toBe(false);
    level = 30;
    now += 999;
    expect(await rights.may(dana, shop, 'push')).toBe(false);
    now += 2;
    expect(await rights.may(dana, shop, 'push')).toBe(true);
    expect(reads).toBe(3);
  });

  test('a project can be pushed to as soon as it was created', async () => {
    const created = project;
    project = undefined;
    expect(await rights.may(dana, shop, 'push')).toBe(false);
    project = created;
    expect(await rights.may(dana, shop, 'push')).toBe(true);
  });
});

describe('a registry token', () => {
  const access = [repositoryScope(alpine, ['pull', 'push']), repositoryScope(shop, ['pull', 'push'])];
  const token = bearerOf(ref, access);

  test('may do what it carries and its owner may, and nothing else', async () => {
    expect(await allowed(token, shop)).toEqual(['pull', 'push']);
    expect(await allowed(token, `${shop}/server`)).toEqual([]);
    expect(await allowed(token, 'virtual_registries/container/1/library/redis')).toEqual([]);
    level = 20;
    now += 1001;
    expect(await allowed(token, shop)).toEqual(['pull']);
  });

  test('is refused without a look what it does not carry', () => {
    expect(rights.may(token, `${shop}/server`, 'pull')).toBe(false);
    expect(rights.may(token, shop, 'delete')).toBe(false);
    expect([reads, lookups]).toEqual([0, 0]);
  });

  test('of whoever is gone pulls nothing, not even what is public', async () => {
    project = projectOf({ visibility: 'public' });
    anonymousPull = true;
    principal = undefined;
    expect(await allowed(token, shop)).toEqual([]);
    expect(await allowed(token, alpine)).toEqual([]);
  });

  test('never changes a virtual registry, whatever it carries', async () => {
    expect(await allowed(token, alpine)).toEqual(['pull']);
  });

  test('that pulls again within the second asks nobody and waits for nothing', async () => {
    expect(await rights.may(token, alpine, 'pull')).toBe(true);
    expect([reads, lookups]).toEqual([1, 1]);
    for (let time = 0; time < 10; time += 1) expect(rights.may(token, alpine, 'pull')).toBe(true);
    expect([reads, lookups]).toEqual([1, 1]);
  });

  test('is known to allow what it was let do within the second, and nothing else', async () => {
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(false);
    await rights.may(token, shop, 'pull');
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(true);
    for (const action of ['push', 'delete'] as const)
      expect(rights.isKnownToAllow(token, shop, action)).toBe(false);
    for (const name of [alpine, `${shop}/server`])
      expect(rights.isKnownToAllow(token, name, 'pull')).toBe(false);
    expect(rights.isKnownToAllow(bearerOf(ref, access), shop, 'pull')).toBe(false);
    now = start + 999;
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(true);
    now = start + 1000;
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(false);
  });

  test('is not known to allow what was refused, nor anything once the records change here', async () => {
    level = undefined;
    await rights.may(token, shop, 'pull');
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(false);
    await rights.may(token, alpine, 'pull');
    expect(rights.isKnownToAllow(token, alpine, 'pull')).toBe(true);
    revision.current += 1;
    expect(rights.isKnownToAllow(token, alpine, 'pull')).toBe(false);
  });

  test('is good no longer than a second after anything was last looked at', async () => {
    now += 900;
    believedUntil = start + 1000; // the owner was looked at 900 ms ago
    expect(await rights.may(token, alpine, 'pull')).toBe(true);
    principal = undefined;
    now = start + 999;
    expect(await rights.may(token, alpine, 'pull')).toBe(true);
    now = start + 1000;
    expect(await rights.may(token, alpine, 'pull')).toBe(false);
  });

  test.each([
    ['its owner is gone', () => (principal = undefined)],
    ['its owner is a member no more', () => (isMember = false)],
    ['the scope was taken from the owner', () => (principal = { ...dana, scopes: ['read_registry'] })],
  ])('is refused within a second after %s', async (_what, change) => {
    expect(await rights.may(token, alpine, 'pull')).toBe(true);
    change();
    now += 1000;
    expect(await rights.may(token, alpine, 'pull')).toBe(false);
  });

  test.each<Partial<Project>>([
    { visibility: 'private' },
    { visibility: 'internal' },
    { visibility: 'public', containerRegistryAccessLevel: 'private' },
    { visibility: 'public', containerRegistryAccessLevel: 'disabled' },
  ])('of nobody pulls what is public, until it is %j', async (fields) => {
    const nobody = bearerOf(undefined, access);
    project = projectOf({ visibility: 'public' });
    expect(await allowed(nobody, shop)).toEqual(['pull']);
    project = projectOf(fields);
    now += 1000;
    expect(await allowed(nobody, shop)).toEqual([]);
    expect(lookups).toBe(0);
  });

  test('is good for repositories alone, whatever else it carries of that name', async () => {
    const ofPlugins = bearerOf(ref, [
      { ...repositoryScope(shop, ['pull', 'push']), type: 'repository(plugin)' },
    ]);
    expect(await allowed(ofPlugins, shop)).toEqual([]);
    expect(await rights.judge(ofPlugins, shop, 'pull')).toBe('refused');
  });

  test('that may pull is not thereby let push, nor into another repository', async () => {
    level = 20;
    const both = bearerOf(ref, [
      repositoryScope(alpine, ['pull']),
      ...access,
      repositoryScope(`${shop}/a`, ['push']),
    ]);
    for (let time = 0; time < 2; time += 1) {
      expect(await rights.may(both, shop, 'pull')).toBe(true);
      expect(await rights.may(both, shop, 'push')).toBe(false);
      expect(await rights.may(both, shop, 'delete')).toBe(false);
      expect(await rights.may(both, `${shop}/a`, 'push')).toBe(false);
      expect(await rights.may(both, `${shop}/a`, 'pull')).toBe(false);
    }
  });

  test('that is another one with the same grants is looked at for itself', async () => {
    expect(await rights.may(token, shop, 'pull')).toBe(true);
    principal = eve;
    expect(await rights.may(bearerOf({ kind: 'user', userId: 8 }, access), shop, 'pull')).toBe(false);
  });

  test('loses at once what is taken away where this process took it', async () => {
    expect(await rights.may(token, shop, 'pull')).toBe(true);
    principal = undefined;
    expect(await rights.may(token, shop, 'pull')).toBe(true);
    revision.current += 1;
    expect(await rights.may(token, shop, 'pull')).toBe(false);
  });

  test('is remembered for nobody where the records change while they are asked', async () => {
    const asking = rights.may(token, shop, 'pull');
    revision.current += 1;
    principal = undefined;
    expect(await rights.may(token, shop, 'push')).toBe(false);
    expect(await asking).toBe(true);
    expect(await rights.may(token, shop, 'pull')).toBe(false);
  });

  test('of whoever is gone has the level of nobody towards protected tags', async () => {
    expect(await rights.protectionLevel(token, shop)).toBe(30);
    principal = undefined;
    expect(await rights.protectionLevel(token, shop)).toBe(0);
  });

  test('of another token service pulls all below the path of a group, where it carries that', async () => {
    const external = bearerOf({ kind: 'external', issuer: 'auth.example.com' }, [
      repositoryScope('acme/*', ['pull']),
      repositoryScope('nowhere/*', ['pull']),
    ]);
    expect(await allowed(external, 'acme/*')).toEqual(['pull']);
    expect(await allowed(external, 'nowhere/*')).toEqual([]);
    expect(await allowed(external, shop)).toEqual([]);
  });

  test('of another token service may do what that says, with hosted repositories that there are', async () => {
    const external = bearerOf({ kind: 'external', issuer: 'auth.example.com' }, access);
    level = undefined;
    expect(await allowed(external, shop)).toEqual(['pull', 'push']);
    expect(rights.may(external, shop, 'pull')).toBe(true);
    expect(await allowed(external, alpine)).toEqual([]);
    project = projectOf({ containerRegistryAccessLevel: 'disabled' });
    now += 1000;
    expect(await allowed(external, shop)).toEqual([]);
    expect(lookups).toBe(0);
  });
});

describe('where nobody needs to log in', () => {
  const everyone: readonly (readonly [string, Identity])[] = [
    ['nobody in particular', anonymous],
    ['a user without any role', eve],
    ['a user whose access token has no scope', { ...dana, scopes: [] }],
    ['a deploy token', { ...deployToken, scopes: [] }],
    ['a registry token that carries nothing', bearerOf(ref)],
  ];

  beforeEach(() => {
    level = undefined;
    isMember = false;
    rights = rightsWith({ isLoginRequired: false });
  });

  test.each(everyone)('%s may do everything with what exists', async (_who, identity) => {
    expect(await allowed(identity, shop)).toEqual(['pull', 'push', 'delete']);
    expect(await allowed(identity, alpine)).toEqual(['pull']);
  });

  test.each(everyone)('%s pulls all below a path', async (_who, identity) => {
    expect(await allowed(identity, 'acme/*')).toEqual(['pull']);
    expect(await allowed(identity, `${shop}/*`)).toEqual(['pull']);
    expect(await allowed(identity, 'nowhere/*')).toEqual([]);
  });

  test('of no token it is known what it allows, since none is asked', async () => {
    const token = bearerOf(ref, [repositoryScope(shop, ['pull'])]);
    expect(await rights.may(token, shop, 'pull')).toBe(true);
    expect(rights.isKnownToAllow(token, shop, 'pull')).toBe(false);
  });

  test('who asks for a pull makes no difference: nobody is looked for', async () => {
    expect(await rights.may(bearerOf(ref), shop, 'pull')).toBe(true);
    expect([lookups, asked]).toEqual([0, []]);
  });

  test.each(everyone)('%s may do nothing with what does not, or is disabled', async (_who, identity) => {
    expect(await allowed(identity, 'acme/other')).toEqual([]);
    expect(await allowed(identity, 'virtual_registries/container/2/library/alpine')).toEqual([]);
    project = projectOf({ visibility: 'public', containerRegistryAccessLevel: 'disabled' });
    expect(await allowed(identity, shop)).toEqual([]);
  });
});

describe('protection rules', () => {
  const recorded = { id: 1, projectId: 9, createdAt: 0 };
  const ofReleases = (push: number, remove = 0, pattern = '/release*') => ({
    ...recorded,
    ...repositoryRule(pattern, push, remove),
  });
  const release = `${shop}/release-1`;

  beforeEach(() => {
    rules = [ofReleases(40, 50)];
  });

  test.each<[number, readonly Action[]]>([
    [30, ['pull']],
    [40, ['pull', 'push']],
    [50, ['pull', 'push', 'delete']],
  ])('role %s may %j where they match, and everything else where they do not', async (role, expected) => {
    level = role;
    expect(await allowed(dana, release)).toEqual(expected);
    expect(await allowed(dana, `${shop}/dev`)).toEqual(['pull', 'push', 'delete']);
  });

  test('the strictest of those that match counts', async () => {
    const ofTags = [tagRule('*', 60, 60), immutableTagRule('*')].map((rule) => ({ ...recorded, ...rule }));
    rules = [ofReleases(40), ofReleases(50, 40, '*'), ofReleases(40), ...ofTags];
    level = 40;
    expect(await allowed(dana, release)).toEqual(['pull', 'delete']);
  });

  test('are for users, jobs as their users, and no deploy token; administrators pass', async () => {
    level = 40;
    expect(await allowed(deployToken, release)).toEqual(['pull']);
    expect(await allowed(job, release)).toEqual(['pull']); // whose own role is Developer
    expect(await allowed({ ...job, accessLevel: 40 }, release)).toEqual(['pull', 'push']);
    rules = [ofReleases(60, 60)];
    now += 1000;
    level = 50;
    expect(await allowed(dana, release)).toEqual(['pull']);
    expect(await allowed(root, release)).toEqual(['pull', 'push', 'delete']);
  });

  test('are why, where nothing else is', async () => {
    expect(await rights.judge(dana, release, 'push')).toBe('protected');
    expect(await rights.judge(dana, release, 'pull')).toBe('allowed');
    expect(await rights.judge(eve, release, 'push')).toBe('refused');
    expect(await rights.judge(dana, 'acme/other', 'push')).toBe('refused');
  });

  test('count for tokens that were issued before, within a second', async () => {
    rules = [];
    const token = bearerOf(ref, [repositoryScope(release, ['pull', 'push'])]);
    expect(await rights.may(token, release, 'push')).toBe(true);
    rules = [ofReleases(40)];
    now += 1000;
    believedUntil = now + 1000;
    expect(await rights.may(token, release, 'push')).toBe(false);
    expect(await rights.judge(token, release, 'push')).toBe('protected');
    expect(await rights.may(token, release, 'pull')).toBe(true);
    rules = [];
    now += 1000;
    believedUntil = now + 1000;
    expect(await rights.may(token, release, 'push')).toBe(true);
  });

  test('count for a token a second after they were read, whoever they were read for', async () => {
    rules = [];
    await rights.may(dana, `${shop}/dev`, 'push');
    rules = [ofReleases(40)];
    now = start + 900;
    believedUntil = now + 1000;
    const token = bearerOf(ref, [repositoryScope(release, ['push'])]);
    expect(await rights.may(token, release, 'push')).toBe(true);
    now = start + 1000;
    expect(await rights.may(token, release, 'push')).toBe(false);
  });

  test('are read once a second for a project, and never for a pull', async () => {
    await rights.may(dana, release, 'pull');
    expect(ruleReads).toBe(0);
    await rights.may(dana, release, 'push');
    await rights.may(dana, `${shop}/dev`, 'delete');
    expect(ruleReads).toBe(1);
  });

  test('keep out who comes by another token service, of whom no role is known', async () => {
    const access = [repositoryScope(release, ['pull', 'push']), repositoryScope(shop, ['push'])];
    const external = bearerOf({ kind: 'external', issuer: 'auth.example.com' }, access);
    expect(await allowed(external, release)).toEqual(['pull']);
    expect(await allowed(external, shop)).toEqual(['push']);
    expect(await rights.protectionLevel(external, shop)).toBe(0);
  });

  test('count too where nobody needs to log in: who logs in has their role', async () => {
    rights = rightsWith({ isLoginRequired: false });
    expect(await allowed(anonymous, release)).toEqual(['pull']);
    expect(await allowed(anonymous, shop)).toEqual(['pull', 'push', 'delete']);
    level = 40;
    expect(await allowed(dana, release)).toEqual(['pull', 'push']);
    expect(await allowed(bearerOf(ref), release)).toEqual(['pull', 'push']);
    principal = undefined;
    expect(await allowed(bearerOf(ref), release)).toEqual(['pull']);
    expect(await allowed(bearerOf(ref), shop)).toEqual(['pull', 'push', 'delete']);
  });

  test.each<[string, () => Identity, number]>([
    ['a user', () => dana, 30],
    ['their token', () => bearerOf(ref), 30],
    ['an administrator', () => root, 60],
    ['a job, at most as its user', () => ({ ...job, accessLevel: 50 }), 30],
    ['a job of another project', () => ({ ...job, project: { id: 10, fullPath: 'acme/other' } }), 0],
    ['a deploy token', () => deployToken, 0],
    ['a stranger', () => eve, 0],
    ['nobody', () => anonymous, 0],
  ])('compare what they ask for with the level of %s', async (_who, identity, expected) => {
    expect(await rights.protectionLevel(identity(), release)).toBe(expected);
    expect(await rights.protectionLevel(identity(), alpine)).toBe(0);
  });
});

describe('all that is below a path', () => {
  const mayPull = (identity: Identity, path: string) => rights.may(identity, `${path}/*`, 'pull');

  test('in a project is pulled by whoever pulls from the project, and never pushed', async () => {
    expect(await allowed(dana, `${shop}/*`)).toEqual(['pull']);
    expect(await mayPull(dana, `${shop}/server`)).toBe(true);
    expect(await mayPull(anonymous, shop)).toBe(false);
    project = projectOf({ visibility: 'public' });
    now += 1001;
    expect(await mayPull(anonymous, shop)).toBe(true);
  });

  test('in a group is pulled by its Reporters, by deploy tokens of it or above it, and by administrators', async () => {
    const ofGroup = { ...deployToken, place: { kind: 'group', id: 3, fullPath: 'acme' } } as const;
    expect(await mayPull(dana, 'acme')).toBe(true);
    expect(await mayPull(root, 'acme')).toBe(true);
    expect(await mayPull(ofGroup, 'acme')).toBe(true);
    expect(await mayPull({ ...ofGroup, scopes: [] }, 'acme')).toBe(false);
    for (const who of [eve, anonymous, job, deployToken]) expect(await mayPull(who, 'acme')).toBe(false);
    expect(await mayPull(root, 'nowhere')).toBe(false);
    level = 10;
    now += 1001;
    expect(await mayPull(dana, 'acme')).toBe(false);
  });

  test('is carried by a token for exactly that', async () => {
    const token = bearerOf(ref, [repositoryScope('acme/*', ['pull'])]);
    expect(await mayPull(token, 'acme')).toBe(true);
    expect(await mayPull(token, shop)).toBe(false);
    expect(await allowed(token, shop)).toEqual([]);
  });
});

describe('a registry token that says which project it was issued for', () => {
  const issuedFor = (project: number) =>
    bearerOf(ref, [{ ...repositoryScope(shop, ['pull', 'push']), project }]);

  test('is good while the path is that project, and not when it is another', async () => {
    expect(await allowed(issuedFor(9), shop)).toEqual(['pull', 'push']);
    expect(await allowed(issuedFor(8), shop)).toEqual([]);
    expect(await rights.findProject(shop)).toMatchObject({ id: 9, fullPath: shop });
    expect(await rights.findProject(`${shop}/*`)).toMatchObject({ id: 9 });
    for (const name of [alpine, 'acme/*', 'acme/other', 'Not A Name'])
      expect(await rights.findProject(name)).toBeUndefined();
  });

  test('is good for all below the path where that is a group now, as far as its owner may pull there', async () => {
    const token = bearerOf(ref, [{ ...repositoryScope('acme/*', ['pull']), project: 9 }]);
    expect(await rights.may(token, 'acme/*', 'pull')).toBe(true);
  });
});
