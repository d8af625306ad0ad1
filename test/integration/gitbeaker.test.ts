/** GitLab's clients drive the whole server: https://github.com/jdalrymple/gitbeaker */
import { Gitlab } from '@gitbeaker/rest';
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { describeApp } from '../support/describe-app.ts';

const believedMs = 1000;

/** What a response of /jwt/auth grants, of the actions that are asked for. */
async function granted(app: TestApp, username: string, secret: string, name: string): Promise<string[]> {
  const query = new URLSearchParams({
    service: 'container_registry',
    scope: `repository:${name}:pull,push,delete`,
  });
  const basic = Buffer.from(`${username}:${secret}`).toString('base64');
  const answer = await fetch(`${app.url}/jwt/auth?${query}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  if (!answer.ok) return [];
  const { token } = (await answer.json()) as { token: string };
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return claims.access.flatMap((grant: { actions: string[] }) => grant.actions);
}

describeApp('@gitbeaker/rest', (start) => {
  const asGitlab = (app: TestApp, token: string = app.token) => new Gitlab({ host: app.url, token });

  test('makes groups, projects, users and members, changes them, and deletes them', async () => {
    await using app = await start();
    const gitlab = asGitlab(app);
    const acme = await gitlab.Groups.create('Acme', 'acme');
    const team = await gitlab.Groups.create('Team', 'team', { parentId: acme.id });
    expect(team).toMatchObject({ full_path: 'acme/team', parent_id: acme.id });
    expect(await gitlab.Groups.edit(acme.id, { visibility: 'internal' })).toMatchObject({
      visibility: 'internal',
    });
    expect(await gitlab.Groups.allSubgroups('acme')).toMatchObject([{ id: team.id }]);

    const shop = await gitlab.Projects.create({
      name: 'Shop',
      namespaceId: team.id,
      containerRegistryAccessLevel: 'private',
    });
    expect(shop).toMatchObject({
      path_with_namespace: 'acme/team/shop',
      container_registry_enabled: true,
      container_registry_access_level: 'private',
    });
    expect(await gitlab.Projects.edit(shop.id, { containerRegistryAccessLevel: 'disabled' })).toMatchObject({
      container_registry_enabled: false,
      container_registry_access_level: 'disabled',
    });
    expect(await gitlab.Projects.show('acme/team/shop')).toMatchObject({ id: shop.id });
    expect(await gitlab.Groups.allProjects(team.id)).toMatchObject([{ id: shop.id }]);

    const dana = await gitlab.Users.create({
      username: 'dana',
      name: 'Dana',
      email: 'dana@example.com',
      password: 'four words and more',
    });
    expect(await gitlab.Users.edit(dana.id, { name: 'Dana D.' })).toMatchObject({ name: 'Dana D.' });
    expect(await gitlab.Users.all({ username: 'dana' })).toMatchObject([{ id: dana.id }]);
    expect(await gitlab.Users.showCurrentUser()).toMatchObject({ username: 'root' });
    await gitlab.Users.block(dana.id);
    expect(await gitlab.Users.show(dana.id)).toMatchObject({ state: 'blocked' });
    await gitlab.Users.unblock(dana.id);

    await gitlab.GroupMembers.add(acme.id, 20, { userId: dana.id, expiresAt: '2099-01-01' });
    expect(await gitlab.GroupMembers.edit(acme.id, dana.id, 30)).toMatchObject({ access_level: 30 });
    await gitlab.ProjectMembers.add(shop.id, 40, { username: 'dana' });
    expect(await gitlab.ProjectMembers.show(shop.id, dana.id)).toMatchObject({ access_level: 40 });
    expect(await gitlab.GroupMembers.show(team.id, dana.id, { includeInherited: true })).toMatchObject({
      access_level: 30,
    });
    expect(await gitlab.ProjectMembers.all(shop.id, { includeInherited: true })).toMatchObject([
      { username: 'root', access_level: 50 },
      { username: 'dana', access_level: 40 },
    ]);
    await gitlab.ProjectMembers.remove(shop.id, dana.id);
    await gitlab.GroupMembers.remove(acme.id, dana.id);

    expect(await gitlab.Projects.transfer(shop.id, 'acme')).toMatchObject({
      path_with_namespace: 'acme/shop',
    });
    expect(await gitlab.Groups.transfer(team.id, {})).toMatchObject({ full_path: 'team' });

    await gitlab.Users.remove(dana.id);
    await gitlab.Projects.remove(shop.id);
    await gitlab.Groups.remove(acme.id);
    await gitlab.Groups.remove(team.id);
    expect(await gitlab.Groups.all()).toMatchObject([{ full_path: 'default' }]);
    await expect(gitlab.Users.show(dana.id)).rejects.toMatchObject({
      cause: { description: '404 User Not Found' },
    });
  });

  test('makes tokens of each kind, which pull and push as far as they say, until they are revoked', async () => {
    await using app = await start();
    const gitlab = asGitlab(app);
    const acme = await gitlab.Groups.create('Acme', 'acme');
    const shop = await gitlab.Projects.create({ name: 'shop', namespaceId: acme.id });
    const dana = await gitlab.Users.create({ username: 'dana', name: 'Dana', email: 'dana@example.com' });
    await gitlab.GroupMembers.add(acme.id, 30, { userId: dana.id });
    const image = 'acme/shop/web';
    const [readWrite, day] = [['read_registry', 'write_registry'] as const, '2099-01-01'];
    const both = [...readWrite];

    const personal = await gitlab.PersonalAccessTokens.create(dana.id, 'laptop', both);
    const ofGroup = await gitlab.GroupAccessTokens.create(acme.id, 'ci', both, day, { accessLevel: 30 });
    const ofProject = await gitlab.ProjectAccessTokens.create(shop.id, 'ci', ['read_registry'], day, {
      accessLevel: 20,
    });
    const groupDeploy = await gitlab.DeployTokens.create('pulls', ['read_registry'], { groupId: acme.id });
    const projectDeploy = await gitlab.DeployTokens.create('pushes', both, { projectId: shop.id });

    expect(await granted(app, 'dana', personal.token, image)).toEqual(['pull', 'push', 'delete']);
    expect(await granted(app, 'anyone', ofGroup.token, image)).toEqual(['pull', 'push', 'delete']);
    expect(await granted(app, 'anyone', ofProject.token, image)).toEqual(['pull']);
    expect(await granted(app, groupDeploy.username, groupDeploy.token, image)).toEqual(['pull']);
    expect(await granted(app, projectDeploy.username, projectDeploy.token, image)).toEqual(['pull', 'push']);

    const rotated = await gitlab.GroupAccessTokens.rotate(acme.id, ofGroup.id, { expiresAt: '2099-02-01' });
    expect(rotated).toMatchObject({ name: 'ci', access_level: 30, expires_at: '2099-02-01' });
    const anew = await gitlab.PersonalAccessTokens.rotate(personal.id);
    app.advance(believedMs);
    expect(await granted(app, 'anyone', ofGroup.token, image)).toEqual([]);
    expect(await granted(app, 'anyone', rotated.token, image)).toEqual(['pull', 'push', 'delete']);
    expect(await granted(app, 'dana', anew.token, image)).toEqual(['pull', 'push', 'delete']);

    expect(await gitlab.GroupAccessTokens.all(acme.id)).toHaveLength(2);
    expect(await gitlab.ProjectAccessTokens.show(shop.id, ofProject.id)).toMatchObject({ access_level: 20 });
    expect(await gitlab.DeployTokens.all()).toHaveLength(2);
    expect(await gitlab.DeployTokens.show(groupDeploy.id, { groupId: acme.id })).toMatchObject({
      name: 'pulls',
    });

    await gitlab.PersonalAccessTokens.remove({ tokenId: anew.id });
    await gitlab.GroupAccessTokens.revoke(acme.id, rotated.id);
    await gitlab.ProjectAccessTokens.revoke(shop.id, ofProject.id);
    await gitlab.DeployTokens.remove(groupDeploy.id, { groupId: acme.id });
    await gitlab.DeployTokens.remove(projectDeploy.id, { projectId: shop.id });
    app.advance(believedMs);
    for (const [username, secret] of [
      ['dana', anew.token],
      ['anyone', rotated.token],
      ['anyone', ofProject.token],
      [groupDeploy.username, groupDeploy.token],
      [projectDeploy.username, projectDeploy.token],
    ] as const) {
      expect(await granted(app, username, secret, image)).toEqual([]);
    }
  });

  test('reads what was made, page by page, and the token that it comes with', async () => {
    await using app = await start();
    const gitlab = asGitlab(app);
    const acme = await gitlab.Groups.create('Acme', 'acme', { visibility: 'internal', description: 'Ours' });
    for (const name of ['one', 'two', 'three']) await gitlab.Projects.create({ name, namespaceId: acme.id });
    expect(await gitlab.Groups.show('acme')).toMatchObject({ id: acme.id, description: 'Ours' });
    expect((await gitlab.Groups.all({ search: 'acm' })).map(({ path }) => path)).toEqual(['acme']);
    const pages = await gitlab.Projects.all({ perPage: 2, showExpanded: true, maxPages: 1 });
    expect(pages.data).toHaveLength(2);
    expect(pages.paginationInfo).toMatchObject({ total: 3, next: 2, current: 1, perPage: 2, totalPages: 2 });
    expect(await gitlab.Projects.all({ perPage: 2 })).toHaveLength(3);
    expect(await gitlab.GroupMembers.all(acme.id)).toMatchObject([{ username: 'root', access_level: 50 }]);

    const dana = await gitlab.Users.create({ username: 'dana', name: 'Dana', email: 'dana@example.com' });
    const own = await gitlab.PersonalAccessTokens.create(dana.id, 'own', ['api'], {
      expiresAt: '2099-01-01',
    });
    const asDana = asGitlab(app, own.token);
    expect(await asDana.PersonalAccessTokens.show()).toMatchObject({
      id: own.id,
      user_id: dana.id,
      active: true,
    });
    expect(await gitlab.PersonalAccessTokens.show({ tokenId: own.id })).toMatchObject({ name: 'own' });
    expect(await gitlab.PersonalAccessTokens.all({ userId: dana.id, state: 'active' })).toHaveLength(1);
    const ofProject = await gitlab.ProjectAccessTokens.create('acme/one', 'ci', ['api'], '2099-01-01');
    const rotated = await gitlab.ProjectAccessTokens.rotate('acme/one', ofProject.id, {
      expiresAt: '2099-02-01',
    });
    expect(await gitlab.ProjectAccessTokens.all('acme/one')).toMatchObject([
      { id: rotated.id, active: true, expires_at: '2099-02-01' },
      { id: ofProject.id, revoked: true },
    ]);
    await asDana.PersonalAccessTokens.remove();
    app.advance(believedMs);
    await expect(asDana.Users.showCurrentUser()).rejects.toThrow(/invalid_token/);
  });

  test('is told why something cannot be', async () => {
    await using app = await start();
    const gitlab = asGitlab(app);
    const acme = await gitlab.Groups.create('Acme', 'acme');
    const owner = await gitlab.Users.create({ username: 'owner', name: 'Owner', email: 'owner@example.com' });
    await gitlab.GroupMembers.add(acme.id, 50, { userId: owner.id });
    const root = await gitlab.Users.showCurrentUser();
    await gitlab.GroupMembers.remove(acme.id, root.id);
    await expect(gitlab.Users.remove(owner.id)).rejects.toThrow(/only Owner of acme/);
    await expect(gitlab.GroupMembers.remove(acme.id, owner.id)).rejects.toThrow(/last Owner/);
    await expect(asGitlab(app, 'ent-nobody-has-this-one').Groups.all()).rejects.toThrow(/401 Unauthorized/);
  });
});
