import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { MissingOwner, UniqueViolation } from '../../src/metadata/db/violations.ts';
import type { Visibility } from '../../src/metadata/namespaces/groups.ts';
import { describeEachDatabase } from '../support/databases.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of people', (open, { clock }) => {
  test('a group is found by id and by path, and its path is unique', async () => {
    const { groups } = await open();
    const group = await groups.create({
      name: 'Base images',
      path: 'base',
      fullPath: 'base',
      visibility: 'private',
    });
    expect(group).toEqual({
      id: group.id,
      parentId: undefined,
      name: 'Base images',
      path: 'base',
      fullPath: 'base',
      description: undefined,
      visibility: 'private',
      placedAt: clock.now,
      quotaBytes: undefined,
      userId: undefined,
      virtualRegistriesEnabled: true,
      createdAt: clock.now,
      updatedAt: clock.now,
    });
    expect(await groups.find(group.id)).toEqual(group);
    expect(await groups.findByPath('base')).toEqual(group);
    expect(await groups.find(group.id + 1)).toBeUndefined();
    expect(await groups.findByPath('bas')).toBeUndefined();
    await expect(createGroup(groups, 'base')).rejects.toThrow(UniqueViolation);
    await expect(createGroup(groups, 'base')).rejects.toMatchObject({ constraint: 'groups_full_path' });
  });

  test('groups are listed by path, in pages that know the total', async () => {
    const { groups } = await open();
    for (const path of ['zeta', 'Alpha', 'beta', 'alpha']) await createGroup(groups, path);
    const pathsOf = async (page: number, perPage: number) => {
      const { records, total } = await groups.list({}, { page, perPage });
      return { paths: records.map((group) => group.fullPath), total };
    };
    expect(await pathsOf(1, 3)).toEqual({ paths: ['Alpha', 'alpha', 'beta'], total: 4 });
    expect(await pathsOf(2, 3)).toEqual({ paths: ['zeta'], total: 4 });
    expect(await pathsOf(3, 3)).toEqual({ paths: [], total: 4 });
  });

  test('a search takes what it looks for literally, whatever its case', async () => {
    const { groups } = await open();
    for (const path of ['a_b', 'axb', '100%', '1000', 'back\\slash']) await createGroup(groups, path);
    const search = async (text: string) =>
      (await groups.list({ search: text }, all)).records.map((group) => group.path);
    expect(await search('A_B')).toEqual(['a_b']);
    expect(await search('0%')).toEqual(['100%']);
    expect(await search('\\')).toEqual(['back\\slash']);
    expect(await search('zzz')).toEqual([]);
    expect(await search('')).toHaveLength(5);
  });

  test('who may see only some groups is listed only those', async () => {
    const { groups, members, users } = await open();
    const user = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    const own = await createGroup(groups, 'own');
    const former = await createGroup(groups, 'former');
    await createGroup(groups, 'hidden');
    await createGroup(groups, 'open', 'public');
    await members.create({ groupId: own.id, userId: user.id, accessLevel: 10 });
    await members.create({ groupId: former.id, userId: user.id, accessLevel: 50, expiresAt: clock.now });
    const visible = async (visibilities: Visibility[], memberId: number | undefined) =>
      (await groups.list({ visibleTo: { visibilities, memberId } }, all)).records.map((group) => group.path);
    expect(await visible(['public'], user.id)).toEqual(['open', 'own']);
    expect(await visible(['public'], undefined)).toEqual(['open']);
    expect(await visible(['internal'], undefined)).toEqual([]);
  });

  test('removing a group removes all that belongs to it', async () => {
    const { groups, members, users, virtualRegistries, upstreams, registryUpstreams } = await open();
    const group = await createGroup(groups, 'base');
    const child = await groups.create({
      name: 'x',
      path: 'x',
      fullPath: 'base/x',
      visibility: 'private',
      parentId: group.id,
    });
    const user = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    await members.create({ groupId: group.id, userId: user.id, accessLevel: 10 });
    const registry = await virtualRegistries.create({ groupId: group.id, name: 'hub' });
    const upstream = await upstreams.create({
      groupId: group.id,
      url: 'https://quay.io',
      name: 'Quay',
      cacheValidityHours: 24,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
    });
    await registryUpstreams.append(registry.id, upstream.id);
    expect(await groups.remove(group.id)).toBe(true);
    expect(await groups.find(child.id)).toBeUndefined();
    expect(await virtualRegistries.find(registry.id)).toBeUndefined();
    expect(await upstreams.find(upstream.id)).toBeUndefined();
    expect(await members.find({ groupId: group.id }, user.id)).toBeUndefined();
    expect(await users.find(user.id)).toEqual(user);
    expect(await groups.remove(group.id)).toBe(false);
  });

  test('an id is never given twice', async () => {
    const { groups } = await open();
    const first = await createGroup(groups, 'first');
    await groups.remove(first.id);
    expect((await createGroup(groups, 'second')).id).toBeGreaterThan(first.id);
  });

  test('a user is found by id and by name, changed in part, and cleared by null', async () => {
    const { users } = await open();
    const user = await users.create({
      username: 'ada',
      name: 'Ada',
      email: 'ada@example.com',
      isAdmin: true,
      passwordHash: 'h',
    });
    expect(user).toMatchObject({
      state: 'active',
      isAdmin: true,
      email: 'ada@example.com',
      passwordHash: 'h',
    });
    expect(await users.findByUsername('ada')).toEqual(user);
    expect(await users.find(user.id)).toEqual(user);
    clock.now += 1000;
    const blocked = await users.update(user.id, { state: 'blocked', email: null, isAdmin: false });
    expect(blocked).toEqual({
      ...user,
      state: 'blocked',
      email: undefined,
      isAdmin: false,
      updatedAt: clock.now,
    });
    expect(await users.find(user.id)).toEqual(blocked);
    expect(await users.update(user.id + 1, { name: 'x' })).toBeUndefined();
    await expect(users.create({ username: 'ada', name: 'Other', isAdmin: false })).rejects.toMatchObject({
      name: 'UniqueViolation',
      constraint: 'users_username',
    });
  });

  test('users are listed oldest first and searched by both names', async () => {
    const { users } = await open();
    for (const [username, name] of [
      ['zoe', 'Zoe'],
      ['ada', 'Lovelace'],
      ['bob', 'Zoebob'],
    ] as const) {
      await users.create({ username, name, isAdmin: false });
    }
    expect((await users.list(undefined, all)).records.map((user) => user.username)).toEqual([
      'zoe',
      'ada',
      'bob',
    ]);
    const found = await users.list('ZOE', { page: 1, perPage: 1 });
    expect(found).toMatchObject({ total: 2, records: [{ username: 'zoe' }] });
  });

  test('a member is there once, shows the user, and changes level and expiry', async () => {
    const { groups, members, users } = await open();
    const group = await createGroup(groups, 'base');
    const user = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    const member = await members.create({
      groupId: group.id,
      userId: user.id,
      accessLevel: 30,
      expiresAt: 5000,
    });
    expect(await members.find({ groupId: group.id }, user.id)).toEqual(member);
    expect(await members.listByUser(user.id)).toEqual([member]);
    expect(await members.list({ groupId: group.id }, all)).toEqual({
      total: 1,
      hasMore: false,
      records: [
        {
          userId: user.id,
          accessLevel: 30,
          expiresAt: 5000,
          createdAt: clock.now,
          username: 'ada',
          name: 'Ada',
          state: 'active',
        },
      ],
    });
    await expect(
      members.create({ groupId: group.id, userId: user.id, accessLevel: 10 }),
    ).rejects.toMatchObject({
      constraint: 'members_group_id_user_id',
    });
    expect(await members.update({ groupId: group.id }, user.id, { accessLevel: 40 })).toEqual({
      ...member,
      accessLevel: 40,
    });
    expect(
      await members.update({ groupId: group.id }, user.id, { accessLevel: 40, expiresAt: null }),
    ).toMatchObject({
      expiresAt: undefined,
    });
    expect(await members.update({ groupId: group.id }, 99, { accessLevel: 40 })).toBeUndefined();
    expect(await members.remove({ groupId: group.id }, user.id)).toBe(true);
    expect(await members.remove({ groupId: group.id }, user.id)).toBe(false);
  });

  test('a member of nothing, or nobody as a member, is refused', async () => {
    const { groups, members } = await open();
    const group = await createGroup(groups, 'base');
    await expect(members.create({ groupId: group.id, userId: 99, accessLevel: 10 })).rejects.toThrow(
      MissingOwner,
    );
    await expect(members.create({ groupId: 99, userId: 99, accessLevel: 10 })).rejects.toThrow(MissingOwner);
  });

  test('a token is found by its hash, used, revoked once, and goes with its user', async () => {
    const { accessTokens, users } = await open();
    const user = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    const token = await accessTokens.create({
      userId: user.id,
      name: 'ci',
      tokenHash: 'abc',
      scopes: ['api', 'read_registry'],
    });
    expect(token).toEqual({
      id: token.id,
      userId: user.id,
      tokenHash: 'abc',
      name: 'ci',
      description: undefined,
      scopes: ['api', 'read_registry'],
      createdAt: clock.now,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
    });
    expect(await accessTokens.findByHash('abc')).toEqual(token);
    expect(await accessTokens.findByHash('ab')).toBeUndefined();
    await expect(
      accessTokens.create({ userId: user.id, name: 'again', tokenHash: 'abc', scopes: [] }),
    ).rejects.toMatchObject({ constraint: 'access_tokens_token_hash' });
    await accessTokens.noteUse(token.id, 12_345);
    expect((await accessTokens.find(token.id))?.lastUsedAt).toBe(12_345);
    expect(await accessTokens.revoke(token.id)).toBe(true);
    const revokedAt = clock.now;
    clock.now += 1000;
    expect(await accessTokens.revoke(token.id)).toBe(false);
    expect((await accessTokens.find(token.id))?.revokedAt).toBe(revokedAt);
    await users.remove(user.id);
    expect(await accessTokens.find(token.id)).toBeUndefined();
  });

  test('tokens are listed newest first, by owner, by name and by whether they still work', async () => {
    const { accessTokens, users } = await open();
    const ada = await users.create({ username: 'ada', name: 'Ada', isAdmin: false });
    const bob = await users.create({ username: 'bob', name: 'Bob', isAdmin: false });
    const create = (userId: number, name: string, expiresAt?: number) =>
      accessTokens.create({ userId, name, tokenHash: name, scopes: [], expiresAt });
    await create(ada.id, 'works');
    await create(ada.id, 'works for now', clock.now + 1);
    await create(ada.id, 'expired', clock.now);
    await accessTokens.revoke((await create(ada.id, 'revoked')).id);
    await create(bob.id, 'of another');
    const names = async (filter: { userId?: number; isActive?: boolean; search?: string }) =>
      (await accessTokens.list(filter, all)).records.map((token) => token.name);
    expect(await names({})).toEqual(['of another', 'revoked', 'expired', 'works for now', 'works']);
    expect(await names({ userId: ada.id, isActive: true })).toEqual(['works for now', 'works']);
    expect(await names({ userId: ada.id, isActive: false })).toEqual(['revoked', 'expired']);
    expect(await names({ search: 'WORKS' })).toEqual(['works for now', 'works']);
    expect((await accessTokens.list({ userId: ada.id }, { page: 2, perPage: 3 })).total).toBe(4);
  });
});

function createGroup(groups: Database['groups'], path: string, visibility: Visibility = 'private') {
  return groups.create({ name: path, path, fullPath: path, visibility });
}
