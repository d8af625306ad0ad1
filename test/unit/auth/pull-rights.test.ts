import { beforeEach, expect, test } from 'vitest';
import { grantScopes } from '../../../src/auth/grants.ts';
import { anonymous, type UserIdentity } from '../../../src/auth/identity.ts';
import { RecordedPullRights } from '../../../src/auth/pull-rights.ts';
import type { Member } from '../../../src/metadata/members.ts';

const start = Date.UTC(2026, 2, 4);
const alpine = 'virtual_registries/container/1/library/alpine';
const dana: UserIdentity = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: ['api'] };
const eve: UserIdentity = { ...dana, userId: 8, username: 'eve' };
const root: UserIdentity = { ...dana, userId: 1, username: 'root', isAdmin: true };

let now = start;
let reads = 0;
let membership: Member | undefined;
let rights: RecordedPullRights;

beforeEach(() => {
  now = start;
  reads = 0;
  membership = { groupId: 3, userId: 7, accessLevel: 10, expiresAt: undefined, createdAt: start };
  const registry = {
    id: 1,
    groupId: 3,
    name: 'default',
    description: undefined,
    createdAt: start,
    updatedAt: start,
  };
  rights = new RecordedPullRights({
    virtualRegistries: {
      find: async (id) => {
        reads += 1;
        return id === registry.id ? registry : undefined;
      },
    },
    members: {
      find: async (groupId, userId) =>
        membership?.groupId === groupId && membership.userId === userId ? membership : undefined,
    },
    now: () => now,
  });
});

test('members of the group that owns the virtual registry may pull, and administrators', async () => {
  expect(await rights.mayPull(dana, alpine)).toBe(true);
  expect(await rights.mayPull(root, alpine)).toBe(true);
  expect(await rights.mayPull(eve, alpine)).toBe(false);
  expect(await rights.mayPull(anonymous, alpine)).toBe(false);
});

test('a token for something else does not help a member', async () => {
  expect(await rights.mayPull({ ...dana, scopes: ['read_api'] }, alpine)).toBe(false);
  expect(await rights.mayPull({ ...root, scopes: [] }, alpine)).toBe(false);
});

test.each([
  'virtual_registries/container/2/library/alpine',
  'virtual_registries/container/1',
  'virtual_registries/container/01/library/alpine',
  'library/alpine',
  'Not A Name',
  '',
])('nobody may pull from what there is not: %s', async (name) => {
  expect(await rights.mayPull(root, name)).toBe(false);
});

test('a membership that is over is none', async () => {
  membership = membership && { ...membership, expiresAt: start };
  expect(await rights.mayPull(dana, alpine)).toBe(false);
});

test('the records are asked once a second, and a member who was removed cannot pull after it', async () => {
  await Promise.all([rights.mayPull(dana, alpine), rights.mayPull(dana, alpine)]);
  expect(await rights.mayPull(dana, 'virtual_registries/container/1/other')).toBe(true);
  expect(reads).toBe(1);
  membership = undefined;
  now += 1001;
  expect(await rights.mayPull(dana, alpine)).toBe(false);
  expect(reads).toBe(2);
});

test('a registry token may pull from what it names, without asking the records', async () => {
  const access = [{ type: 'repository', name: alpine, actions: ['pull'] }];
  const token = { kind: 'registry-token', subject: 'dana', userId: 7, access } as const;
  expect(await rights.mayPull(token, alpine)).toBe(true);
  expect(await rights.mayPull(token, 'virtual_registries/container/1/library/redis')).toBe(false);
  expect(reads).toBe(0);
});

test('of what is asked for, only pulling from repositories one may pull from is granted', async () => {
  const wanted = [
    { type: 'repository', name: alpine, actions: ['push', 'pull', 'delete'] },
    { type: 'repository', name: 'virtual_registries/container/1/library/redis', actions: ['push'] },
    { type: 'repository', name: 'virtual_registries/container/2/library/alpine', actions: ['pull'] },
    { type: 'registry', name: 'catalog', actions: ['*'] },
  ];
  expect(await grantScopes(dana, wanted, rights)).toEqual([
    { type: 'repository', name: alpine, actions: ['pull'] },
  ]);
  expect(await grantScopes(eve, wanted, rights)).toEqual([]);
});
