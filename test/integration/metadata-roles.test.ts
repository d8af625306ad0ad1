import { expect, test } from 'vitest';
import type { Records } from '../../src/metadata/db/records.ts';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import { describeEachDatabase } from '../support/databases.ts';
import {
  createGroup,
  createProject,
  createRepository,
  createUser,
  manifestOf,
} from '../support/hosted-records.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of roles', (open, { clock }) => {
  test('a member of a project is there once, shows the user, and changes level and expiry', async () => {
    const database = await open();
    const { members } = database;
    const project = await createProject(database, 'acme/shop');
    const userId = await createUser(database, 'ada');
    const place = { projectId: project.id };
    const role = { userId, accessLevel: 30, expiresAt: 5000, createdAt: clock.now };
    const member = await members.create({ ...role, ...place });
    expect(member).toEqual({ ...role, ...place });
    expect(await members.find(place, userId)).toEqual(member);
    expect(await members.listByUser(userId)).toEqual([member]);
    expect(await members.list(place, all)).toEqual({
      total: 1,
      hasMore: false,
      records: [{ ...role, username: 'ada', name: 'ada', state: 'active' }],
    });
    const again = { ...place, userId, accessLevel: 10 };
    await expect(members.create(again)).rejects.toMatchObject({
      constraint: 'members_project_id_user_id',
    });
    await expect(members.create({ ...again, userId: 99 })).rejects.toThrow(MissingOwner);
    expect(await members.update(place, userId, { accessLevel: 40 })).toEqual({
      ...member,
      accessLevel: 40,
    });
    const cleared = await members.update(place, userId, { accessLevel: 40, expiresAt: null });
    expect(cleared?.expiresAt).toBeUndefined();
    expect(await members.update(place, 99, { accessLevel: 40 })).toBeUndefined();
    expect(await members.remove(place, userId)).toBe(true);
    expect(await members.remove(place, userId)).toBe(false);
  });

  test('the highest of the roles in a project and in the groups above it counts', async () => {
    const database = await open();
    const userId = await createUser(database, 'ada');
    const level = (path: string) => database.members.levelAt(path, userId);
    await giveRole(database, 'acme/team', userId, 20);
    await giveProjectRole(database, 'acme/team/shop', userId, 30);
    await giveProjectRole(database, 'acme/team/site', userId, 10);
    await createProject(database, 'acme/other');
    expect(await level('acme/team/shop')).toBe(30);
    expect(await level('acme/team/site')).toBe(20);
    expect(await level('acme/team')).toBe(20);
    expect(await level('acme/other')).toBeUndefined();
    expect(await level('acme')).toBeUndefined();
  });

  test('a role in a project is none in the group around it, nor in a project whose path begins the same', async () => {
    const database = await open();
    const userId = await createUser(database, 'ada');
    await giveProjectRole(database, 'acme/shop', userId, 50);
    await createProject(database, 'acme/shop-2');
    expect(await database.members.levelAt('acme', userId)).toBeUndefined();
    expect(await database.members.levelAt('acme/shop-2', userId)).toBeUndefined();
    expect(await database.members.levelAt('acme/shop', await createUser(database, 'bob'))).toBeUndefined();
  });

  test('a role in a project ends at its instant', async () => {
    const database = await open();
    const userId = await createUser(database, 'ada');
    await giveProjectRole(database, 'acme/shop', userId, 30, clock.now + 1000);
    await giveRole(database, 'acme', userId, 10, clock.now + 2000);
    const level = () => database.members.levelAt('acme/shop', userId);
    expect(await level()).toBe(30);
    clock.now += 1000;
    expect(await level()).toBe(10);
    clock.now += 1000;
    expect(await level()).toBeUndefined();
  });

  test('whoever has a current role in a group, or in anything below it, belongs to it', async () => {
    const database = await open();
    const isBelow = async (username: string, path = 'acme') => {
      const user = await database.users.findByUsername(username);
      return database.members.isBelow(path, user?.id ?? 0);
    };
    const users = ['here', 'below', 'project', 'former', 'beside', 'nobody'];
    const ids = new Map<string, number>();
    for (const username of users) ids.set(username, await createUser(database, username));
    const id = (username: string) => ids.get(username) ?? 0;
    await giveRole(database, 'acme', id('here'), 10);
    await giveRole(database, 'acme/a/b', id('below'), 10);
    await giveProjectRole(database, 'acme/a/shop', id('project'), 10);
    await giveProjectRole(database, 'acme/a/site', id('former'), 50, clock.now);
    await giveRole(database, 'acme-too', id('beside'), 50);
    const belong = await Promise.all(users.map((username) => isBelow(username)));
    expect(belong).toEqual([true, true, true, false, false, false]);
    expect(await isBelow('here', 'acme/a')).toBe(false);
    expect(await isBelow('project', 'acme/a')).toBe(true);
  });

  test('all who have a role in a project are listed once, with their highest', async () => {
    const database = await open();
    const [ada, bob, eve] = [
      await createUser(database, 'ada'),
      await createUser(database, 'bob'),
      await createUser(database, 'eve'),
    ];
    await giveRole(database, 'acme', ada, 10);
    await giveProjectRole(database, 'acme/shop', ada, 40);
    await giveRole(database, 'acme', bob, 50);
    await giveProjectRole(database, 'acme/shop', bob, 20);
    await giveProjectRole(database, 'acme/shop', eve, 20, clock.now);
    await giveProjectRole(database, 'acme/site', eve, 20);
    const { records, total } = await database.members.listInherited('acme/shop', all);
    expect(records.map(({ username, accessLevel }) => [username, accessLevel])).toEqual([
      ['ada', 40],
      ['bob', 50],
    ]);
    expect(total).toBe(2);
    const second = await database.members.listInherited('acme/shop', { page: 2, perPage: 1 });
    expect(second).toMatchObject({ total: 2, records: [{ username: 'bob' }] });
    const ofGroup = await database.members.listInherited('acme', all);
    expect(ofGroup.records.map((each) => each.accessLevel)).toEqual([10, 50]);
  });

  test('the role that holds for someone in a project is the highest there or above, and of equal ones the nearest', async () => {
    const database = await open();
    const userId = await createUser(database, 'ada');
    const find = () => database.members.findInherited('acme/shop', userId);
    expect(await find()).toBeUndefined();
    await giveRole(database, 'acme', userId, 30, clock.now + 1000);
    expect(await find()).toMatchObject({ accessLevel: 30, username: 'ada' });
    await giveProjectRole(database, 'acme/shop', userId, 30);
    expect(await find()).toMatchObject({ accessLevel: 30, expiresAt: undefined });
    clock.now += 1000;
    expect(await database.members.findInherited('acme', userId)).toBeUndefined();
  });

  test('another owner of a group is a person who is not blocked, there or above, and owns it now', async () => {
    const database = await open();
    const { users, members } = database;
    const group = await createGroup(database, 'acme/team');
    const [ada, bob] = [await createUser(database, 'ada'), await createUser(database, 'bob')];
    const { id: bot } = await users.create({
      username: 'bot',
      name: 'bot',
      isAdmin: false,
      botOf: { groupId: group.id },
    });
    const hasOther = () => members.hasOtherOwner('acme/team', ada);
    await giveRole(database, 'acme/team', ada, 50);
    await giveRole(database, 'acme/team', bot, 50);
    await giveRole(database, 'acme/team', bob, 40);
    expect(await hasOther()).toBe(false);
    await giveRole(database, 'acme', bob, 50, clock.now + 1000);
    expect(await hasOther()).toBe(true);
    await users.update(bob, { state: 'blocked' });
    expect(await hasOther()).toBe(false);
    await users.update(bob, { state: 'active' });
    clock.now += 1000;
    expect(await hasOther()).toBe(false);
  });

  test('who has a role in one project is shown that private project and its repositories, and no other', async () => {
    const database = await open();
    const userId = await createUser(database, 'ada');
    for (const name of ['acme/shop', 'acme/site']) await createImage(database, name);
    await giveProjectRole(database, 'acme/shop', userId, 20, clock.now + 1000);
    const projects = async () =>
      (await database.projects.list({ visibleTo: { userId } }, all)).records.map((each) => each.fullPath);
    const names = async (leastLevel: number) =>
      (await database.repositories.listNames({ userId, leastLevel }, { after: '', limit: 10 })).names;
    expect(await projects()).toEqual(['acme/shop']);
    expect(await names(20)).toEqual(['acme/shop']);
    expect(await names(30)).toEqual([]);
    clock.now += 1000;
    expect(await projects()).toEqual([]);
    expect(await names(20)).toEqual([]);
  });

  test('repositories of a private registry are listed for who has a role, of a disabled one for nobody', async () => {
    const database = await open();
    const [member, stranger] = [await createUser(database, 'ada'), await createUser(database, 'bob')];
    for (const setting of ['enabled', 'private', 'disabled'] as const) {
      await createImage(database, `acme/${setting}`);
      const project = await database.projects.findByPath(`acme/${setting}`);
      await database.projects.update(project?.id ?? 0, {
        visibility: 'public',
        containerRegistryAccessLevel: setting,
      });
    }
    await giveRole(database, 'acme', member, 20);
    const names = async (userId: number | undefined) => {
      const visibleTo = userId === undefined ? undefined : { userId, leastLevel: 20 };
      return (await database.repositories.listNames(visibleTo, { after: '', limit: 10 })).names;
    };
    expect(await names(member)).toEqual(['acme/enabled', 'acme/private']);
    expect(await names(stranger)).toEqual(['acme/enabled']);
    expect(await names(undefined)).toEqual(['acme/enabled', 'acme/private']);
  });
});

async function giveRole(
  database: Records,
  path: string,
  userId: number,
  accessLevel: number,
  expiresAt?: number,
): Promise<void> {
  const { id: groupId } = await createGroup(database, path);
  await database.members.create({ groupId, userId, accessLevel, expiresAt });
}

async function giveProjectRole(
  database: Records,
  path: string,
  userId: number,
  accessLevel: number,
  expiresAt?: number,
): Promise<void> {
  const project = (await database.projects.findByPath(path)) ?? (await createProject(database, path));
  await database.members.create({ projectId: project.id, userId, accessLevel, expiresAt });
}

/** A repository that has a manifest. */
async function createImage(database: Records, name: string): Promise<void> {
  const { id } = await createRepository(database, name);
  await database.repositoryManifests.save(id, manifestOf(name));
}
