import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
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
      entity_id: String(team),
      details: { group_path: 'other/team', change: { from: 'acme/team', to: 'other/team' } },
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
      details: { group_path: 'other', project_path: 'other/shop', change: { from: 'acme/team/shop' } },
    });
  });

  test('nothing goes whose images would be lost, and who asks is told what to do', async () => {
    const { api, acme, team, other, shop } = await start();
    const { id } = await createRepository(api.database, 'acme/team/shop/web');
    await api.database.repositoryManifests.save(id, manifestOf('{}'));
    const message = expect.stringMatching(/acme\/team\/shop\/web.*Copy.*delete.*transfer then/);
    for (const [method, path, body] of [
      ['PUT', `/projects/${shop}/transfer`, { namespace: other }],
      ['POST', `/groups/${team}/transfer`, { group_id: other }],
      ['POST', `/groups/${acme}/transfer`, { group_id: other }],
    ] as const) {
      expect(await api.ask(method, path, body)).toMatchObject({ status: 409, body: { message } });
    }
    expect(await pathOf(api, shop)).toBe('acme/team/shop');
  });

  test('an emptied repository does not hold a project back, and what it linked is reviewed', async () => {
    const { api, shop, place } = await start();
    const { id } = await createRepository(api.database, 'acme/team/shop/web');
    await linkBlob(api.database, id, 'left over', 10);
    expect(await api.ask('PUT', `/projects/${shop}/transfer`, { namespace: 'other' })).toMatchObject({
      status: 200,
    });
    expect(await api.database.repositories.findByName('acme/team/shop/web')).toBeUndefined();
    expect(await readBlobReviews(place)).toHaveLength(1);
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
