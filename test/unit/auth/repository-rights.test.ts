import { beforeEach, describe, expect, test } from 'vitest';
import { type Action, actions } from '../../../src/auth/access.ts';
import {
  anonymous,
  type Identity,
  type RegistryTokenIdentity,
  type UserIdentity,
} from '../../../src/auth/identity.ts';
import { RecordedRepositoryRights } from '../../../src/auth/repository-rights.ts';
import type { Visibility } from '../../../src/metadata/groups.ts';
import type { Member } from '../../../src/metadata/members.ts';
import type { Project } from '../../../src/metadata/projects.ts';

const start = Date.UTC(2026, 2, 4);
const alpine = 'virtual_registries/container/1/library/alpine';
const shop = 'acme/web/shop';
const dana: UserIdentity = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: ['api'] };
const eve: UserIdentity = { ...dana, userId: 8, username: 'eve' };
const root: UserIdentity = { ...dana, userId: 1, username: 'root', isAdmin: true };
const emptyToken: RegistryTokenIdentity = {
  kind: 'registry-token',
  subject: 'dana',
  userId: 7,
  access: [],
  refused: [],
};

let now = start;
let reads = 0;
let membership: Member | undefined;
let project: Project | undefined;
/** Of user 7 at the project's group. */
let level: number | undefined;
let asked: string[];

const registry = {
  id: 1,
  groupId: 3,
  name: 'default',
  description: undefined,
  createdAt: start,
  updatedAt: start,
};

function projectOf(visibility: Visibility): Project {
  return {
    id: 9,
    groupId: 4,
    name: 'Shop',
    path: 'shop',
    fullPath: shop,
    description: undefined,
    visibility,
    quotaBytes: undefined,
    createdAt: start,
    updatedAt: start,
  };
}

function rightsWith({ isLoginRequired }: { isLoginRequired: boolean }): RecordedRepositoryRights {
  return new RecordedRepositoryRights({
    virtualRegistries: {
      find: async (id) => {
        reads += 1;
        return id === registry.id ? registry : undefined;
      },
    },
    members: {
      find: async (groupId, userId) =>
        membership?.groupId === groupId && membership.userId === userId ? membership : undefined,
      levelAt: async (groupPath, userId) => {
        asked.push(`${userId} at ${groupPath}`);
        return userId === 7 ? level : undefined;
      },
    },
    projects: {
      findOwner: async (name) => {
        reads += 1;
        return name === shop || name.startsWith(`${shop}/`) ? project : undefined;
      },
    },
    isLoginRequired,
    now: () => now,
  });
}

let rights: RecordedRepositoryRights;

beforeEach(() => {
  now = start;
  reads = 0;
  asked = [];
  membership = { groupId: 3, userId: 7, accessLevel: 10, expiresAt: undefined, createdAt: start };
  project = projectOf('private');
  level = 30;
  rights = rightsWith({ isLoginRequired: true });
});

async function allowed(identity: Identity, name: string): Promise<Action[]> {
  const answers = await Promise.all(actions.map((action) => rights.may(identity, name, action)));
  return actions.filter((_action, index) => answers[index]);
}

describe('virtual registries', () => {
  test('members of the group that owns one may pull through it, and administrators', async () => {
    expect(await allowed(dana, alpine)).toEqual(['pull']);
    expect(await allowed(root, alpine)).toEqual(['pull']);
    expect(await allowed(eve, alpine)).toEqual([]);
    expect(await allowed(anonymous, alpine)).toEqual([]);
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

  test('a membership that is over is none', async () => {
    membership = membership && { ...membership, expiresAt: start };
    expect(await allowed(dana, alpine)).toEqual([]);
  });

  test('the records are asked once a second, and a member who was removed cannot pull after it', async () => {
    await Promise.all([rights.may(dana, alpine, 'pull'), rights.may(dana, alpine, 'pull')]);
    expect(await rights.may(dana, 'virtual_registries/container/1/other', 'pull')).toBe(true);
    expect(reads).toBe(1);
    membership = undefined;
    now += 1001;
    expect(await rights.may(dana, alpine, 'pull')).toBe(false);
    expect(reads).toBe(2);
  });
});

describe('hosted repositories', () => {
  test('roles are those at the group of the project, for all repositories in it', async () => {
    for (const name of [shop, `${shop}/server`, `${shop}/server/debug`])
      expect(await allowed(dana, name)).toEqual(['pull', 'push', 'delete']);
    expect(new Set(asked)).toEqual(new Set(['7 at acme/web']));
  });

  test.each<[Visibility, number | undefined, readonly Action[]]>([
    ['private', undefined, []],
    ['private', 10, []],
    ['private', 20, ['pull']],
    ['private', 30, ['pull', 'push', 'delete']],
    ['internal', undefined, ['pull']],
    ['public', 20, ['pull']],
    ['public', 50, ['pull', 'push', 'delete']],
  ])('%s, role %s: %j', async (visibility, role, expected) => {
    project = projectOf(visibility);
    level = role;
    expect(await allowed(dana, shop)).toEqual(expected);
  });

  test('nobody uses them without logging in, public or not', async () => {
    project = projectOf('public');
    expect(await allowed(anonymous, shop)).toEqual([]);
  });

  test('administrators are owners everywhere, and their tokens need the scope', async () => {
    expect(await allowed(root, shop)).toEqual(['pull', 'push', 'delete']);
    expect(await allowed({ ...root, scopes: ['read_registry'] }, shop)).toEqual(['pull']);
    expect(await allowed({ ...root, scopes: ['read_virtual_registry'] }, shop)).toEqual([]);
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
  const access = [
    { type: 'repository', name: alpine, actions: ['pull', 'push'] },
    { type: 'repository', name: shop, actions: ['pull', 'push'] },
  ];
  const token = { ...emptyToken, access };

  test('may do what it carries, without asking the records', async () => {
    expect(await allowed(token, shop)).toEqual(['pull', 'push']);
    expect(await allowed(token, `${shop}/server`)).toEqual([]);
    expect(await allowed(token, 'virtual_registries/container/1/library/redis')).toEqual([]);
    expect(reads).toBe(0);
  });

  test('never changes a virtual registry, whatever it carries', async () => {
    expect(await allowed(token, alpine)).toEqual(['pull']);
  });
});

describe('where nobody needs to log in', () => {
  const everyone: readonly (readonly [string, Identity])[] = [
    ['nobody in particular', anonymous],
    ['a user without any role', eve],
    ['a user whose access token has no scope', { ...dana, scopes: [] }],
    ['a registry token that carries nothing', emptyToken],
  ];

  beforeEach(() => {
    level = undefined;
    membership = undefined;
    rights = rightsWith({ isLoginRequired: false });
  });

  test.each(everyone)('%s may do everything with what exists', async (_who, identity) => {
    expect(await allowed(identity, shop)).toEqual(['pull', 'push', 'delete']);
    expect(await allowed(identity, alpine)).toEqual(['pull']);
  });

  test.each(everyone)('%s may do nothing with what does not', async (_who, identity) => {
    expect(await allowed(identity, 'acme/other')).toEqual([]);
    expect(await allowed(identity, 'virtual_registries/container/2/library/alpine')).toEqual([]);
  });
});
