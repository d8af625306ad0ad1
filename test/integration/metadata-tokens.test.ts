import { expect, test } from 'vitest';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import type { DeployTokenFilter } from '../../src/metadata/tokens/deploy-tokens.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createGroup, createProject, createUser } from '../support/hosted-records.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('records of tokens that are nobody’s own', (open, { clock }) => {
  test('a deploy token is found by id and hash, with its place and a username made of its number', async () => {
    const database = await open();
    const { deployTokens } = database;
    const project = await createProject(database, 'acme/shop');
    const createdBy = await createUser(database, 'ada');
    const token = await deployTokens.create({
      place: { projectId: project.id },
      name: 'pull',
      tokenHash: 'abc',
      scopes: ['read_registry'],
      expiresAt: 9_000_000_000_000,
      createdBy,
    });
    expect(token).toEqual({
      id: token.id,
      place: { kind: 'project', id: project.id, fullPath: 'acme/shop' },
      name: 'pull',
      username: `gitlab+deploy-token-${token.id}`,
      tokenHash: 'abc',
      scopes: ['read_registry'],
      createdBy,
      createdAt: clock.now,
      expiresAt: 9_000_000_000_000,
      revokedAt: undefined,
      lastUsedAt: undefined,
    });
    expect(await deployTokens.find(token.id)).toEqual(token);
    expect(await deployTokens.findByHash('abc')).toEqual(token);
    expect(await deployTokens.findByHash('ab')).toBeUndefined();
    await deployTokens.noteUse(token.id, 12_345);
    expect((await deployTokens.find(token.id))?.lastUsedAt).toBe(12_345);
    await database.users.remove(createdBy);
    expect(await deployTokens.find(token.id)).toMatchObject({ createdBy: undefined, revokedAt: undefined });
  });

  test('a deploy token of a group has a username of its own where one was chosen', async () => {
    const database = await open();
    const group = await createGroup(database, 'acme/team');
    const create = (groupId: number, tokenHash: string) =>
      database.deployTokens.create({
        place: { groupId },
        name: 'all',
        username: 'deployer',
        tokenHash,
        scopes: [],
      });
    expect(await create(group.id, 'a')).toMatchObject({
      username: 'deployer',
      place: { kind: 'group', id: group.id, fullPath: 'acme/team' },
    });
    await expect(create(group.id, 'a')).rejects.toMatchObject({ constraint: 'deploy_tokens_token_hash' });
    await expect(create(99, 'b')).rejects.toThrow(MissingOwner);
  });

  test('deploy tokens are listed oldest first, by place and by whether they still work', async () => {
    const database = await open();
    const { deployTokens } = database;
    const project = await createProject(database, 'acme/shop');
    const ofGroup = { groupId: project.groupId };
    const ofProject = { projectId: project.id };
    const create = (place: typeof ofGroup | typeof ofProject, name: string, expiresAt?: number) =>
      deployTokens.create({ place, name, tokenHash: name, scopes: [], expiresAt });
    await create(ofProject, 'works');
    await create(ofProject, 'works for now', clock.now + 1);
    await create(ofProject, 'expired', clock.now);
    const { id } = await create(ofProject, 'revoked');
    expect(await deployTokens.revoke(id)).toBe(true);
    expect(await deployTokens.revoke(id)).toBe(false);
    await create(ofGroup, 'of the group');
    const names = async (filter: DeployTokenFilter) =>
      (await deployTokens.list(filter, all)).records.map((token) => token.name);
    expect(await names({})).toEqual(['works', 'works for now', 'expired', 'revoked', 'of the group']);
    expect(await names({ place: ofProject, isActive: true })).toEqual(['works', 'works for now']);
    expect(await names({ place: ofProject, isActive: false })).toEqual(['expired', 'revoked']);
    expect(await names({ place: ofGroup })).toEqual(['of the group']);
    expect(await deployTokens.list({ place: ofProject }, { page: 2, perPage: 3 })).toMatchObject({
      total: 4,
      records: [{ name: 'revoked' }],
    });
  });

  test('a job token is found until it is removed, and tells its project and for whom it runs', async () => {
    const database = await open();
    const { jobTokens } = database;
    const project = await createProject(database, 'acme/shop');
    const userId = await createUser(database, 'ada');
    const job = { projectId: project.id, userId, name: 'build', accessLevel: 30 };
    const token = await jobTokens.create({ ...job, tokenHash: 'abc', expiresAt: clock.now + 1000 });
    expect(token).toEqual({
      id: token.id,
      ...job,
      tokenHash: 'abc',
      projectPath: 'acme/shop',
      trustId: undefined,
      createdAt: clock.now,
      expiresAt: clock.now + 1000,
      revokedAt: undefined,
    });
    expect(await jobTokens.find(token.id)).toEqual(token);
    expect(await jobTokens.findByHash('abc')).toEqual(token);
    const twice = jobTokens.create({ ...job, tokenHash: 'abc', expiresAt: 1 });
    await expect(twice).rejects.toMatchObject({ constraint: 'job_tokens_token_hash' });
    expect(await jobTokens.revoke(token.id)).toBe(true);
    expect(await jobTokens.revoke(token.id)).toBe(false);
    expect((await jobTokens.find(token.id))?.revokedAt).toBe(clock.now);
  });

  test('job tokens are listed newest first, and go when their time is over, or their user or project is gone', async () => {
    const database = await open();
    const { jobTokens } = database;
    const [shop, site] = [
      await createProject(database, 'acme/shop'),
      await createProject(database, 'acme/site'),
    ];
    const userId = await createUser(database, 'ada');
    const create = (projectId: number, name: string, expiresAt: number, user?: number) =>
      jobTokens.create({ projectId, userId: user, name, accessLevel: 30, tokenHash: name, expiresAt });
    const later = clock.now + 1000;
    await create(shop.id, 'over', clock.now);
    await create(shop.id, 'runs', later);
    await create(shop.id, 'runs for ada', later, userId);
    await create(site.id, 'elsewhere', later);
    const names = async (filter: Parameters<typeof jobTokens.list>[0]) =>
      (await jobTokens.list(filter, all)).records.map((token) => token.name);
    expect(await names({ projectId: shop.id })).toEqual(['runs for ada', 'runs', 'over']);
    expect(await names({ isActive: true })).toEqual(['elsewhere', 'runs for ada', 'runs']);
    expect(await jobTokens.removeExpired(clock.now)).toBe(1);
    await database.users.remove(userId);
    expect(await names({})).toEqual(['elsewhere', 'runs']);
    await database.projects.remove(site.id);
    expect(await names({})).toEqual(['runs']);
  });

  test('a trust keeps its claims, is found by its issuer, and takes its job tokens with it', async () => {
    const database = await open();
    const { oidcTrusts, jobTokens } = database;
    const project = await createProject(database, 'acme/shop');
    const values = {
      name: 'main branch',
      issuer: 'https://gitlab.example',
      audience: 'https://registry.example',
      jwksUrl: 'https://gitlab.example/keys',
      claims: { project_path: 'acme/shop', 'ref"': 'release-*' },
      projectId: project.id,
      accessLevel: 30,
    };
    const trust = await oidcTrusts.create(values);
    expect(trust).toEqual({ id: trust.id, ...values, projectPath: 'acme/shop', createdAt: clock.now });
    const other = await oidcTrusts.create({
      ...values,
      issuer: 'https://gitlab.example/',
      jwksUrl: undefined,
    });
    expect(await oidcTrusts.find(trust.id)).toEqual(trust);
    expect(await oidcTrusts.listByIssuer('https://gitlab.example')).toEqual([trust]);
    expect(await oidcTrusts.listByIssuer('https://other.example')).toEqual([]);
    expect(await oidcTrusts.list({}, all)).toEqual({ records: [trust, other], total: 2, hasMore: false });
    expect((await oidcTrusts.list({ projectId: project.id + 1 }, all)).total).toBe(0);
    await expect(oidcTrusts.create({ ...values, projectId: 99 })).rejects.toThrow(MissingOwner);

    const job = { projectId: project.id, name: 'job', accessLevel: 30, expiresAt: clock.now + 1000 };
    const exchanged = await jobTokens.create({ ...job, trustId: trust.id, tokenHash: 'a' });
    const minted = await jobTokens.create({ ...job, tokenHash: 'b' });
    expect(exchanged.trustId).toBe(trust.id);
    expect(await oidcTrusts.remove(trust.id)).toBe(true);
    expect(await oidcTrusts.remove(trust.id)).toBe(false);
    expect(await jobTokens.find(exchanged.id)).toBeUndefined();
    expect(await jobTokens.find(minted.id)).toEqual(minted);
  });

  test('a group takes all tokens and trusts of its subgroups and projects with it', async () => {
    const database = await open();
    const project = await createProject(database, 'acme/team/shop');
    const { id: projectId, groupId } = project;
    const values = { name: 'x', scopes: [], tokenHash: 'a' };
    const ofGroup = await database.deployTokens.create({ ...values, place: { groupId } });
    const ofProject = await database.deployTokens.create({ ...values, tokenHash: 'b', place: { projectId } });
    const trust = await database.oidcTrusts.create({
      ...{ name: 'x', issuer: 'i', audience: 'a', claims: {} },
      projectId,
      accessLevel: 30,
    });
    const bot = await database.users.create({ username: 'b', name: 'b', isAdmin: false, botOf: { groupId } });
    const { id: userId } = bot;
    const token = await database.accessTokens.create({ userId, name: 'x', tokenHash: 'c', scopes: [] });
    const top = await database.groups.findByPath('acme');
    await database.groups.remove(top?.id ?? 0);
    expect(await database.deployTokens.find(ofGroup.id)).toBeUndefined();
    expect(await database.deployTokens.find(ofProject.id)).toBeUndefined();
    expect(await database.oidcTrusts.find(trust.id)).toBeUndefined();
    expect(await database.users.find(userId)).toBeUndefined();
    expect(await database.accessTokens.find(token.id)).toBeUndefined();
  });
});
