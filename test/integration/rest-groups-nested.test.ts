import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository, linkBlob } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';
import { readBlobReviews } from '../support/review-rows.ts';

const levels = { guest: 10, planner: 15, reporter: 20, developer: 30, maintainer: 40, owner: 50 };

describeEachDatabase('groups in groups', (open, { clock, createPlace }) => {
  /** The private group acme, with team in it, and inner in that. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    const inner = await api.createGroup('inner', 'private', team);
    return { api, acme, team, inner };
  }

  test('a subgroup is called by the names and paths of the groups around it', async () => {
    const { api, acme, team, inner } = await start();
    await api.ask('PUT', `/groups/${acme}`, { name: 'Acme' });
    await api.ask('PUT', `/groups/${team}`, { name: 'The Team' });
    expect(await api.ask('GET', '/groups/acme%2Fteam%2Finner')).toMatchObject({
      status: 200,
      body: {
        id: inner,
        parent_id: team,
        name: 'inner',
        full_name: 'Acme / The Team / inner',
        full_path: 'acme/team/inner',
        web_url: 'https://registry.example/groups/acme/team/inner',
      },
    });
    expect((await api.ask('GET', '/groups?search=team')).body).toMatchObject([
      { full_name: 'Acme / The Team' },
      { full_name: 'Acme / The Team / inner' },
    ]);
  });

  test('owners of a group create groups in it, and nobody below them', async () => {
    const { api, acme } = await start();
    for (const [username, level] of Object.entries(levels)) {
      const user = await api.createMember(acme, username, level);
      const answer = await api.as(user, 'POST', '/groups', { name: 'x', path: username, parent_id: acme });
      expect(answer).toMatchObject(
        username === 'owner'
          ? { status: 201, body: { full_path: 'acme/owner', parent_id: acme } }
          : { status: 403, body: { message: '403 Forbidden' } },
      );
    }
  });

  test('whether a private group exists is not told to whoever wants to create one in it', async () => {
    const { api, acme } = await start();
    const stranger = await api.createUser('stranger');
    for (const parent_id of [acme, 4711]) {
      expect(await api.as(stranger, 'POST', '/groups', { name: 'a', path: 'a', parent_id })).toMatchObject({
        status: 404,
        body: { message: '404 Group Not Found' },
      });
    }
  });

  test('a path that cannot be that of a subgroup is refused with the reason', async () => {
    const { api, acme, team } = await start();
    await api.createProject(acme, 'shop');
    const long = await api.createGroup('a'.repeat(200), 'private', team);
    for (const [parent_id, path, fault] of [
      [acme, 'Team', 'has already been taken'],
      [acme, 'SHOP', 'has already been taken'],
      [acme, '12', 'can not be a number'],
      [acme, 'a/b', "can contain only letters, digits, and '_', '-', '.' between them"],
      [long, 'b'.repeat(50), 'is too long together with the path of its group'],
    ] as const) {
      expect(await api.ask('POST', '/groups', { name: 'a', path, parent_id })).toMatchObject({
        status: 400,
        body: { message: { path: [fault] } },
      });
    }
    expect(
      await api.ask('POST', '/groups', { name: 'a', path: 'virtual_registries', parent_id: acme }),
    ).toMatchObject({ status: 201 });
  });

  test('subgroups are listed for who may know of them: those directly below, searched and in pages', async () => {
    const { api, acme, team, inner } = await start();
    const open = await api.createGroup('open', 'public', acme);
    const guest = await api.createMember(acme, 'guest', 10);
    await api.ask('PUT', `/groups/${acme}`, { visibility: 'internal' });
    const stranger = await api.createUser('stranger');
    const ids = (answer: { body: { id: number }[] }) => answer.body.map(({ id }) => id);
    expect(ids(await api.as(guest, 'GET', `/groups/${acme}/subgroups`))).toEqual([open, team]);
    expect(ids(await api.as(guest, 'GET', '/groups/acme%2Fteam/subgroups'))).toEqual([inner]);
    expect(ids(await api.as(stranger, 'GET', `/groups/${acme}/subgroups`))).toEqual([open]);
    expect(await api.as(stranger, 'GET', `/groups/${team}/subgroups`)).toMatchObject({ status: 404 });
    expect(ids(await api.ask('GET', `/groups/${acme}/subgroups?search=TEAM`))).toEqual([team]);
    const page = await api.ask('GET', `/groups/${acme}/subgroups?per_page=1&page=2`);
    expect(ids(page)).toEqual([team]);
    expect(page.headers.get('x-total')).toBe('2');
    expect(page.headers.get('link')).toContain(`/api/v4/groups/${acme}/subgroups?`);
  });

  test('a role in a group holds below it, never above it or beside it', async () => {
    const { api, acme, team, inner } = await start();
    const beside = await api.createGroup('beside', 'private', acme);
    const owner = await api.createMember(team, 'owner', 50);
    expect(await api.as(owner, 'PUT', `/groups/${inner}`, { name: 'a' })).toMatchObject({ status: 200 });
    for (const id of [acme, beside]) {
      expect(await api.as(owner, 'GET', `/groups/${id}`)).toMatchObject({ status: 404 });
    }
    expect((await api.as(owner, 'GET', '/groups')).body).toMatchObject([{ id: team }, { id: inner }]);
  });

  test('the highest role counts, as long as it has not expired', async () => {
    const { api, acme, inner } = await start();
    const ada = await api.createMember(inner, 'ada', 10);
    const expiresAt = clock.now + 60_000;
    await api.database.members.create({ groupId: acme, userId: ada.id, accessLevel: 50, expiresAt });
    const rename = () => api.as(ada, 'PUT', `/groups/${inner}`, { name: 'a' });
    expect(await rename()).toMatchObject({ status: 200 });
    clock.now += 60_000;
    expect(await rename()).toMatchObject({ status: 403 });
  });

  test('members with an inherited role give roles up to it', async () => {
    const { api, acme, inner } = await start();
    const maintainer = await api.createMember(acme, 'maintainer', 40);
    const ada = await api.createUser('ada');
    const give = (access_level: number) =>
      api.as(maintainer, 'POST', `/groups/${inner}/members`, { user_id: ada.id, access_level });
    expect(await give(50)).toMatchObject({ status: 403 });
    expect(await give(40)).toMatchObject({ status: 201, body: { id: ada.id, access_level: 40 } });
  });

  test('inherited members are listed once, with their highest role; direct ones alone in the other list', async () => {
    const { api, acme, team, inner } = await start();
    const ada = await api.createMember(acme, 'ada', 30);
    const bob = await api.createMember(team, 'bob', 20);
    const { members } = api.database;
    await members.create({ groupId: inner, userId: ada.id, accessLevel: 20 });
    await members.create({ groupId: inner, userId: bob.id, accessLevel: 40 });
    const gone = await api.createUser('gone');
    await members.create({ groupId: acme, userId: gone.id, accessLevel: 50, expiresAt: clock.now });
    await api.createMember(await api.createGroup('beside', 'private', acme), 'beside', 50);

    const all = await api.ask('GET', '/groups/acme%2Fteam%2Finner/members/all');
    expect(all.body).toMatchObject([
      { username: 'root', access_level: 50 },
      { id: ada.id, username: 'ada', access_level: 30, state: 'active', expires_at: null },
      { username: 'bob', access_level: 40 },
    ]);
    expect(all.headers.get('x-total')).toBe('3');
    expect((await api.ask('GET', `/groups/${inner}/members/all?per_page=1&page=2`)).body).toMatchObject([
      { username: 'ada' },
    ]);
    expect((await api.ask('GET', `/groups/${inner}/members`)).body).toMatchObject([
      { username: 'ada', access_level: 20 },
      { username: 'bob', access_level: 40 },
    ]);
    const stranger = await api.createUser('stranger');
    expect(await api.as(stranger, 'GET', `/groups/${inner}/members/all`)).toMatchObject({ status: 404 });
  });

  test('a quota is set from above: by owners of a group around it, and at the top by administrators', async () => {
    const { api, acme, team, inner } = await start();
    const above = await api.createMember(acme, 'above', 50);
    const owner = await api.createMember(team, 'owner', 50);
    const quota = { container_registry_quota_bytes: 5_000_000_000 };
    expect(await api.ask('PUT', `/groups/${acme}`, quota)).toMatchObject({ status: 200, body: quota });
    expect(await api.as(above, 'PUT', `/groups/${acme}`, quota)).toMatchObject({
      status: 403,
      body: { message: '403 Forbidden - only administrators set the quota of a top-level group' },
    });
    expect(await api.as(above, 'PUT', `/groups/${team}`, quota)).toMatchObject({ status: 200, body: quota });
    expect(await api.as(owner, 'PUT', `/groups/${team}`, quota)).toMatchObject({
      status: 403,
      body: { message: '403 Forbidden - only Owners of a group above it set the quota of a subgroup' },
    });
    expect(await api.as(owner, 'PUT', `/groups/${inner}`, quota)).toMatchObject({ status: 200 });
    const none = { container_registry_quota_bytes: null };
    expect(await api.as(owner, 'PUT', `/groups/${inner}`, none)).toMatchObject({ status: 200, body: none });
    expect(await api.ask('PUT', `/groups/${acme}`, { container_registry_quota_bytes: -1 })).toMatchObject({
      status: 400,
      body: { message: { container_registry_quota_bytes: ['must be greater than or equal to 0'] } },
    });
    expect(
      await api.ask('PUT', `/groups/${acme}`, { container_registry_quota_bytes: '1 GiB' }),
    ).toMatchObject({ status: 400, body: { error: 'container_registry_quota_bytes is invalid' } });
  });

  test('virtual registries stay with top-level groups', async () => {
    const { api, team } = await start();
    const path = `/groups/${team}/-/virtual_registries/container/registries`;
    expect(await api.ask('POST', path, { name: 'base' })).toMatchObject({ status: 403 });
    const hub = { url: 'https://hub.example' };
    const test = `/groups/${team}/-/virtual_registries/container/upstreams/test`;
    expect(await api.ask('POST', test, hub)).toMatchObject({
      status: 400,
      body: { message: '400 Bad request - only available on top-level groups.' },
    });
  });

  test('a deleted group takes its subgroups and projects along, and their blobs are reviewed', async () => {
    const place = await createPlace();
    const api = await RestApi.start(await open(place), clock);
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    const project = await api.createProject(team, 'shop');
    const web = await createRepository(api.database, 'acme/team/shop/web');
    const blob = await linkBlob(api.database, web.id, 'layer');
    expect(await api.ask('DELETE', `/groups/${acme}`)).toMatchObject({ status: 202 });
    for (const path of [`/groups/${team}`, `/projects/${project}`]) {
      expect(await api.ask('GET', path)).toMatchObject({ status: 404 });
    }
    expect(await readBlobReviews(place)).toMatchObject([{ digest: blob.digest, event: 'project_delete' }]);
  });
});
