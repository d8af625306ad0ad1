import { expect, test } from 'vitest';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import type { UserFilter } from '../../src/metadata/people/users.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject, createUser } from '../support/hosted-records.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of who signs in', (open, { clock }) => {
  test('bots belong to a place, are listed only when asked for, and go with their place', async () => {
    const database = await open();
    const { users } = database;
    const project = await createProject(database, 'acme/shop');
    const person = await createUser(database, 'ada');
    const create = (username: string, botOf: { groupId: number } | { projectId: number }) =>
      users.create({ username, name: username, isAdmin: false, botOf });
    const ofProject = await create('bot-1', { projectId: project.id });
    await create('bot-2', { groupId: project.groupId });
    expect(await users.find(person)).toMatchObject({ kind: 'human', botGroupId: undefined });
    expect(await users.find(ofProject.id)).toMatchObject({ kind: 'bot', botProjectId: project.id });
    await expect(create('bot-3', { groupId: 99 })).rejects.toThrow(MissingOwner);
    const names = async (filter?: UserFilter) =>
      (await users.list(undefined, all, filter)).records.map((user) => user.username);
    expect(await names()).toEqual(['ada']);
    expect(await names({ kind: 'bot' })).toEqual(['bot-1', 'bot-2']);
    expect(await names({ kind: 'any' })).toEqual(['ada', 'bot-1', 'bot-2']);
    await database.projects.remove(project.id);
    expect(await names({ kind: 'any' })).toEqual(['ada', 'bot-2']);
  });

  test('users are listed by name, state and whether they are administrators, and change their name', async () => {
    const { users } = await open();
    const create = (username: string, isAdmin = false) => users.create({ username, name: username, isAdmin });
    const ada = await create('ada', true);
    const adam = await create('adam');
    await users.update(adam.id, { state: 'blocked' });
    const names = async (search: string | undefined, filter: UserFilter) =>
      (await users.list(search, all, filter)).records.map((user) => user.username);
    expect(await names('ada', {})).toEqual(['ada', 'adam']);
    expect(await names(undefined, { username: 'ada' })).toEqual(['ada']);
    expect(await names('ada', { state: 'blocked' })).toEqual(['adam']);
    expect(await names(undefined, { isAdmin: true })).toEqual(['ada']);
    expect(await users.update(adam.id, { username: 'bob' })).toMatchObject({ username: 'bob' });
    await expect(users.update(ada.id, { username: 'bob' })).rejects.toMatchObject({
      constraint: 'users_username',
    });
  });

  test('access tokens of a group or of a project are those of its own bots', async () => {
    const database = await open();
    const { users, accessTokens } = database;
    const { id: projectId, groupId } = await createProject(database, 'acme/shop');
    const issue = async (username: string, botOf?: { groupId: number } | { projectId: number }) => {
      const { id: userId } = await users.create({ username, name: username, isAdmin: false, botOf });
      await accessTokens.create({ userId, name: username, tokenHash: username, scopes: [] });
    };
    await issue('of-project', { projectId });
    await issue('of-group', { groupId });
    await issue('of-ada');
    const names = async (botOf: { groupId: number } | { projectId: number }) =>
      (await accessTokens.list({ botOf, isActive: true }, all)).records.map((token) => token.name);
    expect(await names({ projectId })).toEqual(['of-project']);
    expect(await names({ groupId })).toEqual(['of-group']);
    expect(await names({ groupId: 99 })).toEqual([]);
  });

  test('a session is found by its hash until its time is over, which use puts off', async () => {
    const database = await open();
    const { sessions } = database;
    const userId = await createUser(database, 'ada');
    const start = clock.now;
    const session = await sessions.create({ idHash: 'a', userId, csrfHash: 'c', expiresAt: start + 1000 });
    expect(session).toEqual({
      idHash: 'a',
      userId,
      csrfHash: 'c',
      createdAt: start,
      lastUsedAt: start,
      expiresAt: start + 1000,
    });
    expect(await sessions.find('a')).toEqual(session);
    expect(await sessions.find('b')).toBeUndefined();
    await expect(sessions.create({ idHash: 'a', userId, expiresAt: 1 })).rejects.toMatchObject({
      constraint: 'sessions_id_hash',
    });
    clock.now += 500;
    expect(await sessions.touch('a', start + 1500)).toBe(true);
    clock.now += 999;
    expect(await sessions.find('a')).toEqual({
      ...session,
      lastUsedAt: start + 500,
      expiresAt: start + 1500,
    });
    clock.now += 1;
    expect(await sessions.find('a')).toBeUndefined();
    expect(await sessions.touch('a', start + 9000)).toBe(false);
    expect(await sessions.removeExpired(clock.now)).toBe(1);
  });

  test('sessions are ended one by one, or all of a user', async () => {
    const database = await open();
    const { sessions } = database;
    const [ada, bob] = [await createUser(database, 'ada'), await createUser(database, 'bob')];
    const expiresAt = clock.now + 1000;
    for (const idHash of ['a', 'b', 'c']) await sessions.create({ idHash, userId: ada, expiresAt });
    await sessions.create({ idHash: 'd', userId: bob, expiresAt });
    expect(await sessions.remove('a')).toBe(true);
    expect(await sessions.remove('a')).toBe(false);
    expect(await sessions.removeByUser(ada)).toBe(2);
    expect(await sessions.find('b')).toBeUndefined();
    expect(await sessions.find('d')).toMatchObject({ userId: bob });
    expect(await sessions.removeExpired(clock.now)).toBe(0);
  });

  test('an identity elsewhere is of one user', async () => {
    const database = await open();
    const { oidcIdentities } = database;
    const [ada, bob] = [await createUser(database, 'ada'), await createUser(database, 'bob')];
    const issuer = 'https://id.example';
    await oidcIdentities.create({ issuer, subject: 'x', userId: ada });
    await oidcIdentities.create({ issuer: 'https://other.example', subject: 'x', userId: bob });
    expect(await oidcIdentities.find(issuer, 'x')).toBe(ada);
    expect(await oidcIdentities.find(issuer, 'X')).toBeUndefined();
    await expect(oidcIdentities.create({ issuer, subject: 'x', userId: bob })).rejects.toMatchObject({
      constraint: 'oidc_identities_issuer_subject',
    });
  });

  test('whoever is removed leaves no role, token, session or identity behind', async () => {
    const database = await open();
    const { id: projectId, groupId } = await createProject(database, 'acme/shop');
    const userId = await createUser(database, 'ada');
    const expiresAt = clock.now + 1000;
    await database.members.create({ groupId, userId, accessLevel: 50 });
    await database.members.create({ projectId, userId, accessLevel: 50 });
    await database.accessTokens.create({ userId, name: 'x', tokenHash: 'a', scopes: [] });
    await database.jobTokens.create({
      ...{ projectId, userId, name: 'x', tokenHash: 'b' },
      accessLevel: 30,
      expiresAt,
    });
    await database.sessions.create({ idHash: 'c', userId, expiresAt });
    await database.oidcIdentities.create({ issuer: 'i', subject: 's', userId });
    expect(await database.users.remove(userId)).toBe(true);
    expect(await database.members.isBelow('acme', userId)).toBe(false);
    expect(await database.accessTokens.findByHash('a')).toBeUndefined();
    expect(await database.jobTokens.findByHash('b')).toBeUndefined();
    expect(await database.sessions.find('c')).toBeUndefined();
    expect(await database.oidcIdentities.find('i', 's')).toBeUndefined();
    expect(await database.users.remove(userId)).toBe(false);
  });
});
