/** https://docs.gitlab.com/api/container_registry/: repositories. */

import { expect, test } from 'vitest';
import { RepositoryMeasuringTask } from '../../src/hosted/repositories/repository-measuring.ts';
import { RepositoryService } from '../../src/management/repositories/repositories.ts';
import { changeRules } from '../support/change-rules.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository, manifestOf } from '../support/hosted-records.ts';
import { type Json, type RestAnswer, RestApi, type TestUser } from '../support/rest-api.ts';

const levels = { guest: 10, planner: 15, reporter: 20, developer: 30, maintainer: 40, owner: 50 };
const forbidden = { status: 403, body: { message: '403 Forbidden' } };
const notFound = (what?: string) => ({
  status: 404,
  body: { message: what ? `404 ${what} Not Found` : '404 Not found' },
});
const base = { kind: 'layer', text: 'base', size: 1000 } as const;

const paths = ({ body }: RestAnswer): string[] => body.map((repository: { path: string }) => repository.path);

describeEachDatabase('repositories over the REST API', (open, { clock }) => {
  /** The private group acme with the private project acme/shop. */
  async function start(options: { deleteEnabled?: boolean } = {}) {
    const database = await open();
    const api = await RestApi.start(database, clock, options);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const make = async (name: string) => (await createRepository(database, name)).id;
    const list = (query = '') => api.ask('GET', `/projects/${shop}/registry/repositories${query}`);
    return { api, database, acme, shop, make, list };
  }

  test('a repository has the fields that GitLab has, and when it was published and pulled', async () => {
    const { api, database, shop, make } = await start();
    const id = await make('acme/shop/worker');
    const digest = await pushImage(database, id, ['1.4.0', 'latest']);
    await database.pullCounts.record([
      { repositoryId: id, digest, tag: 'latest', count: 2, lastAt: clock.now + 1000 },
    ]);
    const now = new Date(clock.now).toISOString();
    const fields = {
      id,
      name: 'worker',
      path: 'acme/shop/worker',
      project_id: shop,
      location: 'registry.example/acme/shop/worker',
      created_at: now,
      cleanup_policy_started_at: null,
      status: null,
      last_published_at: now,
      last_pulled_at: new Date(clock.now + 1000).toISOString(),
    };
    const tags = ['1.4.0', 'latest'].map((name) => ({
      name,
      path: `acme/shop/worker:${name}`,
      location: `registry.example/acme/shop/worker:${name}`,
    }));
    const deletePath = `https://registry.example/api/v4/projects/${shop}/registry/repositories/${id}`;
    const single = `/registry/repositories/${id}`;
    const listed = { ...fields, size: null };
    expect(await api.ask('GET', '/projects/acme%2Fshop/registry/repositories')).toMatchObject({
      status: 200,
      body: [listed],
    });
    expect((await api.ask('GET', `/projects/${shop}/registry/repositories`)).body).toEqual([listed]);
    const withTags = await api.ask('GET', `/projects/${shop}/registry/repositories?tags=true`);
    expect(withTags.body).toEqual([{ ...listed, tags_count: 2, tags }]);
    const counted = await api.ask('GET', `/projects/${shop}/registry/repositories?tags_count=1`);
    expect(counted.body).toEqual([{ ...listed, tags_count: 2 }]);
    expect((await api.ask('GET', single)).body).toEqual({ ...fields, delete_api_path: deletePath });
    const all = await api.ask('GET', `${single}?tags=true&tags_count=true&size=true`);
    expect(all.body).toEqual({ ...fields, tags_count: 2, tags, size: 10, delete_api_path: deletePath });
  });

  test('the root image of a project has no name', async () => {
    const { make, list } = await start();
    await make('acme/shop');
    expect((await list()).body).toMatchObject([{ name: '', path: 'acme/shop' }]);
  });

  test('the size is that of the blobs that tags reach, each counted once', async () => {
    const { api, database, make } = await start();
    const id = await make('acme/shop/web');
    const size = async () => (await api.ask('GET', `/registry/repositories/${id}?size=true`)).body.size;
    expect(await size()).toBe(0);
    await pushImage(database, id, ['a'], [base, { kind: 'layer', text: 'a', size: 10 }]);
    await pushImage(database, id, ['b'], [base, { kind: 'layer', text: 'b', size: 20 }]);
    expect(await size()).toBe(1030);
    await new RepositoryMeasuringTask({ database }).run(new AbortController().signal);
    expect(await size()).toBe(1030);
    // Measured before, and changed since.
    clock.now += 1;
    await pushImage(database, id, ['b'], [base]);
    expect(await size()).toBe(1010);
  });

  test('an index has the size of what it lists', async () => {
    const { api, database, make, shop } = await start();
    const id = await make('acme/shop/web');
    const child = await pushImage(database, id, ['amd64'], [base]);
    const index = manifestOf('an index', {
      references: [{ kind: 'manifest', digest: child, size: 1, mediaType: 'x/y' }],
    });
    await database.repositoryManifests.save(id, index);
    await database.tags.put(id, 'multi' as never, index.digest);
    const tag = await api.ask('GET', `/projects/${shop}/registry/repositories/${id}/tags/multi`);
    expect(tag.body).toMatchObject({ total_size: 1000, revision: null, created_at: null });
    expect((await api.ask('GET', `/registry/repositories/${id}?size=true`)).body.size).toBe(1000);
  });

  test('lists go page by page, in the order they were made unless another is asked for', async () => {
    const { api, database, make, list } = await start();
    const ids: number[] = [];
    for (const name of ['b', 'a', 'c']) {
      clock.now += 1000;
      const id = await make(`acme/shop/${name}`);
      ids.push(id);
    }
    const [b = 0, a = 0, c = 0] = ids;
    clock.now += 1000;
    const bigDigest = await pushImage(database, a, ['x'], [base]);
    clock.now += 1000;
    await pushImage(database, c, ['x'], [{ kind: 'layer', text: 'c', size: 5 }]);
    await database.pullCounts.record([
      { repositoryId: a, digest: bigDigest, tag: undefined, count: 1, lastAt: clock.now },
    ]);
    await new RepositoryMeasuringTask({ database }).run(new AbortController().signal);
    const order = async (query: string) =>
      paths(await list(query)).map((path) => path.slice('acme/shop/'.length));
    expect(await order('')).toEqual(['b', 'a', 'c']);
    expect(await order('?sort=desc')).toEqual(['c', 'a', 'b']);
    expect(await order('?order_by=name')).toEqual(['a', 'b', 'c']);
    expect(await order('?order_by=name&sort=desc')).toEqual(['c', 'b', 'a']);
    expect(await order('?order_by=size')).toEqual(['a', 'c', 'b']);
    const sizes = (await list('?order_by=size')).body.map(({ size }: { size: number | null }) => size);
    expect(sizes).toEqual([1000, 5, 0]);
    expect(await order('?order_by=size&sort=asc')).toEqual(['b', 'c', 'a']);
    expect(await order('?order_by=last_published_at')).toEqual(['c', 'a', 'b']);
    expect(await order('?order_by=last_pulled_at')).toEqual(['a', 'c', 'b']);
    expect(await order('?search=OP/B')).toEqual(['b']);
    expect(await order('?search=%25')).toEqual([]);
    const second = await list('?order_by=name&per_page=2&page=2');
    expect(paths(second)).toEqual(['acme/shop/c']);
    expect(Object.fromEntries(second.headers)).toMatchObject({
      'x-total': '3',
      'x-total-pages': '2',
      'x-page': '2',
      'x-prev-page': '1',
      'x-next-page': '',
    });
    expect(await list('?order_by=age')).toMatchObject({
      status: 400,
      body: { error: 'order_by does not have a valid value' },
    });
    expect(await api.ask('GET', `/registry/repositories/${b}?size=maybe`)).toMatchObject({
      status: 400,
      body: { error: 'size is invalid' },
    });
  });

  test('a group lists those of its projects and of all below it, and of no other group', async () => {
    const { api, acme, make } = await start();
    const team = await api.createGroup('team', 'private', acme);
    await api.createProject(team, 'lab');
    const other = await api.createGroup('acme2');
    await api.createProject(other, 'shop');
    for (const name of ['acme/shop/a', 'acme/team/lab', 'acme2/shop']) await make(name);
    expect(paths(await api.ask('GET', `/groups/${acme}/registry/repositories`))).toEqual([
      'acme/shop/a',
      'acme/team/lab',
    ]);
    expect(paths(await api.ask('GET', '/groups/acme%2Fteam/registry/repositories'))).toEqual([
      'acme/team/lab',
    ]);
    const found = await api.ask('GET', '/groups/acme/registry/repositories?search=lab&tags_count=true');
    expect(found.body).toMatchObject([{ path: 'acme/team/lab' }]);
    // GitLab took these options away from groups.
    expect(found.body[0]).not.toHaveProperty('tags_count');
  });

  test('a group lists only what one may pull from', async () => {
    const { api, acme, make } = await start();
    for (const [path, fields] of Object.entries<Json>({
      open: { visibility: 'public' },
      members: { visibility: 'public', container_registry_access_level: 'private' },
      inside: { visibility: 'internal' },
      off: { visibility: 'public', container_registry_access_level: 'disabled' },
    })) {
      await api.createProject(acme, path, fields);
      await make(`acme/${path}`);
    }
    await make('acme/shop');
    await api.ask('PUT', `/groups/${acme}`, { visibility: 'public' });
    const stranger = await api.createUser('stranger');
    const reporter = await api.createMember(acme, 'reporter', levels.reporter);
    const url = `/groups/${acme}/registry/repositories`;
    expect(paths(await api.as(stranger, 'GET', url))).toEqual(['acme/open', 'acme/inside']);
    expect(paths(await api.as(reporter, 'GET', url))).toEqual([
      'acme/open',
      'acme/members',
      'acme/inside',
      'acme/shop',
    ]);
    expect(paths(await api.ask('GET', url))).toEqual([
      'acme/open',
      'acme/members',
      'acme/inside',
      'acme/shop',
    ]);
  });

  test('who may not know of a project, a group or a repository is told that there is none', async () => {
    const { api, acme, shop, make } = await start();
    const id = await make('acme/shop');
    const stranger = await api.createUser('stranger');
    const as = (method: string, path: string) => api.as(stranger, method, path);
    expect(await as('GET', `/projects/${shop}/registry/repositories`)).toMatchObject(notFound('Project'));
    expect(await as('GET', '/projects/nope/registry/repositories')).toMatchObject(notFound('Project'));
    expect(await as('GET', `/groups/${acme}/registry/repositories`)).toMatchObject(notFound('Group'));
    expect(await as('GET', '/groups/nope/registry/repositories')).toMatchObject(notFound('Group'));
    expect(await as('GET', `/registry/repositories/${id}`)).toMatchObject(notFound());
    expect(await as('GET', '/registry/repositories/999999')).toMatchObject(notFound());
    expect(await as('DELETE', `/projects/${shop}/registry/repositories/${id}`)).toMatchObject(
      notFound('Project'),
    );
    const url = `/projects/${shop}/registry/repositories/999999`;
    expect(await api.ask('DELETE', url)).toMatchObject(notFound());
    const other = await api.createProject(acme, 'other');
    expect(await api.ask('DELETE', `/projects/${other}/registry/repositories/${id}`)).toMatchObject(
      notFound(),
    );
  });

  test('needs a token for all but what is public: without one, private places are not there', async () => {
    const { api, shop } = await start();
    const ask = (path: string) => api.ask('GET', path, undefined, { headers: { 'private-token': '' } });
    for (const path of [`/projects/${shop}/registry/repositories`, '/groups/acme/registry/repositories'])
      expect(await ask(path)).toMatchObject({ status: 404 });
    expect(await ask('/registry/repositories/1')).toMatchObject({
      status: 401,
      body: { message: '401 Unauthorized' },
    });
  });

  test('Reporters see repositories, Developers delete them', async () => {
    const { api, acme, shop, make } = await start();
    const id = await make('acme/shop');
    const seen: Record<string, [number, number, boolean, number]> = {};
    for (const [role, level] of Object.entries(levels)) {
      const user: TestUser = await api.createMember(acme, role, level);
      const single = await api.as(user, 'GET', `/registry/repositories/${id}`);
      seen[role] = [
        (await api.as(user, 'GET', `/projects/${shop}/registry/repositories`)).status,
        single.status,
        'delete_api_path' in single.body,
        (await api.as(user, 'DELETE', `/projects/${shop}/registry/repositories/${id}`)).status,
      ];
    }
    expect(seen).toEqual({
      guest: [403, 403, false, 403],
      planner: [403, 403, false, 403],
      reporter: [200, 200, false, 403],
      developer: [200, 200, true, 202],
      maintainer: [200, 200, true, 202],
      owner: [200, 200, true, 202],
    });
  });

  test('a registry that is off, or for members, is forbidden to those who know of the project', async () => {
    const { api, acme, make } = await start();
    const off = await api.createProject(acme, 'off', { container_registry_access_level: 'disabled' });
    const members = await api.createProject(acme, 'members', {
      visibility: 'public',
      container_registry_access_level: 'private',
    });
    const id = await make('acme/members');
    const stranger = await api.createUser('stranger');
    expect(await api.ask('GET', `/projects/${off}/registry/repositories`)).toMatchObject(forbidden);
    expect(await api.as(stranger, 'GET', `/projects/${members}/registry/repositories`)).toMatchObject(
      forbidden,
    );
    expect(await api.as(stranger, 'GET', `/registry/repositories/${id}`)).toMatchObject(forbidden);
  });

  test('a job reads and deletes those of its own project, and no others', async () => {
    const { api, acme, shop, make } = await start();
    const other = await api.createProject(acme, 'other', { visibility: 'public' });
    const own = await make('acme/shop');
    const theirs = await make('acme/other');
    const dana = await api.createUser('dana');
    await api.database.members.create({ projectId: shop, userId: dana.id, accessLevel: 30 });
    const { body: job } = await api.ask('POST', `/projects/${shop}/job_tokens`, {
      name: 'build',
      user_id: dana.id,
    });
    const asJob = (method: string, path: string) =>
      api.ask(method, path, undefined, { headers: { 'private-token': '', 'job-token': job.token } });
    expect((await asJob('GET', `/projects/${shop}/registry/repositories`)).status).toBe(200);
    expect((await asJob('GET', `/registry/repositories/${own}`)).status).toBe(200);
    expect((await asJob('GET', `/projects/${other}/registry/repositories`)).status).toBe(403);
    expect((await asJob('GET', `/registry/repositories/${theirs}`)).status).toBe(403);
    expect((await asJob('DELETE', `/projects/${other}/registry/repositories/${theirs}`)).status).toBe(403);
    expect((await asJob('DELETE', `/projects/${shop}/registry/repositories/${own}`)).status).toBe(202);
    expect((await asJob('GET', '/groups/acme/registry/repositories')).status).toBe(401);
  });

  test('more tags than one answer has are refused, and how to list them is said', async () => {
    const { database, make, api } = await start();
    const { id: userId } = await api.createUser('ada', { isAdmin: true });
    const identity = { kind: 'user', userId, username: 'ada', isAdmin: true, scopes: 'all' } as const;
    await pushImage(database, await make('acme/shop/a'), ['1', '2']);
    await pushImage(database, await make('acme/shop/b'), ['1', '2']);
    const service = new RepositoryService({ database, wake: () => {}, rules: changeRules(), maxTags: 3 });
    const list = (perPage: number) =>
      service.listOfProject(
        { identity, address: undefined },
        'acme/shop',
        { search: undefined, by: 'id', direction: 'asc' },
        { tags: true, tagsCount: true },
        { page: 1, perPage },
      );
    await expect(list(2)).rejects.toThrow(
      'bad-request: 4 tags are more than the 3 that one answer has: list those of one repository',
    );
    expect((await list(1)).records).toMatchObject([{ tags: ['1', '2'], tagsCount: 2 }]);
  });

  test('a deleted repository says so until it is gone, and asking again changes nothing', async () => {
    const { api, database, shop, make, list } = await start();
    const id = await make('acme/shop/web');
    await pushImage(database, id, ['v1']);
    const url = `/projects/${shop}/registry/repositories/${id}`;
    expect(await api.ask('DELETE', url)).toMatchObject({ status: 202, body: 202 });
    expect((await list()).body).toMatchObject([{ id, status: 'delete_scheduled' }]);
    expect(await api.ask('DELETE', url)).toMatchObject({ status: 202, body: 202 });
    expect(api.woken).toEqual(['repositories.delete', 'repositories.delete']);
    const events = await database.auditEvents.list({ action: 'repository.delete' }, { page: 1, perPage: 9 });
    expect(events.records).toMatchObject([
      {
        actorName: 'root',
        targetId: 'acme/shop/web',
        details: { project_id: shop, repository: 'acme/shop/web' },
        projectPath: 'acme/shop',
      },
    ]);
  });

  test('nothing is deleted where that is turned off', async () => {
    const { api, database, shop, make } = await start({ deleteEnabled: false });
    const id = await make('acme/shop');
    await pushImage(database, id, ['v1']);
    const refused = {
      status: 400,
      body: { message: '400 Bad request - deleting is turned off here (storage.delete_enabled)' },
    };
    const url = `/projects/${shop}/registry/repositories/${id}`;
    expect(await api.ask('DELETE', url)).toMatchObject(refused);
    expect(await api.ask('DELETE', `${url}/tags/v1`)).toMatchObject(refused);
    expect(await api.ask('DELETE', `${url}/tags?name_regex_delete=.*`)).toMatchObject(refused);
  });
});
