import { expect, test } from 'vitest';
import { CleanupTask } from '../../src/hosted/tags/cleanup.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository } from '../support/hosted-records.ts';
import { type Json, RestApi } from '../support/rest-api.ts';
import { readManifestReviews } from '../support/review-rows.ts';
import { silentLog } from '../support/silent-log.ts';

const dayMs = 24 * 60 * 60 * 1000;
const never = new AbortController().signal;

describeEachDatabase('a cleanup policy', (open, { clock, createPlace }) => {
  /** The repositories acme/shop/web and acme/shop/api of a private project. */
  async function start() {
    const place = await createPlace();
    const database = await open(place);
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const [{ id: web }, { id: other }] = [
      await createRepository(database, 'acme/shop/web'),
      await createRepository(database, 'acme/shop/api'),
    ];
    const set = (policy: Json) =>
      api.ask('PUT', `/projects/${shop}`, { container_expiration_policy_attributes: policy });
    const push = (repositoryId: number, ...tags: string[]) => pushImage(database, repositoryId, tags);
    const preview = async () =>
      (await api.ask('GET', `/projects/${shop}/container_expiration_policy/preview`)).body;
    const deletedTags = `/projects/${shop}/registry/repositories/${web}/deleted_tags`;
    return { api, database, place, acme, shop, web, other, set, push, preview, deletedTags };
  }

  const taskOf = (database: Database) =>
    new CleanupTask({ database, tagPatterns: new TagPatterns(), log: silentLog, now: () => clock.now });
  async function finish(database: Database): Promise<void> {
    while ((await taskOf(database).run(never)).again);
  }
  const left = (database: Database, id: number) => database.repositoryLists.listTagNames(id);

  test('spares what was pulled lately, by its tag or by its digest, and repositories that it is not for', async () => {
    const { database, web, other, set, push, preview } = await start();
    const [byTag, byDigest] = [await push(web, 'by-tag'), await push(web, 'by-digest')];
    await push(web, 'unused');
    await push(other, 'elsewhere');
    clock.now += 40 * dayMs;
    const pull = { repositoryId: web, count: 1, lastAt: clock.now - 29 * dayMs };
    await database.pullCounts.record([
      { ...pull, digest: byTag, tag: 'by-tag' },
      { ...pull, digest: byDigest, tag: undefined },
    ]);
    const fields = { keep_n: null, older_than: null, not_pulled_for: '30d', repository_regex: 'web' };
    await set({ enabled: true, ...fields });
    const { delete: going, keep } = await preview();
    expect(going.map(({ name }: Json) => name)).toEqual(['unused']);
    expect(keep.map(({ name, rule }: Json) => [name, rule]).toSorted()).toEqual([
      ['by-digest', 'not_pulled_for'],
      ['by-tag', 'not_pulled_for'],
      ['elsewhere', 'not_matched'],
    ]);
    clock.now += dayMs;
    await finish(database);
    // A day later both were pulled thirty days ago to the millisecond, which is still within them.
    expect(await left(database, web)).toEqual(['by-digest', 'by-tag']);
    expect(await left(database, other)).toEqual(['elsewhere']);
  });

  test('runs when a Maintainer asks for it, and is due when it was', async () => {
    const { api, database, acme, shop, web, set, push } = await start();
    const url = `/projects/${shop}/container_expiration_policy/run`;
    const disabled = { status: 400, body: { message: expect.stringContaining('is disabled') } };
    expect(await api.ask('POST', url)).toMatchObject(disabled);
    await set({ enabled: false, cadence: '7d' });
    expect(await api.ask('POST', url)).toMatchObject(disabled);
    await push(web, 'dev-1', 'v1');
    const { body } = await set({ enabled: true, keep_n: null, older_than: null, name_regex: 'dev-.*' });
    const due = body.container_expiration_policy.next_run_at;
    clock.now += dayMs;
    const developer = await api.createMember(acme, 'developer', 30);
    expect(await api.as(developer, 'POST', url)).toMatchObject({ status: 403 });
    const maintainer = await api.createMember(acme, 'maintainer', 40);
    expect(await api.as(maintainer, 'POST', url)).toMatchObject({
      status: 202,
      body: { message: '202 Accepted' },
    });
    expect(api.woken).toEqual(['cleanup_policies.run']);
    expect(await api.as(maintainer, 'POST', url)).toMatchObject({ status: 409 });
    await finish(database);
    expect(await left(database, web)).toEqual(['v1']);
    const shown = async () => (await api.ask('GET', `/projects/${shop}`)).body.container_expiration_policy;
    expect((await shown()).next_run_at).toBe(due);
    const { body: events } = await api.ask('GET', '/audit_events?event_name=cleanup_policy.run');
    expect(events).toMatchObject([{ entity_id: shop, details: { author_name: 'maintainer' } }]);

    // Then as ever: when it is due, and not before.
    await push(web, 'dev-2');
    await finish(database);
    expect(await left(database, web)).toEqual(['dev-2', 'v1']);
    clock.now = Date.parse(due);
    await finish(database);
    expect(await left(database, web)).toEqual(['v1']);
    expect(await shown()).toMatchObject({ next_run_at: new Date(clock.now + 7 * dayMs).toISOString() });
  });

  test('a run that was asked for is given up with the policy it was asked of', async () => {
    const { api, database, shop, web, set, push } = await start();
    await push(web, 'dev-1');
    await set({ enabled: true, keep_n: null, older_than: null });
    await api.ask('POST', `/projects/${shop}/container_expiration_policy/run`);
    await set({ name_regex: 'v.*' });
    await finish(database);
    expect(await left(database, web)).toEqual(['dev-1']);
    await api.ask('POST', `/projects/${shop}/container_expiration_policy/run`);
    await set({ enabled: false });
    await set({ enabled: true });
    await finish(database);
    expect(await left(database, web)).toEqual(['dev-1']);
  });

  test('removes what it says when it is due, in every repository of the project, and shows what it did', async () => {
    const { api, database, place, shop, web, other, set, push, preview } = await start();
    await push(web, 'dev-1', 'dev-2', 'v1', 'latest', 'dev-keep');
    await push(other, 'dev-9');
    clock.now += 15 * dayMs;
    await push(web, 'dev-3');
    await set({
      enabled: true,
      cadence: '7d',
      keep_n: 1,
      older_than: '14d',
      name_regex: 'dev-.*',
      name_regex_keep: '.*-keep',
    });
    await finish(database);
    expect(await left(database, web)).toHaveLength(6);

    const expected = await preview();
    expect(
      expected.delete.map((tag: { repository: string; name: string }) => `${tag.repository}:${tag.name}`),
    ).toEqual(['acme/shop/web:dev-1', 'acme/shop/web:dev-2']);
    expect(
      Object.fromEntries(
        expected.keep.map((tag: { repository: string; name: string; rule: string }) => [
          `${tag.repository}:${tag.name}`,
          tag.rule,
        ]),
      ),
    ).toEqual({
      'acme/shop/api:dev-9': 'keep_n',
      'acme/shop/web:dev-3': 'keep_n',
      'acme/shop/web:dev-keep': 'name_regex_keep',
      'acme/shop/web:latest': 'latest',
      'acme/shop/web:v1': 'not_matched',
    });
    expect(expected).toMatchObject({ delete_count: 2, keep_count: 5, last_run: null });

    clock.now += 7 * dayMs;
    await finish(database);
    expect(await left(database, web)).toEqual(['dev-3', 'dev-keep', 'latest', 'v1']);
    expect(await left(database, other)).toEqual(['dev-9']);
    const { body: repositories } = await api.ask('GET', `/projects/${shop}/registry/repositories`);
    const started = { cleanup_policy_started_at: new Date(clock.now).toISOString() };
    expect(repositories).toMatchObject([started, started]);
    const after = await preview();
    expect(after).toMatchObject({
      delete_count: 0,
      policy: { next_run_at: new Date(clock.now + 7 * dayMs).toISOString() },
      last_run: {
        deleted_count: 2,
        kept_counts: { keep_n: 2, name_regex_keep: 1, latest: 1, not_matched: 1 },
        failed_count: 0,
        error: null,
        ended_at: new Date(clock.now).toISOString(),
      },
    });
    const events = (await api.ask('GET', `/projects/${shop}/audit_events`)).body;
    expect(events[0]).toMatchObject({
      event_name: 'tag.delete_many',
      details: {
        author_name: 'cleanup policy',
        attributes: { repository: 'acme/shop/web', tags: ['dev-1', 'dev-2'] },
      },
    });
    expect((await readManifestReviews(place)).length).toBeGreaterThan(0);
  });

  test('leaves alone what rules protect, whatever the role, and what is pushed again meanwhile', async () => {
    const { api, database, shop, web, set, push, preview } = await start();
    await push(web, 'a-protected', 'b-immutable', 'c');
    const rules = `/projects/${shop}/registry/protection/tag`;
    await api.ask('POST', `${rules}/rules`, {
      tag_name_pattern: 'a-.*',
      minimum_access_level_for_push: 'maintainer',
      minimum_access_level_for_delete: 'maintainer',
    });
    await api.ask('POST', `${rules}/immutable_rules`, { tag_name_pattern: 'b-.*' });
    await set({ enabled: true, keep_n: null, older_than: null });
    expect(
      (await preview()).keep.map((tag: { name: string; rule: string }) => [tag.name, tag.rule]).sort(),
    ).toEqual([
      ['a-protected', 'protected'],
      ['b-immutable', 'immutable'],
    ]);
    clock.now += dayMs;
    await finish(database);
    expect(await left(database, web)).toEqual(['a-protected', 'b-immutable']);
  });

  test('does nothing while it is disabled, and counts anew from when it is enabled', async () => {
    const { database, web, set, push } = await start();
    await push(web, 'x');
    await set({ enabled: false, keep_n: null, older_than: null });
    clock.now += 30 * dayMs;
    await finish(database);
    expect(await left(database, web)).toEqual(['x']);
    await set({ enabled: true });
    await finish(database);
    expect(await left(database, web)).toEqual(['x']);
    clock.now += dayMs;
    await finish(database);
    expect(await left(database, web)).toEqual([]);
  });

  test('is previewed as it would be after a change, which is not made', async () => {
    const { api, shop, web, set, push, preview } = await start();
    await set({ enabled: true, cadence: '7d', keep_n: null, older_than: null, name_regex: 'dev-.*' });
    const before = await preview();
    await push(web, 'dev-1', 'v1', 'v2');
    const path = `/projects/${shop}/container_expiration_policy/preview`;
    const { body } = await api.ask('GET', `${path}?name_regex_delete=v.*&name_regex_keep=v2&keep_n=`);
    expect(body.policy).toEqual({ ...before.policy, name_regex: 'v.*', name_regex_keep: 'v2' });
    expect(body.delete.map((tag: { name: string }) => tag.name)).toEqual(['v1']);
    expect(body.keep.map((tag: { name: string; rule: string }) => [tag.name, tag.rule])).toEqual([
      ['dev-1', 'not_matched'],
      ['v2', 'name_regex_keep'],
    ]);
    expect((await preview()).policy).toEqual(before.policy);
    expect(await api.ask('GET', `${path}?name_regex_delete=(`)).toMatchObject({
      status: 400,
      body: {
        message: { 'container_expiration_policy.name_regex': [expect.stringMatching(/not valid RE2/)] },
      },
    });
    expect((await api.ask('GET', `${path}?keep_n=3`)).status).toBe(400);
  });

  test('is previewed by Maintainers', async () => {
    const { api, acme, shop } = await start();
    const path = `/projects/${shop}/container_expiration_policy/preview`;
    const developer = await api.createMember(acme, 'dora', 30);
    expect((await api.as(developer, 'GET', path)).status).toBe(403);
    const maintainer = await api.createMember(acme, 'max', 40);
    expect((await api.as(maintainer, 'GET', path)).status).toBe(200);
    const stranger = await api.createUser('sten');
    expect(await api.as(stranger, 'GET', path)).toMatchObject({
      status: 404,
      body: { message: '404 Project Not Found' },
    });
  });

  test('and a person leave tags that can be restored, by those who may push them', async () => {
    const { api, database, acme, web, set, push, deletedTags } = await start();
    const digest = await push(web, 'v1', 'v2');
    const published = new Date(clock.now).toISOString();
    await set({ enabled: true, keep_n: null, older_than: null, name_regex: 'v1' });
    clock.now += dayMs;
    await finish(database);
    await api.ask('DELETE', deletedTags.replace('deleted_tags', 'tags/v2'));
    const { body, headers } = await api.ask('GET', deletedTags);
    expect(headers.get('x-total')).toBe('2');
    expect(body).toEqual([
      {
        id: expect.any(Number),
        name: 'v2',
        digest,
        last_published_at: published,
        deleted_at: new Date(clock.now).toISOString(),
        deleted_by: 'root',
      },
      expect.objectContaining({ name: 'v1', deleted_by: 'cleanup policy' }),
    ]);
    expect((await api.ask('GET', `${deletedTags}?search=2`)).body).toHaveLength(1);

    const [, v1] = body;
    const restore = `${deletedTags}/${v1.id}/restore`;
    const reporter = await api.createMember(acme, 'rosa', 20);
    expect((await api.as(reporter, 'GET', deletedTags)).status).toBe(200);
    expect((await api.as(reporter, 'POST', restore)).status).toBe(403);
    const developer = await api.createMember(acme, 'dora', 30);
    expect(await api.as(developer, 'POST', restore)).toMatchObject({
      status: 201,
      body: { name: 'v1', digest },
    });
    expect(await left(database, web)).toEqual(['v1']);
    expect(await api.ask('POST', restore)).toMatchObject({
      status: 404,
      body: { message: '404 Deleted Tag Not Found' },
    });
  });

  test('leaves nothing to restore over a tag that there is again, nor of a manifest that is gone', async () => {
    const { api, database, web, push, deletedTags } = await start();
    const digest = await push(web, 'v1');
    const remove = () => api.ask('DELETE', deletedTags.replace('deleted_tags', 'tags/v1'));
    await remove();
    await push(web, 'v1');
    const [{ id }] = (await api.ask('GET', deletedTags)).body;
    expect(await api.ask('POST', `${deletedTags}/${id}/restore`)).toMatchObject({
      status: 409,
      body: { message: '409 Conflict - there is a tag v1 again: delete it first' },
    });
    await remove();
    await database.repositoryManifests.remove(web, digest);
    expect(
      (await api.ask('GET', deletedTags)).body.map((tag: { digest: string }) => tag.digest),
    ).not.toContain(digest);
  });
});
