/** https://docs.gitlab.com/api/container_registry/: deletion of tags in bulk. */

import { expect, test } from 'vitest';
import { RepositoryDeletionTask } from '../../src/hosted/repositories/repository-deletion.ts';
import { TagDeletionTask } from '../../src/hosted/tags/tag-deletion.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { TagPatterns } from '../../src/rules/tag-protection.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository, digestOfText } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';
import { readBlobReviews, readManifestReviews } from '../support/review-rows.ts';
import { silentLog } from '../support/silent-log.ts';

const hourMs = 3_600_000;
const never = new AbortController().signal;
const accepted = { status: 202, body: 202 };
const alreadyMade = {
  status: 400,
  body: {
    message:
      'This request has already been made. You can run this at most once an hour for a given container repository',
  },
};

/** Runs a task until it says that there is no more. */
async function finish(task: { run(signal: AbortSignal): Promise<{ again?: boolean }> }): Promise<void> {
  while ((await task.run(never)).again);
}

describeEachDatabase('deletions in the background', (open, { clock, createPlace, name }) => {
  /** The repository acme/shop/web of a private project, where each of the tags was pushed an hour after the one before. */
  async function start(tags: readonly string[] = []) {
    const place = await createPlace();
    const database = await open(place);
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const { id } = await createRepository(database, 'acme/shop/web');
    const repositoryUrl = `/projects/${shop}/registry/repositories/${id}`;
    const push = (names: readonly string[]) => pushImage(database, id, names);
    for (const tag of tags) {
      clock.now += hourMs;
      await push([tag]);
    }
    clock.now += 1;
    const remove = (body: Record<string, unknown>) => api.ask('DELETE', `${repositoryUrl}/tags`, body);
    return { api, database, place, acme, shop, id, repositoryUrl, push, remove };
  }

  const left = (database: Database, id: number) => database.repositoryLists.listTagNames(id);
  const tagTask = (database: Database) =>
    new TagDeletionTask({ database, tagPatterns: new TagPatterns(), log: silentLog });

  test('tags that are named go at once, latest among them, but for those that rules guard', async () => {
    const { api, database, shop, id, remove } = await start(['latest', 'v1', 'v2', 'release-1', 'old']);
    const rules = `/projects/${shop}/registry/protection/tag`;
    await api.ask('POST', `${rules}/immutable_rules`, { tag_name_pattern: '^release-' });
    const names = ['v1', 'release-1', 'latest', 'v1', 'absent'];
    const fates = {
      delete_count: 2,
      keep_count: 1,
      delete: [
        { name: 'latest', last_published_at: expect.any(String), rule: 'names' },
        { name: 'v1', last_published_at: expect.any(String), rule: 'names' },
      ],
      keep: [{ name: 'release-1', last_published_at: expect.any(String), rule: 'immutable' }],
    };
    expect(await remove({ names, dry_run: true })).toMatchObject({ status: 200, body: fates });
    expect(await left(database, id)).toEqual(['latest', 'old', 'release-1', 'v1', 'v2']);
    expect(await remove({ names })).toMatchObject({ status: 200, body: fates });
    expect(await left(database, id)).toEqual(['old', 'release-1', 'v2']);
    const deleted = await api.ask('GET', `/projects/${shop}/registry/repositories/${id}/deleted_tags`);
    expect(deleted.body.map((tag: { name: string }) => tag.name).sort()).toEqual(['latest', 'v1']);
    expect(await remove({ names: ['v2'] })).toMatchObject({ status: 200, body: { delete_count: 1 } });
  });

  test('tags are named by those who may delete them, at most a hundred at once, and with nothing else', async () => {
    const { api, database, acme, id, repositoryUrl, remove } = await start(['v1']);
    const reporter = await api.createMember(acme, 'reporter', 20);
    for (const body of [{ names: ['v1'] }, { names: ['v1'], dry_run: true }])
      expect((await api.as(reporter, 'DELETE', `${repositoryUrl}/tags`, body)).status).toBe(403);
    expect(await remove({ names: ['v1'], keep_n: 1 })).toMatchObject({
      status: 400,
      body: { error: 'names cannot be given with other criteria' },
    });
    expect((await remove({ names: [] })).status).toBe(400);
    expect((await remove({ names: Array.from({ length: 101 }, (_, at) => `t${at}`) })).status).toBe(400);
    expect(await left(database, id)).toEqual(['v1']);
  });

  test('tags that match go, in the order of GitLab, and latest never', async () => {
    const { api, database, id, remove } = await start([
      'dev-1',
      'latest',
      'dev-2',
      'v1',
      'dev-3-keep',
      'dev-4',
      'dev-5',
    ]);
    const answer = await remove({
      name_regex_delete: 'dev-.*|latest',
      name_regex_keep: '.*-keep',
      keep_n: 1,
      older_than: '90 minutes',
    });
    expect(answer).toMatchObject(accepted);
    expect(api.woken).toEqual(['tags.delete']);
    expect(await left(database, id)).toHaveLength(7);
    await finish(tagTask(database));
    // dev-5 is the newest that matches, dev-4 is not old enough.
    expect(await left(database, id)).toEqual(['dev-3-keep', 'dev-4', 'dev-5', 'latest', 'v1']);
  });

  test('parameters come by query or form as well, and name_regex is an old name', async () => {
    const { api, database, id, repositoryUrl } = await start(['a+b', 'aab', 'v1']);
    const old = await api.ask('DELETE', `${repositoryUrl}/tags?name_regex=a%2Bb`);
    expect(old).toMatchObject(accepted);
    expect(old.headers.get('deprecation')).toMatch(/^@\d+$/);
    await finish(tagTask(database));
    expect(await left(database, id)).toEqual(['a+b', 'v1']);
    clock.now += hourMs;
    const form = new URLSearchParams({ name_regex: 'nothing', name_regex_delete: 'v.' });
    const headers = { 'private-token': 'root-token', 'content-type': 'application/x-www-form-urlencoded' };
    const init = { headers, body: form.toString() };
    expect(await api.ask('DELETE', `${repositoryUrl}/tags`, undefined, init)).toMatchObject(accepted);
    await finish(tagTask(database));
    expect(await left(database, id)).toEqual(['a+b']);
  });

  test.each([
    [{}, 'name_regex, name_regex_delete, names are missing, at least one parameter must be provided'],
    [
      { keep_n: 1 },
      'name_regex, name_regex_delete, names are missing, at least one parameter must be provided',
    ],
    [{ name_regex_delete: '(' }, 'name_regex_delete is an invalid regexp'],
    [{ name_regex: '*' }, 'name_regex is an invalid regexp'],
    [{ name_regex_delete: '.*', name_regex_keep: '[' }, 'name_regex_keep is an invalid regexp'],
    [{ name_regex_delete: 'x{1001}' }, 'name_regex_delete is an invalid regexp'],
    [{ name_regex_delete: '.*', keep_n: 'few' }, 'keep_n is invalid'],
    [{ name_regex_delete: '.*', older_than: 'soon' }, 'older_than is invalid'],
    [{ name_regex_delete: '.*', dry_run: 'maybe' }, 'dry_run is invalid'],
    [{ name_regex_delete: '' }, 'name_regex_delete is empty'],
    [{ name_regex_delete: null }, 'name_regex_delete is empty'],
    [{ name_regex_delete: '.*', name_regex_keep: '' }, 'name_regex_keep is empty'],
    [{ name_regex_delete: '.*', name_regex_keep: null }, 'name_regex_keep is empty'],
    [{ name_regex_delete: '.*', name_regex: '' }, 'name_regex is empty'],
    [{ name_regex_delete: '.*', keep_n: '' }, 'keep_n is empty'],
    [{ name_regex_delete: '.*', keep_n: null }, 'keep_n is empty'],
    [{ name_regex_delete: '.*', older_than: null }, 'older_than is empty'],
    [{ name_regex_delete: '.*', older_than: '' }, 'older_than is invalid'],
    [{ name_regex_delete: '.*', dry_run: null }, 'dry_run is empty'],
    [{ name_regex_delete: '.*', dry_run: '' }, 'dry_run is empty'],
  ])('%j is refused', async (body, error) => {
    const { remove } = await start();
    expect(await remove(body)).toMatchObject({ status: 400, body: { error } });
  });

  test('is for Developers, once an hour for each repository', async () => {
    const { api, acme, database, shop, repositoryUrl } = await start(['a', 'b']);
    const other = await createRepository(database, 'acme/shop/other');
    const reporter = await api.createMember(acme, 'reporter', 20);
    const developer = await api.createMember(acme, 'developer', 30);
    const url = `${repositoryUrl}/tags?name_regex_delete=a`;
    for (const query of ['', '&dry_run=true'])
      expect(await api.as(reporter, 'DELETE', url + query)).toMatchObject({ status: 403 });
    expect(await api.as(developer, 'DELETE', url)).toMatchObject(accepted);
    expect(await api.as(developer, 'DELETE', url)).toMatchObject(alreadyMade);
    await finish(tagTask(database));
    clock.now += hourMs - 1;
    expect(await api.as(developer, 'DELETE', url)).toMatchObject(alreadyMade);
    const elsewhere = `/projects/${shop}/registry/repositories/${other.id}`;
    expect(await api.as(developer, 'DELETE', `${elsewhere}/tags?name_regex_delete=a`)).toMatchObject(
      accepted,
    );
    clock.now += 1;
    expect(await api.as(developer, 'DELETE', url)).toMatchObject(accepted);
  });

  test('a dry run says what would go and which rule keeps the others, changes nothing and does not count', async () => {
    const tags = ['dev-1', 'latest', 'v1', 'dev-keep', 'dev-2', 'dev-3', 'dev-4'];
    const { database, id, remove } = await start(tags);
    const body = {
      name_regex_delete: 'dev-.*',
      name_regex_keep: '.*keep',
      keep_n: 1,
      older_than: '90 minutes',
      dry_run: true,
    };
    const at = (tag: string) => ({
      name: tag,
      last_published_at: new Date(
        clock.now - 1 - hourMs * (tags.length - 1 - tags.indexOf(tag)),
      ).toISOString(),
    });
    const { status, body: preview } = await remove(body);
    expect(status).toBe(200);
    expect({ ...preview, keep: preview.keep.toSorted(byName) }).toEqual({
      delete_count: 2,
      keep_count: 5,
      delete: [
        { ...at('dev-2'), rule: 'name_regex_delete' },
        { ...at('dev-1'), rule: 'name_regex_delete' },
      ],
      keep: [
        { ...at('dev-3'), rule: 'older_than' },
        { ...at('dev-4'), rule: 'keep_n' },
        { ...at('dev-keep'), rule: 'name_regex_keep' },
        { ...at('latest'), rule: 'latest' },
        { ...at('v1'), rule: 'not_matched' },
      ],
    });
    await finish(tagTask(database));
    expect(await left(database, id)).toHaveLength(7);
    expect((await remove(body)).status).toBe(200);
    expect(await remove({ ...body, dry_run: false })).toMatchObject(accepted);
    await finish(tagTask(database));
    expect(await left(database, id)).toEqual(['dev-3', 'dev-4', 'dev-keep', 'latest', 'v1']);
    expect((await remove(body)).status).toBe(200);
  });

  test('puts manifests up for review, and leaves on record who asked and what went', async () => {
    const { api, acme, database, place, shop, id, repositoryUrl } = await start(['a', 'b', 'c']);
    const dana = await api.createMember(acme, 'dana', 30);
    await api.as(dana, 'DELETE', `${repositoryUrl}/tags`, { name_regex_delete: 'a|b', keep_n: 0 });
    await finish(tagTask(database));
    expect((await readManifestReviews(place)).map(({ event }) => event)).toEqual([
      'tag_delete',
      'tag_delete',
    ]);
    const page = { page: 1, perPage: 9 };
    const who = { actorId: dana.id, actorName: 'dana', address: '192.0.2.7', projectPath: 'acme/shop' };
    const asked = await database.auditEvents.list({ action: 'tag.request_delete_many' }, page);
    expect(asked.records).toMatchObject([
      { ...who, targetId: 'acme/shop/web', details: { name_regex_delete: 'a|b', keep_n: 0 } },
    ]);
    const gone = await database.auditEvents.list({ action: 'tag.delete_many' }, page);
    expect(gone.records).toMatchObject([
      {
        ...who,
        details: { project_id: shop, repository: 'acme/shop/web', tags: expect.arrayContaining(['a', 'b']) },
      },
    ]);
    expect(await left(database, id)).toEqual(['c']);
  });

  // The same on both databases; ten thousand tags are made sooner on this one.
  test.runIf(name === 'SQLite')(
    'expressions that others take ages for are quick, with ten thousand tags',
    async () => {
      const { api, database, id, shop, remove } = await start();
      const digest = await pushImage(database, id, ['x']);
      await database.transaction(async (tx) => {
        for (let index = 0; index < 10_000; index += 1)
          await tx.tags.put(id, parseTag(`${'a'.repeat(100)}-${index}`), digest);
      });
      const { status, body } = await remove({
        name_regex_delete: '(a+)+$',
        name_regex_keep: '(a|a)*b',
        dry_run: true,
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({ delete_count: 0, keep_count: 10_001 });
      expect(body.keep).toHaveLength(10_000);

      const levels = { minimum_access_level_for_push: 'admin', minimum_access_level_for_delete: 'admin' };
      for (const tag_name_pattern of ['(a+)+$', '(x+x+)+y', '(.*)(.*)(.*)(.*)z'])
        await api.ask('POST', `/projects/${shop}/registry/protection/tag/rules`, {
          tag_name_pattern,
          ...levels,
        });
      const policy = {
        name_regex: '(a*)*-[0-9]+',
        name_regex_keep: '(a|a)*b',
        keep_n: null,
        older_than: null,
      };
      await api.ask('PUT', `/projects/${shop}`, { container_expiration_policy_attributes: policy });
      const preview = await api.ask('GET', `/projects/${shop}/container_expiration_policy/preview`);
      expect(preview).toMatchObject({ status: 200, body: { delete_count: 10_000, keep_count: 1 } });
      const all = await remove({ name_regex_delete: '(.*)(.*)(.*)', dry_run: true });
      expect(all).toMatchObject({ status: 200, body: { delete_count: 10_001, keep_count: 0 } });
    },
  );

  test('a repository goes with all that it links, which comes up for review', async () => {
    const { api, database, place, id, repositoryUrl, push } = await start(['a', 'b']);
    await push(['c', 'd']);
    await api.ask('DELETE', repositoryUrl);
    await finish(new RepositoryDeletionTask({ database, log: silentLog }));
    expect(await database.repositories.find(id)).toBeUndefined();
    expect((await api.ask('GET', `/registry/repositories/${id}`)).status).toBe(404);
    const reviews = await readBlobReviews(place);
    expect(reviews.map(({ digest, event }) => [digest, event])).toEqual(
      ['a', 'b', 'c'].map((tag) => [digestOfText(`config of ${tag}`), 'repository_delete']).toSorted(),
    );
  });

  test('a repository that cannot be deleted is given up after ten tries, and can be deleted again', async () => {
    const { api, database, id, repositoryUrl } = await start(['a']);
    await api.ask('DELETE', repositoryUrl);
    const status = async () => (await api.ask('GET', `/registry/repositories/${id}`)).body.status;
    const broken = new RepositoryDeletionTask({ database: failing(database), log: silentLog });
    for (let attempt = 1; attempt < 10; attempt += 1) {
      expect((await broken.run(never)).result).toEqual({ repositories: 0, failures: 1 });
      expect(await status()).toBe('delete_scheduled');
    }
    await broken.run(never);
    expect(await status()).toBe('delete_failed');
    expect((await broken.run(never)).result).toEqual({ repositories: 0, failures: 0 });
    expect(await api.ask('DELETE', repositoryUrl)).toMatchObject(accepted);
    expect(await status()).toBe('delete_scheduled');
    await finish(new RepositoryDeletionTask({ database, log: silentLog }));
    expect(await status()).toBeUndefined();
  });
});

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** The database, whose transactions fail. */
function failing(database: Database): Database {
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'transaction') return () => Promise.reject(new Error('no space left'));
      return Reflect.get(target, name, target);
    },
  });
}
