import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { errorOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeArtifact, fakeImage, fakeIndex, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, Pusher, type TestUser } from '../support/pushing.ts';

const [base, code, extra] = [seededBlob(3000, 1), seededBlob(500, 2), seededBlob(70, 3)];
const amd = fakeImage({ layers: [base, code] });
const arm = fakeImage({ layers: [base, extra], architecture: 'arm64' });
const both = fakeIndex({ manifests: [amd, arm] });
const sizeOfAmd = 3000 + 500 + (amd.config?.size ?? 0);
const sizeOfArm = 3000 + 70 + (arm.config?.size ?? 0);
const sizeOfBoth = sizeOfAmd + sizeOfArm - 3000;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const timePattern = { created_at: time, published_at: time };

interface Listed {
  readonly name: string;
}

/** Below /gitlab/v1; as root, unless headers say otherwise. */
function ask(app: TestApp, path: string, init: RequestInit = {}): Promise<Response> {
  const basic = Buffer.from(`root:${app.token}`).toString('base64');
  const headers = { authorization: `Basic ${basic}`, ...init.headers };
  return fetch(`${app.url}/gitlab/v1${path}`, { redirect: 'manual', ...init, headers });
}

async function bodyOf(app: TestApp, path: string): Promise<unknown> {
  const answer = await ask(app, path);
  expect(answer.status, path).toBe(200);
  return answer.json();
}

async function namesOf(app: TestApp, path: string): Promise<readonly string[]> {
  return ((await bodyOf(app, path)) as readonly Listed[]).map(({ name }) => name);
}

/** The pages that a Link names, by relation. */
function linksOf(answer: Response): Record<string, string> {
  const links = (answer.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g);
  return Object.fromEntries([...links].map(([, url = '', relation = '']) => [relation, url]));
}

async function expectError(answer: Response, status: number, code: string): Promise<void> {
  expect(answer.status).toBe(status);
  expect((await errorOf(answer)).code).toBe(code);
}

/** acme/shop/web with the tags a to f, of one image each a second after the other. */
async function startWithTags(start: () => Promise<TestApp>, order = 'abcdef'): Promise<TestApp> {
  const app = await start();
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop/web');
  await pusher.image(amd);
  for (const tag of order) {
    app.advance(1000);
    await pusher.manifest(amd, tag);
  }
  return app;
}

const list = '/repositories/acme/shop/web/tags/list/';

describeApp('the GitLab API of the registry', (start) => {
  test('is told of at /v2/, and answers a probe', async () => {
    await using app = await start();
    const v2 = await app.v2('');
    expect(v2.headers.get('gitlab-container-registry-version')).toMatch(/^v\d+\.\d+\.\d+-gitlab$/);
    expect(v2.headers.get('gitlab-container-registry-features')).toBe('tag_delete');
    expect(v2.headers.get('gitlab-container-registry-database-enabled')).toBe('true');
    const probe = await ask(app, '/');
    expect([probe.status, await probe.text()]).toEqual([200, '']);
    const unauthorized = await fetch(`${app.url}/gitlab/v1/`);
    expect(unauthorized.headers.get('www-authenticate')).toContain('/jwt/auth"');
    await expectError(unauthorized, 401, 'UNAUTHORIZED');
  });

  test('wants its trailing slash, and has nothing at other paths', async () => {
    await using app = await start();
    for (const path of ['', '/repositories/acme/shop', '/repositories/acme/shop/tags/list', '/statistics']) {
      const answer = await ask(app, `${path}?n=5`);
      expect(answer.status).toBe(301);
      expect(answer.headers.get('location')).toBe(`${app.url}/gitlab/v1${path}/?n=5`);
    }
    await expectError(await ask(app, '/import/acme/shop/'), 404, 'NOT_IMPLEMENTED');
    const posted = await ask(app, '/statistics/', { method: 'POST' });
    expect(posted.headers.get('allow')).toContain('GET');
    await expectError(posted, 405, 'UNSUPPORTED');
  });

  test('a repository has its size, each blob that tags reach once, where that is asked for', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'acme/tools');
    const web = new Pusher(app, 'acme/shop/web');
    await web.image(amd);
    await web.image(arm, 'arm');
    app.advance(5000);
    await web.manifest(both, 'latest');
    await new Pusher(app, 'acme/shop/web/debug').image(amd, 'latest');
    await new Pusher(app, 'acme/tools').image(fakeImage({ layers: [seededBlob(11, 9)] }), 'v1');
    const path = '/repositories/acme/shop/web/';
    const plain = await bodyOf(app, path);
    expect(plain).toEqual({
      name: 'web',
      path: 'acme/shop/web',
      created_at: time,
      updated_at: time,
      last_published_at: time,
    });
    expect(await bodyOf(app, `${path}?size=self`)).toEqual({
      ...(plain as object),
      size_bytes: sizeOfBoth,
      size_precision: 'default',
    });
    // Shared with the repository above it.
    expect(await bodyOf(app, `${path}?size=self_with_descendants`)).toMatchObject({ size_bytes: sizeOfBoth });
    const config = fakeImage().config?.size ?? 0;
    expect(await bodyOf(app, '/repositories/acme/?size=self_with_descendants')).toEqual({
      name: 'acme',
      path: 'acme',
      size_bytes:
        sizeOfBoth + 11 + (fakeImage({ layers: [] }).config?.digest === amd.config?.digest ? 0 : config),
      size_precision: 'default',
    });
    await web.ask('DELETE', 'manifests/latest');
    await web.ask('DELETE', 'manifests/arm');
    expect(await bodyOf(app, `${path}?size=self`)).toMatchObject({ size_bytes: 0 });
    await expectError(await ask(app, `${path}?size=all`), 400, 'INVALID_QUERY_PARAMETER_VALUE');
    await expectError(await ask(app, '/repositories/acme/shop/nothing/'), 404, 'NAME_UNKNOWN');
    await expectError(await ask(app, '/repositories/acme/'), 404, 'NAME_UNKNOWN');
    await expectError(await ask(app, '/repositories/Acme/'), 400, 'NAME_INVALID');
  });

  test('a tag has what it names: an image, or an index with its images', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    await pusher.image(amd, 'amd');
    await pusher.image(arm);
    await pusher.manifest(both, 'both');
    const detail = '/repositories/acme/shop/web/tags/detail';
    const imageOf = ({ digest, mediaType, config }: typeof amd, size_bytes: number) => ({
      size_bytes,
      manifest: { digest, media_type: mediaType },
      config: {
        digest: config?.digest,
        media_type: 'application/vnd.oci.image.config.v1+json',
        platform: { architecture: digest === arm.digest ? 'arm64' : 'amd64', os: 'linux' },
      },
    });
    expect(await bodyOf(app, `${detail}/amd/`)).toEqual({
      repository: 'acme/shop/web',
      name: 'amd',
      image: imageOf(amd, sizeOfAmd),
      ...timePattern,
    });
    const images = [imageOf(amd, sizeOfAmd), imageOf(arm, sizeOfArm)].sort((one, other) =>
      one.manifest.digest < other.manifest.digest ? -1 : 1,
    );
    expect(await bodyOf(app, `${detail}/both/`)).toEqual({
      repository: 'acme/shop/web',
      name: 'both',
      image: {
        size_bytes: sizeOfBoth,
        manifest: { digest: both.digest, media_type: both.mediaType, references: images },
      },
      ...timePattern,
    });
    app.advance(2000);
    await pusher.manifest(arm, 'amd');
    const moved = (await bodyOf(app, `${detail}/amd/`)) as Record<string, string>;
    expect(moved['updated_at']).toBe(moved['published_at']);
    expect(Date.parse(moved['published_at'] ?? '')).toBeGreaterThan(Date.parse(moved['created_at'] ?? ''));
    await expectError(await ask(app, `${detail}/nothing/`), 404, 'TAG_UNKNOWN');
    await expectError(await ask(app, `${detail}/-bad/`), 400, 'TAG_INVALID');
    const nowhere = await ask(app, '/repositories/acme/shop/none/tags/detail/x/');
    await expectError(nowhere, 404, 'NAME_UNKNOWN');
  });

  test('tags are listed in pages that go both ways', async () => {
    await using app = await startWithTags(start);
    expect(await bodyOf(app, `${list}?n=1`)).toEqual([
      {
        name: 'a',
        digest: amd.digest,
        config_digest: amd.config?.digest,
        media_type: amd.mediaType,
        size_bytes: sizeOfAmd,
        ...timePattern,
      },
    ]);
    const [first, middle, last] = [
      await ask(app, `${list}?n=2`),
      await ask(app, `${list}?n=2&last=b`),
      await ask(app, `${list}?n=2&last=d`),
    ];
    const url = `${app.url}/gitlab/v1${list}`;
    expect(linksOf(first)).toEqual({ next: `${url}?n=2&last=b` });
    expect(linksOf(middle)).toEqual({ previous: `${url}?n=2&before=c`, next: `${url}?n=2&last=d` });
    expect(linksOf(last)).toEqual({ previous: `${url}?n=2&before=e` });
    expect((await jsonOf<Listed[]>(middle)).map(({ name }) => name)).toEqual(['c', 'd']);
    expect(linksOf(await ask(app, `${list}?n=2&before=e`))).toEqual({
      previous: `${url}?n=2&before=c`,
      next: `${url}?n=2&last=d`,
    });
    expect(linksOf(await ask(app, `${list}?before=c`))).toEqual({ next: `${url}?n=100&last=b` });
    expect(linksOf(await ask(app, `${list}?last=z`))).toEqual({});
  });

  test('tags are filtered first and then sorted', async () => {
    await using app = await startWithTags(start, 'cafebd');
    for (const [query, expected] of [
      ['', 'abcdef'],
      ['before=c', 'ab'],
      ['n=2&before=d', 'bc'],
      ['n=2&last=b', 'cd'],
      ['sort=name&n=3', 'abc'],
      ['sort=-name', 'fedcba'],
      ['n=2&before=d&sort=-name', 'fe'],
      ['n=2&last=e&sort=-name', 'dc'],
      ['before=c0', 'abc'],
      ['name=b', 'b'],
      ['name=B', ''],
      ['name_exact=c&n=1&last=e', 'c'],
      ['name_exact=x', ''],
      ['sort=published_at', 'cafebd'],
      ['sort=-published_at', 'dbefac'],
    ])
      expect((await namesOf(app, `${list}?${query}`)).join(''), query).toBe(expected);
  });

  test('the pages of what was pushed last follow each other, those of one instant by their names', async () => {
    await using app = await startWithTags(start, 'cafebd');
    const pageAt = async (url: string) => {
      const answer = await ask(app, url.slice(`${app.url}/gitlab/v1`.length));
      const names = (await jsonOf<Listed[]>(answer)).map(({ name }) => name).join('');
      return { names, links: linksOf(answer) };
    };
    for (const [sort, all] of [
      ['published_at', 'cafebd'],
      ['-published_at', 'dbefac'],
    ] as const) {
      const first = await pageAt(`${app.url}/gitlab/v1${list}?n=4&sort=${sort}`);
      const { next = '' } = first.links;
      const marker = new URL(next).searchParams.get('last') ?? '';
      expect(Buffer.from(marker, 'base64').toString()).toMatch(/^\d{4}-.*\.\d{6}Z\|[a-f]$/);
      expect(new URL(next).searchParams.get('sort')).toBe(sort);
      const second = await pageAt(next);
      expect(first.names + second.names).toBe(all);
      const { previous = '' } = second.links;
      expect(await pageAt(previous)).toEqual(first);
    }
  });

  test('tags come with their referrers, of all types or of some', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    await pusher.image(amd, 'v1');
    await pusher.blob('{}');
    const [sbom, signature] = [
      fakeArtifact(amd, 'application/spdx+json'),
      fakeArtifact(amd, 'application/vnd.dev.cosign.artifact.sig.v1+json'),
    ];
    await pusher.manifest(sbom, sbom.digest);
    await pusher.manifest(signature, signature.digest);
    await pusher.image(arm, 'v2');
    const entry = ({ artifactType, digest }: typeof sbom) => ({ artifactType, digest });
    const referrersAt = async (query: string) =>
      ((await bodyOf(app, `${list}?${query}`)) as { referrers?: object[] }[]).map((tag) => tag.referrers);
    const [ofFirst, ofSecond] = await referrersAt('referrers=true');
    expect(ofFirst).toHaveLength(2);
    expect(ofFirst).toEqual(expect.arrayContaining([entry(sbom), entry(signature)]));
    expect(ofSecond).toEqual([]);
    expect(await referrersAt('referrers=true&referrer_type=application/spdx%2Bjson,a/b')).toEqual([
      [entry(sbom)],
      [],
    ]);
    expect(await referrersAt('referrer_type=application/spdx%2Bjson')).toEqual([undefined, undefined]);
  });

  test('what cannot be asked for is refused, with the parameter and why', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop/web').image(amd, 'v1');
    for (const query of [
      'n=0',
      'n=1001',
      'n=-1',
      'last=a&before=b',
      'name=a&name_exact=a',
      'name=',
      'name=a%25',
      `name=${'a'.repeat(129)}`,
      'name_exact=-a',
      'last=-a',
      'before=a%00b',
      'sort=size',
      'sort=published_at&last=v1',
      'sort=published_at&before=%00',
      'referrers=true&referrer_type=text',
      `referrer_type=${'a/b,'.repeat(101)}`,
    ])
      await expectError(await ask(app, `${list}?${query}`), 400, 'INVALID_QUERY_PARAMETER_VALUE');
    for (const query of ['n=x', 'n=1.5', 'referrers=1'])
      await expectError(await ask(app, `${list}?${query}`), 400, 'INVALID_QUERY_PARAMETER_TYPE');
    await expectError(await ask(app, '/repositories/acme/shop/none/tags/list/'), 404, 'NAME_UNKNOWN');
    const below = '/repository-paths/acme/repositories/list/';
    await expectError(await ask(app, `${below}?n=0`), 400, 'INVALID_QUERY_PARAMETER_VALUE');
    await expectError(await ask(app, `${below}?last=A`), 400, 'INVALID_QUERY_PARAMETER_VALUE');
  });

  test('the repositories below a path that have a tag are listed in pages', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'acme/off', { container_registry_access_level: 'enabled' });
    for (const name of ['acme/shop', 'acme/shop/api', 'acme/shop/web/debug', 'acme/off/x'])
      await new Pusher(app, name).image(amd, 'v1');
    await new Pusher(app, 'acme/shop/untagged').image(amd);
    await app.api('PUT', '/projects/acme%2Foff', { container_registry_access_level: 'disabled' });
    const below = (path: string) => `/repository-paths/${path}/repositories/list/`;
    expect(await bodyOf(app, below('acme/shop'))).toEqual(
      [
        ['shop', 'acme/shop'],
        ['api', 'acme/shop/api'],
        ['debug', 'acme/shop/web/debug'],
      ].map(([name, path]) => expect.objectContaining({ name, path, created_at: time })),
    );
    const page = await ask(app, `${below('acme')}?n=2`);
    expect((await jsonOf<Listed[]>(page)).map(({ name }) => name)).toEqual(['shop', 'api']);
    const { next = '' } = linksOf(page);
    expect(next).toBe(`${app.url}/gitlab/v1${below('acme')}?n=2&last=acme%2Fshop%2Fapi`);
    expect(await namesOf(app, next.slice(`${app.url}/gitlab/v1`.length))).toEqual(['debug']);
    expect(await bodyOf(app, below('acme/shop/nothing'))).toEqual([]);
    await expectError(await ask(app, below('nowhere')), 404, 'NAME_UNKNOWN');
  });

  test('takes the tokens of /v2, for pulling from what is asked about', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'other/shop');
    await new Pusher(app, 'acme/shop/web').image(amd, 'v1');
    const [dana, eve] = [await createUser(app, 'dana', ['acme']), await createUser(app, 'eve')];
    const as = async (user: TestUser, path: string, ...scopes: string[]) => {
      const secret = { username: user.username, secret: user.token };
      const authorization = await bearerOf(app.url, secret, ...scopes);
      return ask(app, path, { headers: { authorization } });
    };
    const [web, deep] = ['/repositories/acme/shop/web/', '/repositories/acme/?size=self_with_descendants'];
    const below = '/repository-paths/acme/shop/repositories/list/';
    expect((await as(dana, web, 'repository:acme/shop/web:pull')).status).toBe(200);
    expect((await as(dana, list, 'repository:acme/shop/web:pull')).status).toBe(200);
    expect((await as(dana, deep, 'repository:acme/*:pull')).status).toBe(200);
    expect((await as(dana, below, 'repository:acme/shop/*:pull')).status).toBe(200);
    await expectError(await as(eve, web, 'repository:acme/shop/web:pull'), 404, 'NAME_UNKNOWN');
    await expectError(await as(eve, deep, 'repository:acme/*:pull'), 404, 'NAME_UNKNOWN');
    await expectError(await as(eve, below, 'repository:acme/shop/*:pull'), 404, 'NAME_UNKNOWN');
    const challengeOf = async (path: string) => {
      const answer = await as(dana, path, 'repository:acme/shop:pull');
      expect(answer.status).toBe(401);
      return answer.headers.get('www-authenticate');
    };
    expect(await challengeOf(list)).toContain(
      'scope="repository:acme/shop/web:pull",error="insufficient_scope"',
    );
    expect(await challengeOf(deep)).toContain('scope="repository:acme/*:pull"');
    expect(await challengeOf(below)).toContain('scope="repository:acme/shop/*:pull"');
  });

  test('statistics are for administrators', async () => {
    await using app = await start();
    const eve = await createUser(app, 'eve');
    const path = '/statistics/';
    expect(await bodyOf(app, path)).toEqual({
      release: { ext_features: 'tag_delete', version: expect.stringMatching(/^v[\d.]+-gitlab$/) },
      database: { enabled: true },
      import: [],
    });
    const as = async (username: string, secret: string, scope: string) =>
      ask(app, path, { headers: { authorization: await bearerOf(app.url, { username, secret }, scope) } });
    expect((await as('root', app.token, 'registry:statistics:*')).status).toBe(200);
    await expectError(await as('eve', eve.token, 'registry:statistics:*'), 403, 'DENIED');
    const challenged = await as('root', app.token, 'registry:catalog:*');
    expect(challenged.headers.get('www-authenticate')).toContain('scope="registry:statistics:*"');
    await expectError(challenged, 401, 'UNAUTHORIZED');
  });

  test('a token says of which project what it carries is', async () => {
    await using app = await start();
    const id = await createProject(app, 'acme/shop');
    const header = await bearerOf(
      app.url,
      { username: 'root', secret: app.token },
      'repository:acme/shop/web:push',
    );
    const payload = Buffer.from(header.split('.')[1] ?? '', 'base64url').toString();
    expect(JSON.parse(payload).access).toEqual([
      {
        type: 'repository',
        name: 'acme/shop/web',
        actions: ['push'],
        project: id,
        meta: expect.objectContaining({ project_path: 'acme/shop', project_id: id }),
      },
    ]);
  });

  test('a tag that is not there is told so at its older address', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop/web');
    await pusher.image(amd, 'v1');
    expect((await pusher.ask('DELETE', 'tags/reference/v1')).status).toBe(202);
    await expectError(await pusher.ask('DELETE', 'tags/reference/v1'), 404, 'TAG_UNKNOWN');
    await expectError(await pusher.ask('DELETE', 'manifests/v1'), 404, 'MANIFEST_UNKNOWN');
  });
});
