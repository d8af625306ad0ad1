import { expect, test } from 'vitest';
import { parseTag } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { documentedMessage } from '../support/documented-messages.ts';
import { createRepository, linkBlob, manifestOf } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';
import { readBlobReviews } from '../support/review-rows.ts';

describeEachDatabase('transfers', (open, { clock, createPlace }) => {
  /** The groups acme, with team in it, and other; the project acme/team/shop. */
  async function start() {
    const place = await createPlace();
    const api = await RestApi.start(await open(place), clock);
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    const other = await api.createGroup('other');
    const shop = await api.createProject(team, 'shop');
    return { api, acme, team, other, shop, place };
  }

  const pathOf = async (api: RestApi, project: number) =>
    (await api.ask('GET', `/projects/${project}`)).body.path_with_namespace;

  test('a group goes to another one with all that is below it', async () => {
    const { api, team, other, shop } = await start();
    const inner = await api.createGroup('inner', 'private', team);
    const member = await api.createMember(team, 'dana', 20);
    expect(await api.ask('POST', `/groups/${team}/transfer`, { group_id: other })).toMatchObject({
      status: 201,
      body: { id: team, full_path: 'other/team', parent_id: other, full_name: 'other / team' },
    });
    expect(await pathOf(api, shop)).toBe('other/team/shop');
    expect((await api.ask('GET', `/groups/${inner}`)).body.full_path).toBe('other/team/inner');
    expect(await api.as(member, 'GET', '/projects/other%2Fteam%2Fshop')).toMatchObject({ status: 200 });
    expect(await api.ask('GET', '/groups/acme%2Fteam')).toMatchObject({ status: 404 });
    const [event] = (await api.ask('GET', '/audit_events')).body;
    expect(event).toMatchObject({
      event_name: 'group.transfer',
      entity_id: team,
      details: { group_path: 'other/team', attributes: { from: 'acme/team', to: 'other/team' } },
    });
  });

  test('a group goes to the top, and whoever takes it there owns it', async () => {
    const { api, team, shop } = await start();
    expect(await api.ask('POST', `/groups/${team}/transfer`)).toMatchObject({
      status: 201,
      body: { full_path: 'team', parent_id: null },
    });
    expect(await pathOf(api, shop)).toBe('team/shop');
    expect((await api.ask('GET', `/groups/${team}/members`)).body).toMatchObject([
      { username: 'root', access_level: 50 },
    ]);
  });

  test('a project goes to another group', async () => {
    const { api, other, shop } = await start();
    expect(await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: 'other' })).toMatchObject({
      status: 200,
      body: { id: shop, path_with_namespace: 'other/shop', namespace: { id: other } },
    });
    const [event] = (await api.ask('GET', '/audit_events')).body;
    expect(event).toMatchObject({
      event_name: 'project.transfer',
      details: { group_path: 'other', project_path: 'other/shop', attributes: { from: 'acme/team/shop' } },
    });
  });

  test('images go along, called by the new path, and nothing of them comes up for review', async () => {
    const { api, team, other, shop, place } = await start();
    const { id } = await createRepository(api.database, 'acme/team/shop/web');
    await linkBlob(api.database, id, 'layer', 10);
    const manifest = manifestOf('{}');
    await api.database.repositoryManifests.save(id, manifest);
    await api.database.tags.put(id, parseTag('v1'), manifest.digest);
    const upload = { projectId: shop, repository: 'acme/team/shop/web', writer: 'user:1' };
    await api.database.uploads.create({ ...upload, id: 'u1', startedAt: 0, expiresAt: 1e15 });
    expect(await api.ask('POST', `/groups/${team}/transfer`, { group_id: other })).toMatchObject({
      status: 201,
    });
    expect(await api.database.repositories.findByName('acme/team/shop/web')).toBeUndefined();
    const moved = await api.database.repositories.findByName('other/team/shop/web');
    expect(moved).toMatchObject({ id, projectId: shop });
    expect(await api.database.tags.find(id, parseTag('v1'))).toBe(manifest.digest);
    expect(await api.database.uploads.find('u1')).toMatchObject({ repository: 'other/team/shop/web' });
    expect(await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: other })).toMatchObject({
      status: 200,
    });
    expect(await api.database.repositories.findByName('other/shop/web')).toMatchObject({ id });
    expect(await readBlobReviews(place)).toEqual([]);
  });

  test('a group or project gets another path, and all that is called by it with it', async () => {
    const { api, acme, team, shop } = await start();
    const { id } = await createRepository(api.database, 'acme/team/shop/web');
    const registry = await api.createRegistry(acme, 'base');
    const upstream = await api.createUpstream(registry, 'shop', { url: 'entrepot:acme/team/shop' });
    api.forgotten.length = 0;
    expect(await api.ask('PUT', `/projects/${shop}`, { path: 'Store', name: 'The Store' })).toMatchObject({
      status: 200,
      body: { path: 'store', path_with_namespace: 'acme/team/store', name: 'The Store' },
    });
    expect(await api.ask('PUT', `/groups/${team}`, { path: 'crew' })).toMatchObject({
      status: 200,
      body: { path: 'crew', full_path: 'acme/crew' },
    });
    expect(await api.ask('PUT', `/groups/${acme}`, { path: 'corp' })).toMatchObject({ status: 200 });
    expect(api.forgotten).toEqual([team, team, acme]);
    expect(await api.database.repositories.findByName('corp/crew/store/web')).toMatchObject({ id });
    expect(await pathOf(api, shop)).toBe('corp/crew/store');
    const shown = await api.ask('GET', `/virtual_registries/container/upstreams/${upstream.id}`);
    expect(shown.body.url).toBe('entrepot:corp/crew/store');
    const events = (await api.ask('GET', '/audit_events')).body.map(
      ({ event_name, details }: { event_name: string; details: { attributes: object } }) => [
        event_name,
        details.attributes,
      ],
    );
    expect(events).toEqual(
      expect.arrayContaining([
        ['project.rename', { from: 'acme/team/shop', to: 'acme/team/store', group_id: team }],
        ['group.rename', { from: 'acme/team', to: 'acme/crew' }],
        ['group.rename', { from: 'acme', to: 'corp' }],
      ]),
    );
  });

  test('a path that is the same changes nothing, and one that is taken or none is refused', async () => {
    const { api, acme, team, other, shop } = await start();
    const rename = (path: string, to: unknown) => api.ask('PUT', path, { path: to });
    expect(await rename(`/projects/${shop}`, 'shop')).toMatchObject({ status: 200 });
    expect(await rename(`/groups/${team}`, 'TEAM')).toMatchObject({ status: 200 });
    const taken = { status: 400, body: { message: { path: ['has already been taken'] } } };
    await api.createGroup('store', 'private', team);
    await api.createProject(acme, 'crew');
    expect(await rename(`/projects/${shop}`, 'store')).toMatchObject(taken);
    expect(await rename(`/groups/${team}`, 'crew')).toMatchObject(taken);
    expect(await rename(`/groups/${other}`, 'acme')).toMatchObject(taken);
    for (const path of ['a b', 'a/b', '7'])
      expect(await rename(`/projects/${shop}`, path)).toMatchObject({ status: 400 });
    expect(await rename(`/groups/${team}`, '')).toMatchObject({
      status: 400,
      body: { error: 'path is empty' },
    });
    expect(await rename(`/groups/${other}`, 'virtual_registries')).toMatchObject({ status: 400 });
    await createRepository(api.database, `acme/team/shop/${'a'.repeat(100)}`);
    expect(await rename(`/groups/${team}`, 'b'.repeat(150))).toMatchObject({
      status: 400,
      body: { message: { path: ['is too long together with the paths below it'] } },
    });
  });

  test('Maintainers rename projects, Owners groups', async () => {
    const { api, acme, team, shop } = await start();
    const developer = await api.createMember(acme, 'developer', 30);
    const maintainer = await api.createMember(acme, 'maintainer', 40);
    const owner = await api.createMember(acme, 'owner', 50);
    const body = { path: 'new' };
    expect(await api.as(developer, 'PUT', `/projects/${shop}`, body)).toMatchObject({ status: 403 });
    expect(await api.as(maintainer, 'PUT', `/groups/${team}`, body)).toMatchObject({ status: 403 });
    expect(await api.as(maintainer, 'PUT', `/projects/${shop}`, body)).toMatchObject({ status: 200 });
    expect(await api.as(owner, 'PUT', `/groups/${team}`, body)).toMatchObject({ status: 200 });
    expect(await pathOf(api, shop)).toBe('acme/new/new');
  });

  test('what comes into a group counts against its quota, unless it was in it before', async () => {
    const { api, acme, team, other, shop } = await start();
    const { id } = await createRepository(api.database, 'acme/team/shop/web');
    await linkBlob(api.database, id, 'layer', 100);
    await api.ask('PUT', `/groups/${other}`, { container_registry_quota_bytes: 99 });
    await api.ask('PUT', `/groups/${acme}`, { container_registry_quota_bytes: 50 });
    const refused = {
      status: 409,
      body: {
        message: expect.stringMatching(
          documentedMessage('A project, group or repository cannot be renamed or moved', 'HTTP'),
        ),
      },
    };
    expect(await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: other })).toMatchObject(refused);
    expect(await api.ask('POST', `/groups/${team}/transfer`, { group_id: other })).toMatchObject(refused);
    expect(await pathOf(api, shop)).toBe('acme/team/shop');
    expect(await api.database.repositories.findByName('acme/team/shop/web')).toMatchObject({ id });
    // Over its quota already, and it has no more after it.
    expect(await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: acme })).toMatchObject({
      status: 200,
    });
  });

  test('a push that began before cannot bring the old name back', async () => {
    const { api, shop } = await start();
    await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: 'other' });
    const late = api.database.transaction((tx) => tx.repositories.ensure(shop, 'acme/team/shop/web'));
    await expect(late).rejects.toMatchObject({ name: 'MissingOwner' });
    expect(await api.database.repositories.findByName('acme/team/shop/web')).toBeUndefined();
  });

  test('upstreams that show what goes follow it', async () => {
    const { api, acme, shop } = await start();
    const registry = await api.createRegistry(acme, 'base');
    const [whole, part] = [
      await api.createUpstream(registry, 'shop', { url: 'entrepot:acme/team/shop' }),
      await api.createUpstream(registry, 'team', { url: 'entrepot:acme/team' }),
    ];
    await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: acme });
    const urlOf = async ({ id }: { id: number }) =>
      (await api.ask('GET', `/virtual_registries/container/upstreams/${id}`)).body.url;
    expect(await urlOf(whole)).toBe('entrepot:acme/shop');
    expect(await urlOf(part)).toBe('entrepot:acme/team');
  });

  test('a group with virtual registries stays at the top', async () => {
    const { api, acme, other } = await start();
    await api.createRegistry(acme, 'base');
    expect(await api.ask('POST', `/groups/${acme}/transfer`, { group_id: other })).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('virtual registries') },
    });
  });

  test('where nothing can go is refused with the reason', async () => {
    const { api, acme, team, other, shop } = await start();
    const inner = await api.createGroup('inner', 'private', team);
    await api.createProject(other, 'team');
    await api.createGroup('shop', 'private', acme);
    const transfer = (group: number, body?: object) =>
      api.ask('POST', `/groups/${group}/transfer`, { ...body });
    const bad = (text: string) => ({ status: 400, body: { message: `400 Bad request - ${text}` } });
    expect(await transfer(acme, { group_id: inner })).toMatchObject(bad('a group cannot go into itself'));
    expect(await transfer(team, { group_id: team })).toMatchObject(bad('a group cannot go into itself'));
    expect(await transfer(team, { group_id: acme })).toMatchObject(bad('the group is there already'));
    expect(await transfer(acme)).toMatchObject(bad('the group is there already'));
    const taken = { status: 400, body: { message: { path: ['has already been taken'] } } };
    expect(await transfer(team, { group_id: other })).toMatchObject(taken);
    expect(await transfer(team, { group_id: 'nowhere' })).toMatchObject({ status: 404 });
    const project = (namespace?: unknown) => api.ask('PUT', `/projects/${shop}/transfer`, { namespace });
    expect(await project(acme)).toMatchObject(taken);
    expect(await project(team)).toMatchObject(bad('the project is in this group'));
    expect(await project()).toMatchObject({ status: 400, body: { error: 'namespace is missing' } });
    expect(await project('nowhere')).toMatchObject({ status: 404 });
  });

  test('what is below must still have a name at the new place', async () => {
    const { api, team } = await start();
    const deep = await api.createGroup('b'.repeat(200));
    await api.createProject(team, 'a'.repeat(100));
    expect(await api.ask('POST', `/groups/${team}/transfer`, { group_id: deep })).toMatchObject({
      status: 400,
      body: { message: { path: ['is too long together with the paths below it'] } },
    });
  });

  test('Owners transfer to where they may create, and nobody else', async () => {
    const { api, acme, other, team, shop } = await start();
    const owner = await api.createMember(acme, 'owner', 50);
    const maintainer = await api.createMember(acme, 'maintainer', 40);
    const toOther = { group_id: other };
    expect(await api.as(maintainer, 'POST', `/groups/${team}/transfer`, toOther)).toMatchObject({
      status: 403,
    });
    expect(await api.as(maintainer, 'PUT', `/projects/${shop}/transfer`, { namespace: acme })).toMatchObject({
      status: 403,
    });
    expect(await api.as(owner, 'POST', `/groups/${team}/transfer`, toOther)).toMatchObject({ status: 404 });
    expect(await api.as(owner, 'POST', `/groups/${team}/transfer`)).toMatchObject({ status: 403 });
    await api.ask('POST', `/groups/${other}/members`, { user_id: owner.id, access_level: 40 });
    expect(await api.as(owner, 'POST', `/groups/${team}/transfer`, toOther)).toMatchObject({ status: 403 });
    expect(await api.as(owner, 'PUT', `/projects/${shop}/transfer`, { namespace: other })).toMatchObject({
      status: 200,
    });
  });
});
