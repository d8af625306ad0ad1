import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { errorOf, jsonOf, tagsOf } from '../support/bodies.ts';
import { basicOf, Credentials } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { documentedMessage } from '../support/documented-messages.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, locationOf, Pusher, wholeOf } from '../support/pushing.ts';

const layer = seededBlob(2000, 5);
const image = fakeImage({ layers: [layer] });

interface Asked {
  readonly path?: string;
  readonly body?: unknown;
  readonly isDryRun?: boolean;
  readonly authorization?: string;
}

/** Renames acme/shop/web as root, unless said otherwise. */
function rename(
  app: TestApp,
  { path = 'acme/shop/web', body, isDryRun, authorization }: Asked,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${app.url}/gitlab/v1/repositories/${path}/${isDryRun ? '?dry_run=true' : ''}`, {
    method: 'PATCH',
    headers: { authorization: authorization ?? basicOf({ username: 'root', secret: app.token }) },
    body: text,
  });
}

async function expectError(answer: Response, status: number, code: string): Promise<void> {
  expect([answer.status, (await errorOf(answer)).code]).toEqual([status, code]);
}

/** acme/shop with the tag v1 in web and web/debug; the empty projects acme/tools and other/shop. */
async function startShop(start: () => Promise<TestApp>) {
  const app = await start();
  const shop = await createProject(app, 'acme/shop');
  const tools = await createProject(app, 'acme/tools');
  await createProject(app, 'other/shop');
  for (const name of ['acme/shop/web', 'acme/shop/web/debug']) await new Pusher(app, name).image(image, 'v1');
  return { app, shop, tools };
}

async function hasTag(app: TestApp, name: string): Promise<boolean> {
  const manifest = await app.v2(`${name}/manifests/v1`);
  const blob = await app.v2(`${name}/blobs/${layer.digest}`, { method: 'HEAD' });
  expect(blob.status).toBe(manifest.status);
  return manifest.status === 200;
}

describeApp('a repository that is renamed', (start) => {
  test('has its images under its new name, with all below it, and is not found under the old one', async () => {
    const { app } = await startShop(start);
    await using _closing = app;
    expect((await rename(app, { body: { name: 'site' } })).status).toBe(204);
    for (const name of ['acme/shop/site', 'acme/shop/site/debug']) expect(await hasTag(app, name)).toBe(true);
    for (const name of ['acme/shop/web', 'acme/shop/web/debug']) expect(await hasTag(app, name)).toBe(false);
    const [event] = await jsonOf<{ event_name: string; details: object }[]>(
      await app.api('GET', '/audit_events'),
    );
    expect(event).toMatchObject({
      event_name: 'repository.rename',
      details: { attributes: { from: 'acme/shop/web', to: 'acme/shop/site', repositories: 2 } },
    });
  });

  test('goes to another project of its top-level group, whose quota must have room for it', async () => {
    const { app, tools } = await startShop(start);
    await using _closing = app;
    const move = () => rename(app, { body: { namespace: 'acme/tools' } });
    await app.api('PUT', `/projects/${tools}`, { container_registry_quota_bytes: 1000 });
    const refused = await move();
    expect(refused.status).toBe(403);
    expect((await errorOf(refused)).message).toMatch(/^project acme\/tools would use \d+ of 1000 bytes/);
    expect(await hasTag(app, 'acme/shop/web')).toBe(true);
    await app.api('PUT', `/projects/${tools}`, { container_registry_quota_bytes: 10_000 });
    expect((await move()).status).toBe(204);
    expect(await hasTag(app, 'acme/tools/web/debug')).toBe(true);
    const project = await jsonOf<{ statistics: object }>(
      await app.api('GET', `/projects/${tools}?statistics=true`),
    );
    expect(project.statistics).toEqual({ container_registry_size: 2000 + (image.config?.size ?? 0) });
    await app.api('DELETE', '/projects/acme%2Fshop');
    expect(await hasTag(app, 'acme/tools/web')).toBe(true);
  });

  test('is called as its project: the project is renamed, or transferred', async () => {
    const { app, shop } = await startShop(start);
    await using _closing = app;
    const pathOf = async () =>
      (await jsonOf<{ path_with_namespace: string }>(await app.api('GET', `/projects/${shop}`)))
        .path_with_namespace;
    expect((await rename(app, { path: 'acme/shop', body: { name: 'store' } })).status).toBe(204);
    expect(await pathOf()).toBe('acme/store');
    expect(await hasTag(app, 'acme/store/web/debug')).toBe(true);
    await app.api('POST', '/groups', { name: 'team', path: 'team', parent_id: await groupOf(app, 'acme') });
    expect((await rename(app, { path: 'acme/store', body: { namespace: 'acme/team' } })).status).toBe(204);
    expect(await pathOf()).toBe('acme/team/store');
    expect(await hasTag(app, 'acme/team/store/web')).toBe(true);
    const taken = await rename(app, { path: 'acme/tools', body: { name: 'team' } });
    await expectError(taken, 409, 'RENAME_CONFLICT');
  });

  test('is announced by a dry run, which changes nothing and keeps pushes away for a minute', async () => {
    const { app } = await startShop(start);
    await using _closing = app;
    const before = Date.now();
    const announced = await rename(app, { body: { name: 'site' }, isDryRun: true });
    expect(announced.status).toBe(202);
    const { ttl } = await jsonOf<{ ttl: string }>(announced);
    expect(ttl).toMatch(/\.\d{3}Z$/);
    expect(Date.parse(ttl) - before).toBeGreaterThanOrEqual(59_000);
    expect(await hasTag(app, 'acme/shop/web')).toBe(true);
    for (const name of ['acme/shop/web', 'acme/shop/web/debug', 'acme/shop/site']) {
      const refused = await new Pusher(app, name).ask('POST', 'blobs/uploads/');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await expectError(refused, 409, 'RENAME_IN_PROGRESS');
    }
    await expectError(
      await new Pusher(app, 'acme/shop/web').ask('DELETE', 'manifests/v1'),
      409,
      'RENAME_IN_PROGRESS',
    );
    expect((await new Pusher(app, 'acme/shop/other').ask('POST', 'blobs/uploads/')).status).toBe(202);
    const people = new Credentials(app);
    const eve = await people.user('eve');
    await people.member('groups', 'acme', eve, 'Owner');
    const token = await people.personalToken('eve', eve, ['api']);
    const byEve = { body: { name: 'other' }, authorization: basicOf(token) };
    await expectError(await rename(app, byEve), 409, 'RENAME_IN_PROGRESS');
    app.advance(61_000);
    expect((await new Pusher(app, 'acme/shop/web').ask('POST', 'blobs/uploads/')).status).toBe(202);
    expect((await rename(app, { ...byEve, isDryRun: true })).status).toBe(202);
    expect((await rename(app, byEve)).status).toBe(204);
  });

  test('tells pushes that still run, and for a minute nobody brings its old name back', async () => {
    const { app } = await startShop(start);
    await using _closing = app;
    const pusher = new Pusher(app, 'acme/shop/web');
    const bytes = wholeOf(layer);
    const location = await pusher.start();
    await pusher.patch(location, bytes.subarray(0, 1000));
    expect((await rename(app, { body: { name: 'site' } })).status).toBe(204);
    await expectError(await pusher.patch(location, bytes.subarray(1000)), 404, 'NAME_UNKNOWN');
    const refused = await pusher.manifest(image, 'v2');
    expect([refused.status, (await errorOf(refused)).message]).toEqual([
      404,
      expect.stringMatching(documentedMessage('A push ends with `name unknown` after a rename', 'HTTP')),
    ]);
    // What it had sent is not lost: the upload goes on under the new name.
    const moved = location.replace('acme/shop/web', 'acme/shop/site');
    expect((await pusher.put(moved, layer.digest, bytes.subarray(1000))).status).toBe(201);
    app.advance(61_000);
    await new Pusher(app, 'acme/shop/web').image(image, 'v9');
    expect(await tagsOf(await app.v2('acme/shop/web/tags/list'))).toEqual(['v9']);
  });

  test('what cannot be is refused, with the reason', async () => {
    const { app } = await startShop(start);
    await using _closing = app;
    await new Pusher(app, 'acme/shop/taken/below').image(image, 'v1');
    for (const body of ['', '{', '[]', '"web"'])
      await expectError(await rename(app, { body }), 400, 'INVALID_JSON_BODY');
    for (const body of [{ name: 1 }, { namespace: null }])
      await expectError(await rename(app, { body }), 400, 'INVALID_BODY_PARAMETER_TYPE');
    for (const body of [
      {},
      { name: 'a', namespace: 'acme/tools' },
      { name: '' },
      { name: 'A' },
      { name: 'a/b' },
      { name: 'web' },
      { name: 'a'.repeat(255) },
      { namespace: 'other/shop' },
      { namespace: 'acme/shop/x' },
    ])
      await expectError(await rename(app, { body }), 400, 'INVALID_BODY_PARAMETER');
    await expectError(await rename(app, { body: { name: 'taken' } }), 409, 'RENAME_CONFLICT');
    await expectError(await rename(app, { body: { namespace: 'acme/nowhere' } }), 403, 'DENIED');
    await expectError(
      await rename(app, { path: 'acme/shop/none', body: { name: 'x' } }),
      404,
      'NAME_UNKNOWN',
    );
    await expectError(await rename(app, { path: 'nowhere/at/all', body: { name: 'x' } }), 403, 'DENIED');
    const project = { path: 'acme/shop', body: { namespace: 'acme/nowhere' } };
    await expectError(await rename(app, project), 404, 'NAME_UNKNOWN');
    const large = await rename(app, { body: { name: 'x'.repeat(70_000) } });
    await expectError(large, 413, 'INVALID_JSON_BODY');
    const odd = await fetch(`${app.url}/gitlab/v1/repositories/acme/shop/web/?dry_run=1`, {
      method: 'PATCH',
      headers: { authorization: basicOf({ username: 'root', secret: app.token }) },
      body: '{"name":"x"}',
    });
    await expectError(odd, 400, 'INVALID_QUERY_PARAMETER_TYPE');
    await app.api('PUT', '/application/settings', { maintenance_mode: true });
    app.advance(2000);
    await expectError(await rename(app, { body: { name: 'x' } }), 503, 'UNAVAILABLE');
    expect(await hasTag(app, 'acme/shop/web')).toBe(true);
  });

  test('is for Maintainers of both projects, where no rule protects a name, with a token for pushing', async () => {
    const { app, shop, tools } = await startShop(start);
    await using _closing = app;
    const people = new Credentials(app);
    const as = async (username: string, role: 'Developer' | 'Maintainer') => {
      const id = await people.user(username);
      await people.member('projects', shop, id, role);
      return people.personalToken(username, id, ['write_registry']);
    };
    const [developer, maintainer] = [await as('dana', 'Developer'), await as('mia', 'Maintainer')];
    const [renaming, moving] = [{ name: 'site' }, { namespace: 'acme/tools' }];
    const by = (secret: typeof developer, body: object) =>
      rename(app, { body, authorization: basicOf(secret) });
    await expectError(await by(developer, renaming), 403, 'DENIED');
    await expectError(await by(maintainer, moving), 403, 'DENIED');
    const deploy = await people.deployToken('projects', shop, ['write_registry']);
    await expectError(await by(deploy, renaming), 403, 'DENIED');
    const rules = `/projects/${shop}/registry/protection/repository/rules`;
    const rule = { repository_path_pattern: 'acme/shop/site*', minimum_access_level_for_push: 'owner' };
    const made = await jsonOf<{ id: number }>(await app.api('POST', rules, rule));
    app.advance(1500);
    await expectError(await by(maintainer, renaming), 403, 'DENIED');
    await app.api('DELETE', `${rules}/${made.id}`);
    app.advance(1500);
    const pull = await bearerOf(app.url, maintainer, 'repository:acme/shop/web:pull');
    const refused = await rename(app, { body: renaming, authorization: pull });
    expect(refused.headers.get('www-authenticate')).toContain('scope="repository:acme/shop/web:pull,push"');
    await expectError(refused, 401, 'UNAUTHORIZED');
    await people.member('projects', tools, maintainer.id, 'Guest').catch(() => undefined);
    const push = await bearerOf(app.url, maintainer, 'repository:acme/shop/web:pull,push');
    expect((await rename(app, { body: renaming, authorization: push })).status).toBe(204);
  });

  test('stays where rules protect it from being deleted, and away from where they protect its new name', async () => {
    const { app, shop, tools } = await startShop(start);
    await using _closing = app;
    const people = new Credentials(app);
    const id = await people.user('mia');
    for (const project of [shop, tools]) await people.member('projects', project, id, 'Maintainer');
    const mia = await people.personalToken('mia', id, ['write_registry']);
    const moveBy = (authorization?: string, isDryRun = false) =>
      rename(app, {
        body: { namespace: 'acme/tools' },
        isDryRun,
        ...(authorization !== undefined && { authorization }),
      });
    const [push, remove] = ['minimum_access_level_for_push', 'minimum_access_level_for_delete'];
    const tagRule = { tag_name_pattern: '^v1$', [push]: 'maintainer', [remove]: 'maintainer' };
    const rules: readonly (readonly [project: number, kind: string, rule: object, stopsRoot?: boolean])[] = [
      // Of what is below it, too.
      [shop, 'repository/rules', { repository_path_pattern: 'acme/shop/web/debug', [remove]: 'owner' }],
      [tools, 'repository/rules', { repository_path_pattern: 'acme/tools/web/d*', [push]: 'owner' }],
      [shop, 'tag/rules', { ...tagRule, [remove]: 'owner' }],
      [tools, 'tag/rules', { ...tagRule, [push]: 'owner' }],
      [shop, 'tag/immutable_rules', { tag_name_pattern: '^v1$' }, true],
    ];
    for (const [project, kind, rule, stopsRoot = false] of rules) {
      const path = `/projects/${project}/registry/protection/${kind}`;
      const made = await jsonOf<{ id: number }>(await app.api('POST', path, rule));
      app.advance(1500);
      for (const isDryRun of [true, false])
        await expectError(await moveBy(basicOf(mia), isDryRun), 403, 'DENIED');
      if (stopsRoot) await expectError(await moveBy(), 403, 'DENIED');
      expect((await app.api('DELETE', `${path}/${made.id}`)).status).toBe(204);
    }
    app.advance(1500);
    // What is immutable where it comes to has not been there before.
    for (const [kind, rule] of [
      ['tag/rules', tagRule],
      ['tag/immutable_rules', { tag_name_pattern: '^v1$' }],
    ] as const)
      await app.api('POST', `/projects/${tools}/registry/protection/${kind}`, rule);
    expect((await moveBy(basicOf(mia))).status).toBe(204);
    for (const name of ['acme/tools/web', 'acme/tools/web/debug']) expect(await hasTag(app, name)).toBe(true);
  });
});

describeApp('tokens for a name', (start) => {
  test('do not work for whoever has it next, and say that it is gone before', async () => {
    const { app, shop } = await startShop(start);
    await using _closing = app;
    const root = { username: 'root', secret: app.token };
    const scope = 'repository:acme/shop/web:pull,push,delete';
    const authorization = await bearerOf(app.url, root, scope);
    const ask = (method: string, path: string, header = authorization) =>
      fetch(`${app.url}/v2/acme/shop/web/${path}`, { method, headers: { authorization: header } });
    expect((await ask('GET', 'manifests/v1')).status).toBe(200);
    await app.api('PUT', `/projects/${shop}`, { path: 'store' });
    await expectError(await ask('POST', 'blobs/uploads/'), 404, 'NAME_UNKNOWN');
    app.advance(1500);
    await expectError(await ask('POST', 'blobs/uploads/'), 404, 'NAME_UNKNOWN');
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop/web').image(image, 'v1');
    app.advance(1500);
    for (const [method, path] of [
      ['GET', 'manifests/v1'],
      ['POST', 'blobs/uploads/'],
      ['DELETE', 'manifests/v1'],
    ] as const) {
      const answer = await ask(method, path);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      await expectError(answer, 401, 'UNAUTHORIZED');
    }
    expect((await ask('GET', 'manifests/v1', await bearerOf(app.url, root, scope))).status).toBe(200);
  });
});

describeApp('while a project is renamed again and again', (start) => {
  test('every push that was acknowledged is there in the end, and every other was told why', async () => {
    const { app, shop } = await startShop(start);
    await using _closing = app;
    const root = { username: 'root', secret: app.token };
    const acknowledged: string[] = [];
    const refusals = new Set<string>();
    const paths = ['acme/shop', 'acme/store'];
    let isOver = false;
    const push = async (worker: number) => {
      for (let round = 0; !isOver; round += 1) {
        const repository = `${paths[round % 2]}/worker${worker}`;
        const authorization = await bearerOf(app.url, root, `repository:${repository}:pull,push`);
        const ask = async (method: string, location: string, body?: Buffer) => {
          const headers = { authorization, 'content-type': image.mediaType };
          const url = new URL(location, app.url);
          return fetch(url, { method, headers, ...(body && { body: new Uint8Array(body) }) });
        };
        const tag = `w${worker}-${round}`;
        const refused = async (answer: Response) => {
          if (answer.status < 300) return false;
          refusals.add(`${answer.status} ${(await errorOf(answer)).code}`);
          return true;
        };
        const blobs = [layer, ...(image.config ? [image.config] : [])];
        let isRefused = false;
        for (const blob of blobs) {
          if (isRefused) break;
          const started = await ask('POST', `/v2/${repository}/blobs/uploads/`);
          isRefused = await refused(started);
          if (isRefused) break;
          const location = `${locationOf(started)}?digest=${blob.digest}`;
          isRefused = await refused(await ask('PUT', location, wholeOf(blob)));
        }
        if (isRefused) continue;
        if (await refused(await ask('PUT', `/v2/${repository}/manifests/${tag}`, image.payload))) continue;
        acknowledged.push(`worker${worker} ${tag}`);
      }
    };
    const pushes = [0, 1, 2].map(push);
    for (let turn = 0; turn < 12; turn += 1) {
      const seen = acknowledged.length;
      while (acknowledged.length === seen) await new Promise((resolve) => setTimeout(resolve, 5));
      const path = turn % 2 === 0 ? 'store' : 'shop';
      expect((await app.api('PUT', `/projects/${shop}`, { path })).status).toBe(200);
    }
    isOver = true;
    await Promise.all(pushes);
    const kept = new Set<string>();
    for (const worker of [0, 1, 2]) {
      const answer = await app.v2(`acme/shop/worker${worker}/tags/list`);
      if (answer.status === 200) for (const tag of await tagsOf(answer)) kept.add(`worker${worker} ${tag}`);
    }
    expect(acknowledged.filter((each) => !kept.has(each))).toEqual([]);
    const told = new Set([
      '404 NAME_UNKNOWN',
      '403 DENIED',
      '401 UNAUTHORIZED',
      '404 BLOB_UPLOAD_UNKNOWN',
      '400 MANIFEST_BLOB_UNKNOWN',
    ]);
    expect([...refusals].filter((each) => !told.has(each))).toEqual([]);
  });
});

async function groupOf(app: TestApp, path: string): Promise<number> {
  return (await jsonOf<{ id: number }>(await app.api('GET', `/groups/${path}`))).id;
}
