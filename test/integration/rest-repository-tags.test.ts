/** https://docs.gitlab.com/api/container_registry/: tags. */
import { expect, test } from 'vitest';
import { ociManifest } from '../../src/oci/media-types.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { pushImage } from '../support/hosted-images.ts';
import { createRepository, digestOfText } from '../support/hosted-records.ts';
import { type RestAnswer, RestApi } from '../support/rest-api.ts';
import { readManifestReviews } from '../support/review-rows.ts';

const noTag = { status: 404, body: { message: '404 Tag Not Found' } };

const names = ({ body }: RestAnswer): string[] => body.map((tag: { name: string }) => tag.name);

describeEachDatabase('tags over the REST API', (open, { clock, createPlace }) => {
  /** The repository acme/shop/web of a private project. */
  async function start() {
    const place = await createPlace();
    const database = await open(place);
    const api = await RestApi.start(database, clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const { id } = await createRepository(database, 'acme/shop/web');
    const url = `/projects/${shop}/registry/repositories/${id}/tags`;
    const push = (tags: readonly string[], size = 10) =>
      pushImage(database, id, tags, [{ kind: 'config', text: `config of ${tags[0]}`, size }]);
    return { api, database, place, acme, shop, id, url, push };
  }

  test('a tag has the fields that GitLab has, and when it was published and pulled', async () => {
    const { api, database, id, url, push } = await start();
    const digest = await push(['1.4.0']);
    await database.imageFacts.save(digest, {
      kind: 'image',
      artifactType: undefined,
      annotations: {},
      config: { digest: digestOfText('config of 1.4.0'), mediaType: 'x/y', size: 10 },
      configState: 'read',
      image: { createdAt: Date.UTC(2026, 1, 2, 8), author: undefined, platform: {}, labels: {}, history: [] },
      layers: [],
      children: [],
      totalBytes: 10,
    });
    await database.pullCounts.record([
      { repositoryId: id, digest, tag: '1.4.0', count: 2, lastAt: clock.now + 1000 },
      { repositoryId: id, digest, tag: undefined, count: 7, lastAt: clock.now + 9000 },
    ]);
    const listed = {
      name: '1.4.0',
      path: 'acme/shop/web:1.4.0',
      location: 'registry.example/acme/shop/web:1.4.0',
      digest,
      total_size: 10,
      last_published_at: new Date(clock.now).toISOString(),
      last_pulled_at: new Date(clock.now + 1000).toISOString(),
      pulls_count: 2,
    };
    expect(await api.ask('GET', url)).toMatchObject({ status: 200, body: [listed] });
    expect((await api.ask('GET', url)).body).toEqual([listed]);
    const revision = digestOfText('config of 1.4.0').slice('sha256:'.length);
    const details = await api.ask('GET', `${url}/1.4.0`);
    expect(details.status).toBe(200);
    expect(details.body).toEqual({
      ...listed,
      revision,
      short_revision: revision.slice(0, 9),
      last_published_by: null,
      created_at: '2026-02-02T08:00:00.000Z',
      media_type: ociManifest,
    });
  });

  test('lists go page by page by name, or in another order', async () => {
    const { api, database, id, url, push } = await start();
    for (const [name, size] of [
      ['b', 30],
      ['a', 10],
      ['c', 20],
    ] as const) {
      clock.now += 1000;
      await push([name], size);
    }
    const digest = await push(['b'], 30);
    await database.pullCounts.record([
      { repositoryId: id, digest, tag: 'c', count: 1, lastAt: clock.now },
      { repositoryId: id, digest, tag: 'b', count: 1, lastAt: clock.now - 1 },
    ]);
    const order = async (query: string) => names(await api.ask('GET', url + query)).join('');
    expect(await order('')).toBe('abc');
    expect(await order('?sort=desc')).toBe('cba');
    expect(await order('?order_by=size')).toBe('bca');
    expect(await order('?order_by=size&sort=asc')).toBe('acb');
    expect(await order('?order_by=last_published_at')).toBe('cba');
    expect(await order('?order_by=last_pulled_at')).toBe('cba');
    expect(await order('?search=B')).toBe('b');
    const page = await api.ask('GET', `${url}?per_page=2&page=1`);
    expect(names(page)).toEqual(['a', 'b']);
    expect(Object.fromEntries(page.headers)).toMatchObject({ 'x-total': '3', 'x-next-page': '2' });
    expect(page.headers.get('link')).toContain('rel="last"');
    expect(await api.ask('GET', `${url}?sort=up`)).toMatchObject({
      status: 400,
      body: { error: 'sort does not have a valid value' },
    });
  });

  test('keyset pages go on after a name, in both directions, by the link to the next', async () => {
    const { api, url, push } = await start();
    await push(['a', 'b', 'c', 'd', 'e']);
    const follow = async (query: string): Promise<string[]> => {
      const pages: string[] = [];
      for (let next: string | undefined = `${url}?${query}`; next !== undefined; ) {
        const page = await api.ask('GET', next);
        expect(page.headers.has('x-total')).toBe(false);
        pages.push(names(page).join(''));
        const link = page.headers.get('link');
        next = /^<https:\/\/registry\.example\/api\/v4(.*)>; rel="next"$/.exec(link ?? '')?.[1];
      }
      return pages;
    };
    expect(await follow('pagination=keyset&per_page=2')).toEqual(['ab', 'cd', 'e']);
    expect(await follow('pagination=keyset&per_page=2&sort=desc')).toEqual(['ed', 'cb', 'a']);
    expect(await follow('pagination=keyset&per_page=5')).toEqual(['abcde']);
    expect(await follow('pagination=keyset&last=b')).toEqual(['cde']);
    expect(await follow('pagination=keyset&last=bb&sort=desc')).toEqual(['ba']);
    expect(await follow('pagination=keyset&search=c')).toEqual(['c']);
    const first = await api.ask('GET', `${url}?pagination=keyset&per_page=2&private_token=root-token`);
    expect(first.headers.get('link')).toBe(
      `<https://registry.example/api/v4${url}?pagination=keyset&per_page=2&last=b&sort=asc>; rel="next"`,
    );
    expect(await api.ask('GET', `${url}?pagination=keyset&order_by=size`)).toMatchObject({
      status: 400,
      body: { error: 'order_by does not have a valid value' },
    });
  });

  test('a deleted tag is gone, its manifest comes up for review, and who did it is on record', async () => {
    const { api, database, place, id, shop, url, push } = await start();
    const digest = await push(['v1', 'v2']);
    expect(await api.ask('DELETE', `${url}/v1`)).toMatchObject({ status: 200, body: 200 });
    expect(names(await api.ask('GET', url))).toEqual(['v2']);
    expect(await readManifestReviews(place)).toMatchObject([
      { repository_id: id, digest, event: 'tag_delete' },
    ]);
    const events = await database.auditEvents.list({ action: 'tag.delete' }, { page: 1, perPage: 9 });
    expect(events.records).toMatchObject([
      {
        actorName: 'root',
        targetId: 'acme/shop/web:v1',
        details: { project_id: shop, repository: 'acme/shop/web', digest },
        groupPath: 'acme',
        projectPath: 'acme/shop',
      },
    ]);
  });

  test('what there is not is not found', async () => {
    const { api, acme, url, id, push } = await start();
    await push(['v1']);
    const other = await api.createProject(acme, 'other');
    const stranger = await api.createUser('stranger');
    for (const method of ['GET', 'DELETE']) {
      expect(await api.ask(method, `${url}/v9`)).toMatchObject(noTag);
      expect(await api.ask(method, `${url}/${encodeURIComponent('no tag')}`)).toMatchObject(noTag);
      const elsewhere = `/projects/${other}/registry/repositories/${id}/tags/v1`;
      expect(await api.ask(method, elsewhere)).toMatchObject({
        status: 404,
        body: { message: '404 Not found' },
      });
      expect(await api.as(stranger, method, `${url}/v1`)).toMatchObject({
        status: 404,
        body: { message: '404 Project Not Found' },
      });
    }
    expect(await api.as(stranger, 'GET', url)).toMatchObject({
      status: 404,
      body: { message: '404 Project Not Found' },
    });
    expect(await api.ask('GET', `/projects/${other}/registry/repositories/x/tags`)).toMatchObject({
      status: 404,
      body: { message: '404 Not found' },
    });
  });

  test('Reporters see tags, Developers delete them', async () => {
    const { api, acme, url, push } = await start();
    await push(['v1']);
    const reporter = await api.createMember(acme, 'reporter', 20);
    const developer = await api.createMember(acme, 'developer', 30);
    expect((await api.as(reporter, 'GET', `${url}/v1`)).status).toBe(200);
    expect(await api.as(reporter, 'DELETE', `${url}/v1`)).toMatchObject({
      status: 403,
      body: { message: '403 Forbidden' },
    });
    expect((await api.as(developer, 'DELETE', `${url}/v1`)).status).toBe(200);
  });

  test('a repository that is being deleted loses no single tags', async () => {
    const { api, id, shop, url, push } = await start();
    await push(['v1']);
    await api.ask('DELETE', `/projects/${shop}/registry/repositories/${id}`);
    const refused = {
      status: 409,
      body: { message: '409 Conflict - acme/shop/web is being deleted' },
    };
    expect(await api.ask('DELETE', `${url}/v1`)).toMatchObject(refused);
    expect(await api.ask('DELETE', `${url}?name_regex_delete=.*`)).toMatchObject(refused);
  });
});
