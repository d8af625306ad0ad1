import { expect, test } from 'vitest';
import { MissingOwner, UniqueViolation } from '../../src/metadata/db/violations.ts';
import { describeEachDatabase } from '../support/databases.ts';
import {
  createGroup,
  createProject,
  createRepository,
  createUser,
  linkBlob,
  manifestOf,
} from '../support/hosted-records.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of projects', (open, { clock }) => {
  test('a project is kept as it was created', async () => {
    const database = await open();
    const { projects } = database;
    const group = await createGroup(database, 'acme');
    const project = await projects.create({
      groupId: group.id,
      name: 'Shop',
      path: 'shop',
      fullPath: 'acme/shop',
      description: 'Where they buy',
      visibility: 'internal',
      quotaBytes: 5_000_000_000_000,
    });
    expect(project).toEqual({
      id: project.id,
      groupId: group.id,
      name: 'Shop',
      path: 'shop',
      fullPath: 'acme/shop',
      description: 'Where they buy',
      visibility: 'internal',
      containerRegistryAccessLevel: 'enabled',
      quotaBytes: 5_000_000_000_000,
      placedAt: clock.now,
      createdAt: clock.now,
      updatedAt: clock.now,
    });
    expect(await projects.find(project.id)).toEqual(project);
    expect(await projects.findByPath('acme/shop')).toEqual(project);
    expect(await projects.find(project.id + 1)).toBeUndefined();
    expect(await projects.findByPath('acme')).toBeUndefined();
  });

  test('a full path is given once, and only in a group that exists', async () => {
    const database = await open();
    const project = await createProject(database, 'acme/shop');
    const { groupId, name, path, fullPath, visibility } = project;
    const again = { groupId, name, path, fullPath, visibility };
    await expect(database.projects.create(again)).rejects.toMatchObject({
      name: 'UniqueViolation',
      constraint: 'projects_full_path',
    });
    await expect(database.projects.create(again)).rejects.toThrow(UniqueViolation);
    await expect(
      database.projects.create({ ...again, fullPath: 'acme/other', groupId: groupId + 1 }),
    ).rejects.toThrow(MissingOwner);
  });

  test('what a change of a project leaves out stays, and null clears', async () => {
    const database = await open();
    const project = await createProject(database, 'acme/shop');
    clock.now += 1000;
    const changes = {
      name: 'Shop',
      description: 'Ours',
      visibility: 'public',
      containerRegistryAccessLevel: 'disabled',
      quotaBytes: 10,
    } as const;
    const changed = { ...project, ...changes, updatedAt: clock.now };
    expect(await database.projects.update(project.id, changes)).toEqual(changed);
    expect(await database.projects.update(project.id, {})).toEqual(changed);
    const cleared = { ...changed, description: undefined, quotaBytes: undefined };
    expect(await database.projects.update(project.id, { description: null, quotaBytes: null })).toEqual(
      cleared,
    );
    expect(await database.projects.update(project.id + 1, changes)).toBeUndefined();
  });

  test('projects are listed by full path, in a group and its subgroups and nowhere else', async () => {
    const database = await open();
    for (const path of ['acme/b', 'acme/a/z', 'acme-b/x', 'acme0/x', 'acme/a/y/x', 'other/acme'])
      await createProject(database, path);
    const paths = async (filter: Parameters<typeof database.projects.list>[0]) =>
      (await database.projects.list(filter, all)).records.map((project) => project.fullPath);
    expect(await paths({})).toEqual([
      'acme-b/x',
      'acme/a/y/x',
      'acme/a/z',
      'acme/b',
      'acme0/x',
      'other/acme',
    ]);
    expect(await paths({ below: 'acme' })).toEqual(['acme/a/y/x', 'acme/a/z', 'acme/b']);
    expect(await paths({ below: 'acme/a' })).toEqual(['acme/a/y/x', 'acme/a/z']);
    expect(await paths({ below: 'acme/b' })).toEqual([]);
    expect(await paths({ below: 'acme', search: '/A/' })).toEqual(['acme/a/y/x', 'acme/a/z']);
    const second = await database.projects.list({ below: 'acme' }, { page: 2, perPage: 2 });
    expect(second).toMatchObject({ records: [{ fullPath: 'acme/b' }], total: 3 });
  });

  test('a user sees internal and public projects, and those in and below groups of a current role', async () => {
    const database = await open();
    await createProject(database, 'acme/team/inside/private');
    await createProject(database, 'acme/teams/private');
    await createProject(database, 'acme/private');
    await createProject(database, 'other/public', 'public');
    await createProject(database, 'other/internal', 'internal');
    const userId = await createUser(database, 'ann');
    const team = await createGroup(database, 'acme/team');
    await database.members.create({
      groupId: team.id,
      userId,
      accessLevel: 10,
      expiresAt: clock.now + 1000,
    });
    const paths = async () =>
      (await database.projects.list({ visibleTo: { userId } }, all)).records.map((each) => each.fullPath);
    expect(await paths()).toEqual(['acme/team/inside/private', 'other/internal', 'other/public']);
    clock.now += 1000;
    expect(await paths()).toEqual(['other/internal', 'other/public']);
  });

  test('a repository belongs to the longest beginning of its name that is a project, at most two segments away', async () => {
    const database = await open();
    await createProject(database, 'acme/shop');
    await createProject(database, 'acme/team/shop');
    const owner = async (name: string) => (await database.projects.findOwner(name))?.fullPath;
    expect(await owner('acme/shop')).toBe('acme/shop');
    expect(await owner('acme/shop/web/front')).toBe('acme/shop');
    expect(await owner('acme/shop/web/front/end')).toBeUndefined();
    expect(await owner('acme/shopping')).toBeUndefined();
    expect(await owner('acme/team/shop/web')).toBe('acme/team/shop');
    expect(await owner('acme/team')).toBeUndefined();
    expect(await owner('acme')).toBeUndefined();
    await createProject(database, 'virtual_registries/container');
    expect(await owner('virtual_registries/container/5')).toBeUndefined();
  });

  test('a project goes with all that is in it, and leaves records of blobs', async () => {
    const database = await open();
    const repository = await createRepository(database, 'acme/shop');
    const { projectId } = repository;
    const blob = await linkBlob(database, repository.id, 'layer');
    const manifest = manifestOf('{}');
    await database.repositoryManifests.save(repository.id, manifest);
    await database.uploads.create({
      id: 'session',
      projectId,
      repository: 'acme/shop',
      writer: 'user:1',
      startedAt: 0,
      expiresAt: 9,
    });
    expect(await database.projects.remove(projectId)).toBe(true);
    expect(await database.projects.remove(projectId)).toBe(false);
    expect(await database.repositories.findByName('acme/shop')).toBeUndefined();
    expect(await database.repositoryBlobs.find(repository.id, blob.digest)).toBeUndefined();
    expect(await database.repositoryManifests.find(repository.id, manifest.digest)).toBeUndefined();
    expect(await database.uploads.find('session')).toBeUndefined();
    expect(await database.blobs.find(blob.digest)).toEqual(blob);
  });

  test('a group goes with its subgroups and their projects', async () => {
    const database = await open();
    const { groupId } = await createProject(database, 'acme/team/shop');
    const { parentId } = (await database.groups.find(groupId)) ?? {};
    await database.groups.remove(parentId ?? 0);
    expect(await database.groups.find(groupId)).toBeUndefined();
    expect(await database.projects.findByPath('acme/team/shop')).toBeUndefined();
  });

  test('a role holds in all groups below the one it is given in; the highest current one counts', async () => {
    const database = await open();
    const userId = await createUser(database, 'ann');
    const acme = await createGroup(database, 'acme');
    const team = await createGroup(database, 'acme/team');
    const give = (groupId: number, accessLevel: number, expiresAt?: number) =>
      database.members.create({ groupId, userId, accessLevel, expiresAt });
    const level = (path: string) => database.members.levelAt(path, userId);
    expect(await level('acme/team')).toBeUndefined();
    await give(acme.id, 30, clock.now + 1000);
    await give(team.id, 20);
    expect(await level('acme')).toBe(30);
    expect(await level('acme/team')).toBe(30);
    expect(await level('acme/team/absent')).toBe(30);
    expect(await level('acme0')).toBeUndefined();
    clock.now += 1000;
    expect(await level('acme')).toBeUndefined();
    expect(await level('acme/team')).toBe(20);
  });

  test('groups are listed below another, as its children, and to members of what is above them', async () => {
    const database = await open();
    await createGroup(database, 'acme/team/inside');
    await createGroup(database, 'acme2');
    const team = await createGroup(database, 'acme/team');
    const userId = await createUser(database, 'ann');
    await database.members.create({ groupId: team.id, userId, accessLevel: 10 });
    const paths = async (filter: Parameters<typeof database.groups.list>[0]) =>
      (await database.groups.list(filter, all)).records.map((group) => group.fullPath);
    expect(await paths({ below: 'acme' })).toEqual(['acme/team', 'acme/team/inside']);
    expect(await paths({ parentId: team.parentId })).toEqual(['acme/team']);
    const visibilities = ['internal', 'public'] as const;
    expect(await paths({ visibleTo: { visibilities, memberId: userId } })).toEqual([
      'acme/team',
      'acme/team/inside',
    ]);
    expect(await paths({ visibleTo: { visibilities, memberId: undefined } })).toEqual([]);
  });
});
