import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

describeEachDatabase('members of projects', (open, { clock }) => {
  /** The project acme/shop. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    return { api, acme, shop };
  }

  test('a role in a project is given, read, changed and taken away', async () => {
    const { api, shop } = await start();
    const { id } = await api.createUser('dana');
    const member = {
      id,
      username: 'dana',
      name: 'dana',
      state: 'active',
      avatar_url: null,
      web_url: null,
      access_level: 30,
      created_at: '2026-01-01T00:00:00.000Z',
      expires_at: '2026-02-01',
    };
    const given = { user_id: id, access_level: 30, expires_at: '2026-02-01' };
    const added = await api.ask('POST', `/projects/${shop}/members`, given);
    expect({ status: added.status, body: added.body }).toEqual({ status: 201, body: member });
    expect((await api.ask('GET', '/projects/acme%2Fshop/members')).body).toEqual([member]);
    expect((await api.ask('GET', `/projects/${shop}/members/${id}`)).body).toEqual(member);
    const changes = { access_level: 20, expires_at: '' };
    expect(await api.ask('PUT', `/projects/${shop}/members/${id}`, changes)).toMatchObject({
      status: 200,
      body: { access_level: 20, expires_at: null },
    });
    expect(await api.ask('DELETE', `/projects/${shop}/members/${id}`)).toMatchObject({ status: 204 });
    expect(await api.ask('GET', `/projects/${shop}/members/${id}`)).toMatchObject({
      status: 404,
      body: { message: '404 Member Not Found' },
    });
    const { body: events } = await api.ask('GET', '/audit_events?entity_type=member');
    expect(events.map((event: { event_name: string }) => event.event_name)).toEqual([
      'member.delete',
      'member.update',
      'member.create',
    ]);
    expect(events[2].details).toMatchObject({
      group_path: 'acme',
      project_path: 'acme/shop',
      attributes: { project_id: shop, user_id: id, access_level: 30 },
    });
  });

  test('a role in a project lets one see that project, and nothing else of its group', async () => {
    const { api, acme, shop } = await start();
    const other = await api.createProject(acme, 'other');
    const dana = await api.createUser('dana');
    expect(await api.as(dana, 'GET', `/projects/${shop}`)).toMatchObject({ status: 404 });
    await api.ask('POST', `/projects/${shop}/members`, { user_id: dana.id, access_level: 10 });
    expect(await api.as(dana, 'GET', `/projects/${shop}`)).toMatchObject({ status: 200 });
    expect((await api.as(dana, 'GET', '/projects')).body).toMatchObject([{ id: shop }]);
    expect(await api.as(dana, 'GET', `/projects/${other}`)).toMatchObject({ status: 404 });
    expect(await api.as(dana, 'GET', `/groups/${acme}`)).toMatchObject({ status: 404 });
  });

  test('all members are those of the groups above too, each with the highest role', async () => {
    const { api, acme, shop } = await start();
    const dana = await api.createMember(acme, 'dana', 20);
    const eve = await api.createMember(acme, 'eve', 40);
    await api.ask('POST', `/projects/${shop}/members`, { user_id: dana.id, access_level: 30 });
    await api.ask('POST', `/projects/${shop}/members`, { user_id: eve.id, access_level: 10 });
    const levels = async (path: string) =>
      (await api.ask('GET', path)).body.map((member: { username: string; access_level: number }) => [
        member.username,
        member.access_level,
      ]);
    expect(await levels(`/projects/${shop}/members/all`)).toEqual([
      ['root', 50],
      ['dana', 30],
      ['eve', 40],
    ]);
    expect(await levels(`/projects/${shop}/members`)).toEqual([
      ['dana', 30],
      ['eve', 10],
    ]);
    for (const [user, level] of [
      [dana, 30],
      [eve, 40],
    ] as const) {
      expect(await api.ask('GET', `/projects/${shop}/members/all/${user.id}`)).toMatchObject({
        status: 200,
        body: { id: user.id, access_level: level },
      });
    }
    expect(await api.ask('GET', `/groups/${acme}/members/all/${dana.id}`)).toMatchObject({
      body: { access_level: 20 },
    });
    const stranger = await api.createUser('stranger');
    for (const place of [`/projects/${shop}`, `/groups/${acme}`]) {
      expect(await api.ask('GET', `${place}/members/all/${stranger.id}`)).toMatchObject({ status: 404 });
    }
  });

  test('nobody gives, changes or takes away a role above their own', async () => {
    const { api, shop } = await start();
    const [max, dana, owner] = [
      await api.createUser('max'),
      await api.createUser('dana'),
      await api.createUser('owner'),
    ];
    const members = `/projects/${shop}/members`;
    await api.ask('POST', members, { user_id: max.id, access_level: 40 });
    await api.ask('POST', members, { user_id: owner.id, access_level: 50 });
    expect(await api.as(max, 'POST', members, { user_id: dana.id, access_level: 50 })).toMatchObject({
      status: 403,
    });
    expect(await api.as(max, 'POST', members, { username: 'Dana', access_level: 40 })).toMatchObject({
      status: 201,
    });
    expect(await api.as(max, 'PUT', `${members}/${dana.id}`, { access_level: 50 })).toMatchObject({
      status: 403,
    });
    expect(await api.as(max, 'PUT', `${members}/${owner.id}`, { access_level: 10 })).toMatchObject({
      status: 403,
    });
    expect(await api.as(max, 'DELETE', `${members}/${owner.id}`)).toMatchObject({ status: 403 });
    await api.ask('PUT', `${members}/${dana.id}`, { access_level: 30 });
    expect(await api.as(dana, 'POST', members, { user_id: owner.id, access_level: 10 })).toMatchObject({
      status: 403,
    });
    expect(await api.as(dana, 'DELETE', `${members}/${dana.id}`)).toMatchObject({ status: 204 });
  });

  test('what cannot be a member is refused with the reason', async () => {
    const { api, shop } = await start();
    const { id } = await api.createUser('dana');
    const members = `/projects/${shop}/members`;
    await api.ask('POST', members, { user_id: id, access_level: 10 });
    const { body: bot } = await api.ask('POST', `/projects/${shop}/access_tokens`, {
      name: 'ci',
      scopes: ['api'],
    });
    const either = 'user_id, username';
    for (const [status, body, given] of [
      [409, { message: 'Member already exists' }, { user_id: id, access_level: 20 }],
      [404, { message: '404 User Not Found' }, { user_id: 999, access_level: 20 }],
      [404, { message: '404 User Not Found' }, { username: 'nobody', access_level: 20 }],
      [400, { error: 'access_level does not have a valid value' }, { user_id: id, access_level: 25 }],
      [400, { error: 'access_level is missing' }, { user_id: id }],
      [400, { error: `${either} are missing, exactly one parameter must be provided` }, { access_level: 20 }],
      [400, { error: `${either} are mutually exclusive` }, { user_id: id, username: 'a', access_level: 20 }],
      [
        400,
        { message: { expires_at: ['cannot be a date in the past'] } },
        { user_id: id, access_level: 20, expires_at: '2025-12-31' },
      ],
      [
        400,
        { message: { user: ['is the bot of an access token'] } },
        { user_id: bot.user_id, access_level: 20 },
      ],
    ] as const) {
      expect(await api.ask('POST', members, given)).toMatchObject({ status, body });
    }
    expect(await api.ask('PUT', `${members}/${bot.user_id}`, { access_level: 10 })).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('revoke it') },
    });
    expect(await api.ask('DELETE', `${members}/${bot.user_id}`)).toMatchObject({ status: 403 });
    expect(await api.ask('GET', '/projects/999/members')).toMatchObject({
      status: 404,
      body: { message: '404 Project Not Found' },
    });
  });

  test('the last Owner of a top-level group neither leaves nor is demoted', async () => {
    const { api, acme } = await start();
    const { id: rootId } = (await api.ask('GET', '/user')).body;
    const members = `/groups/${acme}/members`;
    const refused = { status: 403, body: { message: expect.stringContaining('the last Owner') } };
    const { body: bot } = await api.ask('POST', `/groups/${acme}/access_tokens`, {
      name: 'ci',
      scopes: ['api'],
      access_level: 50,
    });
    expect(bot.access_level).toBe(50);
    expect(await api.ask('DELETE', `${members}/${rootId}`)).toMatchObject(refused);
    expect(await api.ask('PUT', `${members}/${rootId}`, { access_level: 40 })).toMatchObject(refused);
    const until = { access_level: 50, expires_at: '2026-03-01' };
    expect(await api.ask('PUT', `${members}/${rootId}`, until)).toMatchObject(refused);
    const owner = await api.createMember(acme, 'owner', 50);
    expect(await api.as(owner, 'DELETE', `${members}/${rootId}`)).toMatchObject({ status: 204 });
    expect(await api.as(owner, 'DELETE', `${members}/${owner.id}`)).toMatchObject(refused);
  });

  test('of two Owners who leave at once one stays', async () => {
    const { api, acme } = await start();
    const { id: rootId } = (await api.ask('GET', '/user')).body;
    const owner = await api.createMember(acme, 'owner', 50);
    const answers = await Promise.all([
      api.ask('DELETE', `/groups/${acme}/members/${rootId}`),
      api.as(owner, 'DELETE', `/groups/${acme}/members/${owner.id}`),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 403]);
  });

  test('of a subgroup the last Owner may leave: those of the group above own it', async () => {
    const { api, acme } = await start();
    const team = await api.createGroup('team', 'private', acme);
    const owner = await api.createMember(team, 'owner', 50);
    expect(await api.as(owner, 'DELETE', `/groups/${team}/members/${owner.id}`)).toMatchObject({
      status: 204,
    });
  });
});
