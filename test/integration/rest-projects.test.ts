import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository, linkBlob } from '../support/hosted-records.ts';
import { type Json, type RestAnswer, RestApi, type TestUser } from '../support/rest-api.ts';
import { readBlobReviews } from '../support/review-rows.ts';

const levels = { guest: 10, planner: 15, reporter: 20, developer: 30, maintainer: 40, owner: 50 };
const notFound = { status: 404, body: { message: '404 Project Not Found' } };
const forbidden = { status: 403, body: { message: '403 Forbidden' } };

const paths = ({ body }: RestAnswer): string[] =>
  body.map((project: { path_with_namespace: string }) => project.path_with_namespace);

describeEachDatabase('projects', (open, { clock, createPlace }) => {
  /** The private group acme, and team in it. */
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    return { api, acme, team };
  }

  /** One user for each role in a group. */
  async function createMembers(api: RestApi, groupId: number): Promise<[string, TestUser][]> {
    const members: [string, TestUser][] = [];
    for (const [role, level] of Object.entries(levels)) {
      members.push([role, await api.createMember(groupId, role, level)]);
    }
    return members;
  }

  test('a project has the fields that GitLab has', async () => {
    const { api, acme, team } = await start();
    await api.ask('PUT', `/groups/${acme}`, { name: 'Acme' });
    const given = { name: 'The Shop', path: 'Shop', description: 'Sells', visibility: 'internal' };
    const created = await api.ask('POST', '/projects', { ...given, namespace_id: team });
    expect(created).toMatchObject({ status: 201 });
    expect(created.body).toEqual({
      id: expect.any(Number),
      description: 'Sells',
      name: 'The Shop',
      name_with_namespace: 'Acme / team / The Shop',
      path: 'Shop',
      path_with_namespace: 'acme/team/shop',
      created_at: new Date(clock.now).toISOString(),
      updated_at: new Date(clock.now).toISOString(),
      last_activity_at: new Date(clock.now).toISOString(),
      visibility: 'internal',
      namespace: {
        id: team,
        name: 'team',
        path: 'team',
        kind: 'group',
        full_path: 'acme/team',
        parent_id: acme,
        web_url: 'https://registry.example/groups/acme/team',
      },
      web_url: 'https://registry.example/acme/team/shop',
      container_registry_enabled: true,
      container_expiration_policy: expect.any(Object),
      container_registry_access_level: 'enabled',
      container_registry_image_prefix: 'registry.example/acme/team/shop',
      container_registry_quota_bytes: null,
    });
    for (const reference of [created.body.id, 'acme%2Fteam%2Fshop', 'Acme%2FTeam%2FShop']) {
      const found = await api.ask('GET', `/projects/${reference}`);
      expect(found).toMatchObject({ status: 200 });
      expect(found.body).toEqual(created.body);
    }
  });

  test.each([
    ['My Shop', 'my-shop'],
    ['  Röd  Grød -- 2 ', 'rod-grod-2'],
    ['snake_case', 'snake_case'],
    ['Straße 7', 'strasse-7'],
  ])('the path of %j is %j where none is given', async (name, path) => {
    const { api, acme } = await start();
    expect(await api.ask('POST', '/projects', { name, namespace_id: acme })).toMatchObject({
      status: 201,
      body: { name, path, path_with_namespace: `acme/${path}`, visibility: 'private' },
    });
  });

  test('the name is the path where none is given', async () => {
    const { api, acme } = await start();
    expect(await api.ask('POST', '/projects', { path: 'Shop', namespace_id: acme })).toMatchObject({
      status: 201,
      body: { name: 'Shop', path: 'Shop', path_with_namespace: 'acme/shop' },
    });
  });

  test.each([
    { name: 'Web', path: '' },
    { name: '', path: 'Web' },
  ])('an empty name or path is none, as in %j', async (given) => {
    const { api, acme } = await start();
    expect(await api.ask('POST', '/projects', { ...given, namespace_id: acme })).toMatchObject({
      status: 201,
      body: { name: 'Web', path_with_namespace: 'acme/web' },
    });
  });

  test('what cannot be a project is refused with the reason', async () => {
    const { api, acme } = await start();
    await api.createProject(acme, 'shop');
    const kinds = "can contain only letters, digits, and '_', '-', '.' between them";
    const refusals: [object, Json][] = [
      [{ error: 'namespace_id is missing' }, { name: 'a' }],
      [{ error: 'namespace_id is invalid' }, { name: 'a', namespace_id: 1.5 }],
      [{ error: 'name, path are missing, at least one parameter must be provided' }, { namespace_id: acme }],
      [
        { error: 'name, path are missing, at least one parameter must be provided' },
        { name: ' ', path: '', namespace_id: acme },
      ],
      [
        { error: 'visibility does not have a valid value' },
        { name: 'a', namespace_id: acme, visibility: 'secret' },
      ],
      [{ message: { path: [kinds] } }, { path: 'a/b', namespace_id: acme }],
      [{ message: { path: [kinds] } }, { path: '-a', namespace_id: acme }],
      [{ message: { path: ['can not be a number'] } }, { path: '12', namespace_id: acme }],
      [{ message: { path: ["can't be blank"] } }, { name: '你好', namespace_id: acme }],
      [{ message: { path: ['has already been taken'] } }, { path: 'SHOP', namespace_id: acme }],
      [{ message: { path: ['has already been taken'] } }, { name: 'Team', namespace_id: acme }],
      [
        { message: { name: ['is too long (maximum is 255 characters)'] } },
        { name: 'a'.repeat(256), namespace_id: acme },
      ],
      [
        { message: { path: ['is too long together with the path of its group'] } },
        { path: 'a'.repeat(255), namespace_id: acme },
      ],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('POST', '/projects', given)).toMatchObject({ status: 400, body });
    }
  });

  test('of two who create a project and a group of one path at once, one is refused', async () => {
    const { api, acme } = await start();
    const answers = await Promise.all([
      api.ask('POST', '/projects', { path: 'x', namespace_id: acme }),
      api.ask('POST', '/groups', { name: 'x', path: 'x', parent_id: acme }),
      api.ask('POST', '/projects', { path: 'X', namespace_id: acme }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400]);
  });

  test('maintainers of the group create projects, and nobody below them', async () => {
    const { api, acme, team } = await start();
    for (const [role, user] of await createMembers(api, acme)) {
      expect(await api.as(user, 'POST', '/projects', { path: role, namespace_id: team })).toMatchObject(
        role === 'maintainer' || role === 'owner' ? { status: 201 } : forbidden,
      );
    }
  });

  test('whether a private group exists is not told to whoever wants to create a project in it', async () => {
    const { api, acme } = await start();
    const stranger = await api.createUser('stranger');
    for (const namespace_id of [acme, 4711]) {
      expect(await api.as(stranger, 'POST', '/projects', { name: 'a', namespace_id })).toMatchObject({
        status: 400,
        body: { message: { namespace: ['is not valid'] } },
      });
    }
  });

  test('a private project is only known to members of its group or one above, and looks absent to others', async () => {
    const { api, acme, team } = await start();
    const hidden = await api.createProject(team, 'hidden');
    await api.createProject(team, 'inner', { visibility: 'internal' });
    await api.createProject(acme, 'open', { visibility: 'public' });
    const guest = await api.createMember(acme, 'guest', 10);
    const stranger = await api.createUser('stranger');

    const all = ['acme/open', 'acme/team/hidden', 'acme/team/inner'];
    expect(paths(await api.ask('GET', '/projects'))).toEqual(all);
    expect(paths(await api.as(guest, 'GET', '/projects'))).toEqual(all);
    expect(paths(await api.as(stranger, 'GET', '/projects'))).toEqual(['acme/open', 'acme/team/inner']);
    expect(await api.as(guest, 'GET', `/projects/${hidden}`)).toMatchObject({ status: 200 });
    expect(await api.as(stranger, 'GET', '/projects/acme%2Fopen')).toMatchObject({ status: 200 });
    for (const reference of [hidden, 'acme%2Fteam%2Fhidden', 4711, 'acme%2Fnothing', 'acme']) {
      for (const [method, body] of [['GET'], ['PUT', { name: 'a' }], ['DELETE']] as const) {
        const answer = await api.as(stranger, method, `/projects/${reference}`, body);
        expect(answer).toMatchObject(notFound);
      }
    }
  });

  test('a list of projects is searched, filtered by visibility, and comes in pages', async () => {
    const { api, acme, team } = await start();
    await api.createProject(acme, 'build-a', { visibility: 'internal' });
    await api.createProject(acme, 'build-b');
    await api.createProject(team, 'other', { name: 'Rebuild', visibility: 'internal' });
    expect(paths(await api.ask('GET', '/projects?search=BUILD&visibility=internal'))).toEqual([
      'acme/build-a',
      'acme/team/other',
    ]);
    const { body, headers } = await api.ask('GET', '/projects?search=acme%2Fbuild&per_page=1&page=2');
    expect(body).toMatchObject([{ path: 'build-b', namespace: { full_path: 'acme' } }]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-page': '2',
      'x-per-page': '1',
      'x-prev-page': '1',
      'x-next-page': '',
      'x-total': '2',
      'x-total-pages': '2',
    });
    expect(headers.get('link')).toContain(
      '<https://registry.example/api/v4/projects?search=acme%2Fbuild&per_page=1&page=1>; rel="first"',
    );
    expect(await api.ask('GET', '/projects?visibility=secret')).toMatchObject({
      status: 400,
      body: { error: 'visibility does not have a valid value' },
    });
  });

  test('the projects of a group are its own, or those of its subgroups too', async () => {
    const { api, acme, team } = await start();
    await api.createProject(acme, 'shop');
    await api.createProject(team, 'tools', { visibility: 'public' });
    await api.createProject(await api.createGroup('acme-b'), 'else');
    expect(paths(await api.ask('GET', `/groups/${acme}/projects`))).toEqual(['acme/shop']);
    const withSubgroups = await api.ask('GET', '/groups/acme/projects?include_subgroups=true');
    expect(paths(withSubgroups)).toEqual(['acme/shop', 'acme/team/tools']);
    expect(withSubgroups.headers.get('x-total')).toBe('2');
    await api.ask('PUT', `/groups/${acme}`, { visibility: 'internal' });
    const stranger = await api.createUser('stranger');
    expect(paths(await api.as(stranger, 'GET', `/groups/${acme}/projects?include_subgroups=true`))).toEqual([
      'acme/team/tools',
    ]);
    expect(await api.as(stranger, 'GET', `/groups/${team}/projects`)).toMatchObject({
      status: 404,
      body: { message: '404 Group Not Found' },
    });
  });

  test('maintainers change a project, and nobody below them', async () => {
    const { api, acme, team } = await start();
    const id = await api.createProject(team, 'shop');
    clock.now += 1000;
    for (const [role, user] of await createMembers(api, acme)) {
      const changes = { name: role, description: `by ${role}`, visibility: 'internal' };
      expect(await api.as(user, 'PUT', `/projects/${id}`, changes)).toMatchObject(
        role === 'maintainer' || role === 'owner'
          ? { status: 200, body: { ...changes, path: 'shop', updated_at: new Date(clock.now).toISOString() } }
          : forbidden,
      );
    }
    expect(await api.ask('PUT', `/projects/${id}`, { description: null })).toMatchObject({
      body: { name: 'owner', description: null },
    });
    expect(await api.ask('PUT', `/projects/${id}`, {})).toMatchObject({
      status: 400,
      body: {
        error:
          'name, path, description, visibility, container_registry_access_level, container_expiration_policy_attributes, container_registry_enabled, container_registry_quota_bytes are missing, at least one parameter must be provided',
      },
    });
  });

  test("who may use a project's images is set with it, and in the words of older clients", async () => {
    const { api, acme } = await start();
    const settings = (level: string) => ({
      container_registry_access_level: level,
      container_registry_enabled: level !== 'disabled',
    });
    const given = { path: 'shop', namespace_id: acme, container_registry_access_level: 'private' };
    const { status, body } = await api.ask('POST', '/projects', given);
    expect({ status, body }).toMatchObject({ status: 201, body: settings('private') });
    for (const [changes, level] of [
      [{ container_registry_access_level: 'disabled' }, 'disabled'],
      [{ name: 'Shop' }, 'disabled'],
      [{ container_registry_enabled: true }, 'enabled'],
      [{ container_registry_enabled: false }, 'disabled'],
      [{ container_registry_enabled: false, container_registry_access_level: 'private' }, 'private'],
    ] as const) {
      expect(await api.ask('PUT', `/projects/${body.id}`, changes)).toMatchObject({
        status: 200,
        body: settings(level),
      });
    }
    expect(
      await api.ask('PUT', `/projects/${body.id}`, { container_registry_access_level: 'public' }),
    ).toMatchObject({
      status: 400,
      body: { error: 'container_registry_access_level does not have a valid value' },
    });
    const [event] = (await api.ask('GET', '/audit_events?event_name=project.update')).body;
    expect(event.details).toMatchObject({
      group_path: 'acme',
      project_path: 'acme/shop',
      attributes: { container_registry_access_level: 'private' },
    });
  });

  test('owners of the group set its quota, maintainers do not', async () => {
    const { api, acme, team } = await start();
    const id = await api.createProject(team, 'shop');
    const quota = { container_registry_quota_bytes: 5_000_000_000 };
    const maintainer = await api.createMember(acme, 'maintainer', 40);
    const owner = await api.createMember(acme, 'owner', 50);
    expect(await api.as(maintainer, 'PUT', `/projects/${id}`, { name: 'a', ...quota })).toMatchObject({
      status: 403,
      body: { message: '403 Forbidden - only Owners of its group set the quota of a project' },
    });
    expect(await api.as(owner, 'PUT', `/projects/${id}`, quota)).toMatchObject({
      status: 200,
      body: { name: 'shop', ...quota },
    });
    const none = { container_registry_quota_bytes: null };
    expect(await api.ask('PUT', `/projects/${id}`, none)).toMatchObject({ status: 200, body: none });
    expect(await api.ask('PUT', `/projects/${id}?container_registry_quota_bytes=0`)).toMatchObject({
      body: { container_registry_quota_bytes: 0 },
    });
    expect(await api.ask('PUT', `/projects/${id}?container_registry_quota_bytes=`)).toMatchObject({
      body: none,
    });
  });

  test('how much it hosts is told to Reporters who ask, each blob counted once', async () => {
    const { api, acme } = await start();
    const id = await api.createProject(acme, 'shop', { visibility: 'internal' });
    const web = await createRepository(api.database, 'acme/shop/web');
    const worker = await createRepository(api.database, 'acme/shop/worker');
    await linkBlob(api.database, web.id, 'base', 100);
    await linkBlob(api.database, worker.id, 'base');
    await linkBlob(api.database, worker.id, 'layer', 7);
    const reporter = await api.createMember(acme, 'reporter', 20);
    const guest = await api.createMember(acme, 'guest', 10);
    const ask = async (user: TestUser, query: string) =>
      (await api.as(user, 'GET', `/projects/${id}${query}`)).body;
    expect(await ask(reporter, '?statistics=true')).toMatchObject({
      statistics: { container_registry_size: 107 },
    });
    expect(await ask(reporter, '')).not.toHaveProperty('statistics');
    expect(await ask(guest, '?statistics=true')).not.toHaveProperty('statistics');
  });

  test('owners of the group delete a project; its repositories go with it, and their blobs are reviewed', async () => {
    const place = await createPlace();
    const api = await RestApi.start(await open(place), clock);
    const acme = await api.createGroup('acme');
    const id = await api.createProject(acme, 'shop');
    const web = await createRepository(api.database, 'acme/shop/web');
    const blob = await linkBlob(api.database, web.id, 'layer');
    for (const [role, user] of await createMembers(api, acme)) {
      expect(await api.as(user, 'DELETE', '/projects/acme%2Fshop')).toMatchObject(
        role === 'owner' ? { status: 202, body: { message: '202 Accepted' } } : forbidden,
      );
    }
    expect(await api.ask('GET', `/projects/${id}`)).toMatchObject(notFound);
    expect(await api.database.repositories.findByName('acme/shop/web')).toBeUndefined();
    expect(await readBlobReviews(place)).toMatchObject([{ digest: blob.digest, event: 'project_delete' }]);
    expect(await api.ask('POST', '/projects', { path: 'shop', namespace_id: acme })).toMatchObject({
      status: 201,
    });
  });

  test('a project that changed since someone looked is not deleted', async () => {
    const { api, acme } = await start();
    const id = await api.createProject(acme, 'shop');
    const headers = { 'if-unmodified-since': new Date(clock.now).toUTCString() };
    clock.now += 60_000;
    await api.ask('PUT', `/projects/${id}`, { name: 'a' });
    expect(await api.ask('DELETE', `/projects/${id}`, undefined, { headers })).toMatchObject({ status: 412 });
    expect(await api.ask('GET', `/projects/${id}`)).toMatchObject({ status: 200 });
  });

  test('every change leaves an audit event, what was refused leaves none', async () => {
    const { api, acme } = await start();
    const ada = await api.createMember(acme, 'ada', 50);
    const { body } = await api.as(ada, 'POST', '/projects', { name: 'Shop', namespace_id: acme });
    const path = `/projects/${body.id}`;
    await api.as(ada, 'POST', '/projects', { name: 'Shop', namespace_id: acme });
    await api.as(ada, 'PUT', path, { visibility: 'public', container_registry_quota_bytes: null });
    await api.as(ada, 'DELETE', path);
    await api.as(ada, 'DELETE', path);
    const events = (await api.ask('GET', '/audit_events?entity_type=project')).body;
    expect(events).toMatchObject([
      {
        author_id: ada.id,
        entity_id: body.id,
        event_name: 'project.delete',
        details: {
          author_name: 'ada',
          ip_address: '192.0.2.7',
          attributes: { group_id: acme, name: 'Shop', path: 'acme/shop' },
        },
      },
      {
        event_name: 'project.update',
        details: {
          attributes: {
            group_id: acme,
            path: 'acme/shop',
            visibility: 'public',
            container_registry_quota_bytes: null,
          },
        },
      },
      {
        event_name: 'project.create',
        details: { attributes: { group_id: acme, name: 'Shop', path: 'acme/shop', visibility: 'private' } },
      },
    ]);
    expect(events).toHaveLength(3);
  });

  test('a token for reading reads projects and changes none', async () => {
    const { api, acme } = await start();
    const id = await api.createProject(acme, 'shop');
    const reader = await api.createUser('reader', { isAdmin: true, scopes: ['read_api'] });
    expect(await api.as(reader, 'GET', `/projects/${id}?statistics=true`)).toMatchObject({
      status: 200,
      body: { statistics: { container_registry_size: 0 } },
    });
    expect(await api.as(reader, 'DELETE', `/projects/${id}`)).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope' },
    });
  });
});
