/** Protection rules of a project, wherever something is pushed or deleted. The rules' own API is rest-protection-rules.test.ts. */
import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { errorOf, jsonOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, createUser, locationOf, Pusher, type TestUser, wholeOf } from '../support/pushing.ts';

const layer = seededBlob(1000, 1);
const image = fakeImage({ layers: [layer] });
const other = fakeImage({ layers: [layer], architecture: 'arm64' });
const project = 'acme/shop';
const release = `${project}/release`;
const believedMs = 1000;
const forbidden = 'Pushing to protected repository path forbidden';

interface TokenAnswer {
  readonly status: number;
  readonly body: { readonly token?: string; readonly errors?: unknown; readonly http_status?: number };
}

async function protect(app: TestApp, kind: string, rule: object): Promise<number> {
  const path = `/projects/${encodeURIComponent(project)}/registry/protection/${kind}`;
  const answer = await app.api('POST', path, rule);
  expect(answer.status).toBe(201);
  return (await jsonOf<{ id: number }>(answer)).id;
}

function protectRepository(app: TestApp, push: string | null, remove: string | null = null): Promise<number> {
  return protect(app, 'repository/rules', {
    repository_path_pattern: `${release}*`,
    minimum_access_level_for_push: push,
    minimum_access_level_for_delete: remove,
  });
}

function protectTags(app: TestApp, pattern: string, push = 'maintainer', remove = 'owner'): Promise<number> {
  return protect(app, 'tag/rules', {
    tag_name_pattern: pattern,
    minimum_access_level_for_push: push,
    minimum_access_level_for_delete: remove,
  });
}

/** With a role in the project's group. */
async function member(app: TestApp, username: string, accessLevel: number): Promise<TestUser> {
  const user = await createUser(app, username);
  const [{ id = 0 } = {}] = await jsonOf<{ id?: number }[]>(
    await app.api('GET', `/users?username=${username}`),
  );
  await app.api('POST', '/groups/acme/members', { user_id: id, access_level: accessLevel });
  return user;
}

function basicOf({ username, token }: TestUser): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${username}:${token}`).toString('base64')}` };
}

async function askToken(app: TestApp, user: TestUser, ...scopes: string[]): Promise<TokenAnswer> {
  const query = new URLSearchParams({ service: 'container_registry' });
  for (const scope of scopes) query.append('scope', scope);
  const answer = await fetch(`${app.url}/jwt/auth?${query}`, { headers: basicOf(user) });
  return { status: answer.status, body: await jsonOf(answer) };
}

function claimsOf({ body: { token = '' } }: TokenAnswer) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

describeApp('protection rules', (start) => {
  async function prepare(environment: Record<string, string> = {}) {
    const app = await start({ environment });
    await createProject(app, project);
    const root: TestUser = { username: 'root', token: app.token };
    const dev = await member(app, 'dev', 30);
    const maintainer = await member(app, 'maintainer', 40);
    return {
      app,
      root,
      dev,
      maintainer,
      as: (user: TestUser, name = release) => new Pusher(app, name, user),
    };
  }

  test('a protected repository has no token, and takes no upload, mount or manifest, from whoever has too low a role', async () => {
    const { app, dev, maintainer, as } = await prepare();
    await using _ = app;
    await as(dev, project).image(image, 'v1');
    await as(dev).image(image, 'v1');
    const location = await as(dev).start();
    await protectRepository(app, 'maintainer');
    app.advance(believedMs);

    const refused = { errors: [{ code: 'DENIED', message: forbidden }], http_status: 403 };
    for (const scopes of [
      [`repository:${release}:pull,push`],
      [`repository:${project}:pull`, `repository:${release}/web:push`],
    ])
      expect(await askToken(app, dev, ...scopes)).toEqual({ status: 403, body: refused });
    for (const scope of [`repository:${release}:pull`, `repository:${project}:pull,push`])
      expect((await askToken(app, dev, scope)).status).toBe(200);

    const bytes = wholeOf(layer);
    const mount = `blobs/uploads/?mount=${encodeURIComponent(layer.digest)}&from=${encodeURIComponent(project)}`;
    for (const answer of [
      await as(dev).ask('POST', 'blobs/uploads/'),
      await as(dev).ask('POST', `blobs/uploads/?digest=${encodeURIComponent(layer.digest)}`, {
        body: new Uint8Array(bytes),
      }),
      await as(dev).ask('POST', mount),
      await as(dev).patch(location, bytes),
      await as(dev).put(location, layer.digest, bytes),
      await as(dev).manifest(image, 'v1'),
      await as(dev).manifest(image, image.digest),
    ]) {
      expect(answer.status).toBe(403);
      const { code, message } = await errorOf(answer);
      expect([code, message]).toEqual(['DENIED', expect.stringContaining(`${forbidden}: `)]);
    }
    expect((await as(dev).ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await as(dev).ask('DELETE', 'manifests/v1')).status).toBe(202);
    await as(dev, `${project}/dev`).image(image, 'v1');
    await as(maintainer).image(other, 'v2');
  });

  test('what is protected from deletion stays, with all that it holds', async () => {
    const { app, dev, maintainer, as } = await prepare();
    await using _ = app;
    await as(dev).image(image, 'v1');
    await protectRepository(app, null, 'maintainer');
    app.advance(believedMs);
    for (const path of [
      'manifests/v1',
      'tags/reference/v1',
      `manifests/${image.digest}`,
      `blobs/${layer.digest}`,
    ]) {
      const answer = await as(dev).ask('DELETE', path);
      expect([path, answer.status]).toEqual([path, 403]);
      expect((await errorOf(answer)).message).toContain('Deleting from protected repository path forbidden');
    }
    const granted = claimsOf(await askToken(app, dev, `repository:${release}:pull,push,delete`));
    expect(granted.access[0].actions).toEqual(['pull', 'push']);
    await as(dev).image(image, 'v2');
    expect((await as(maintainer).ask('DELETE', 'manifests/v1')).status).toBe(202);
  });

  test('a rule counts within a second for tokens that were issued before it', async () => {
    const { app, dev, as } = await prepare();
    await using _ = app;
    const { token } = (await askToken(app, dev, `repository:${release}:pull,push,delete`)).body;
    const bearer = { authorization: `Bearer ${token}` };
    const upload = () => app.v2(`${release}/blobs/uploads/`, { method: 'POST', headers: bearer });
    expect((await upload()).status).toBe(202);
    await as(dev).image(image, 'v1');
    const id = await protectRepository(app, 'owner', 'owner');
    app.advance(believedMs);
    expect((await upload()).status).toBe(403);
    const deletion = { method: 'DELETE', headers: bearer };
    expect((await app.v2(`${release}/manifests/v1`, deletion)).status).toBe(403);
    expect((await app.v2(`${release}/manifests/v1`, { headers: bearer })).status).toBe(200);
    const path = `/projects/${encodeURIComponent(project)}/registry/protection/repository/rules/${id}`;
    await app.api('DELETE', path);
    app.advance(believedMs);
    expect((await upload()).status).toBe(202);
    expect((await app.v2(`${release}/manifests/v1`, deletion)).status).toBe(202);
  });

  test('protected tags are for those who have the role, and immutable ones for nobody, by tokens of any age', async () => {
    const { app, root, dev, maintainer, as } = await prepare();
    await using _ = app;
    await as(dev).image(image, 'v1');
    await as(dev).image(other, 'dev');
    const { token } = (await askToken(app, dev, `repository:${release}:pull,push,delete`)).body;
    const bearer = { authorization: `Bearer ${token}`, 'content-type': other.mediaType };
    await protectTags(app, '^v\\d');
    await protect(app, 'tag/immutable_rules', { tag_name_pattern: '^v1$' });

    const pushed = await app.v2(`${release}/manifests/v2`, {
      method: 'PUT',
      headers: bearer,
      body: new Uint8Array(other.payload),
    });
    expect([pushed.status, (await errorOf(pushed)).code]).toEqual([403, 'PROTECTED_TAG']);
    const codes: [string, string][] = [];
    const note = async (who: string, answer: Response) => {
      codes.push([
        who,
        answer.ok ? String(answer.status) : `${answer.status} ${(await errorOf(answer)).code}`,
      ]);
    };
    await note('dev pushes v2', await as(dev).manifest(other, 'v2'));
    await note('maintainer pushes v2', await as(maintainer).manifest(other, 'v2'));
    await note('maintainer pushes v1 again', await as(maintainer).manifest(image, 'v1'));
    await note('maintainer moves v1', await as(maintainer).manifest(other, 'v1'));
    await note('root moves v1', await as(root).manifest(other, 'v1'));
    await note('root adds v1', await as(root).manifest(other, `${other.digest}?tag=new&tag=v1`));
    await note('maintainer deletes v2', await as(maintainer).ask('DELETE', 'manifests/v2'));
    await note('root deletes v1', await as(root).ask('DELETE', 'manifests/v1'));
    await note('root deletes v1 the old way', await as(root).ask('DELETE', 'tags/reference/v1'));
    await note('root deletes its manifest', await as(root).ask('DELETE', `manifests/${image.digest}`));
    await note('dev deletes that of v2', await as(dev).ask('DELETE', `manifests/${other.digest}`));
    await note('root deletes v2', await as(root).ask('DELETE', 'manifests/v2'));
    await note('dev deletes dev', await as(dev).ask('DELETE', 'manifests/dev'));
    expect(codes).toEqual([
      ['dev pushes v2', '403 PROTECTED_TAG'],
      ['maintainer pushes v2', '201'],
      ['maintainer pushes v1 again', '201'],
      ['maintainer moves v1', '403 IMMUTABLE_TAG'],
      ['root moves v1', '403 IMMUTABLE_TAG'],
      ['root adds v1', '403 IMMUTABLE_TAG'],
      ['maintainer deletes v2', '403 PROTECTED_TAG'],
      ['root deletes v1', '403 IMMUTABLE_TAG'],
      ['root deletes v1 the old way', '403 IMMUTABLE_TAG'],
      ['root deletes its manifest', '403 PROTECTED_MANIFEST'],
      ['dev deletes that of v2', '403 PROTECTED_MANIFEST'],
      ['root deletes v2', '202'],
      ['dev deletes dev', '202'],
    ]);
    expect(await tagsOf(await as(dev).ask('GET', 'tags/list'))).toEqual(['v1']);
  });

  test('refusals are in the audit trail of the project, whoever refused', async () => {
    const { app, dev, as } = await prepare();
    await using _ = app;
    await as(dev, project).image(image, 'dev');
    await protectRepository(app, 'owner');
    await protectTags(app, '^v\\d');
    app.advance(believedMs);
    await askToken(app, dev, `repository:${release}:push`);
    await as(dev).ask('POST', 'blobs/uploads/');
    await as(dev, project).manifest(image, 'v1');
    await expect
      .poll(async () => {
        const path = `/projects/${encodeURIComponent(project)}/audit_events?per_page=100`;
        const events = await jsonOf<{ action?: string; event_name?: string; details?: object }[]>(
          await app.api('GET', path),
        );
        return events.map((event) => JSON.stringify(event)).filter((text) => text.includes('write_denied'));
      })
      .toEqual([
        expect.stringMatching(/dev.*PUT|PUT.*dev/),
        expect.stringMatching(/dev.*POST|POST.*dev/),
        expect.stringMatching(/dev.*GET|GET.*dev/),
      ]);
  });

  test('deploy tokens have no role, and jobs that of their user', async () => {
    const { app, maintainer, dev, as } = await prepare();
    await using _ = app;
    await as(dev, project).image(image, 'dev');
    await protectRepository(app, 'maintainer');
    await protectTags(app, '^v\\d', 'maintainer', 'maintainer');
    app.advance(believedMs);
    const ofProject = `/projects/${encodeURIComponent(project)}`;
    const deploy = await jsonOf<TestUser>(
      await app.api('POST', `${ofProject}/deploy_tokens`, {
        name: 'pushes',
        scopes: ['read_registry', 'write_registry'],
      }),
    );
    expect(await askToken(app, deploy, `repository:${release}:pull,push`)).toMatchObject({ status: 403 });
    expect((await as(deploy).ask('POST', 'blobs/uploads/')).status).toBe(403);
    expect((await as(deploy, project).ask('POST', 'blobs/uploads/')).status).toBe(202);
    const tagged = await as(deploy, project).manifest(image, 'v1');
    expect([tagged.status, (await errorOf(tagged)).code]).toEqual([403, 'PROTECTED_TAG']);
    expect((await as(deploy, project).manifest(image, 'next')).status).toBe(201);

    for (const [user, status] of [
      [dev, 403],
      [maintainer, 202],
    ] as const) {
      const [{ id = 0 } = {}] = await jsonOf<{ id?: number }[]>(
        await app.api('GET', `/users?username=${user.username}`),
      );
      const { token } = await jsonOf<{ token: string }>(
        await app.api('POST', `${ofProject}/job_tokens`, { user_id: id, name: 'build 1' }),
      );
      const job = { username: 'gitlab-ci-token', token };
      expect([user.username, (await as(job).ask('POST', 'blobs/uploads/')).status]).toEqual([
        user.username,
        status,
      ]);
    }
  });

  test('tokens say whose the repository is, and which tags their bearer may not touch', async () => {
    const { app, root, dev, maintainer } = await prepare();
    await using _ = app;
    await protectTags(app, '^v\\d', 'maintainer', 'owner');
    await protectTags(app, 'rc', 'owner', 'maintainer');
    await protect(app, 'tag/immutable_rules', { tag_name_pattern: '^release-' });
    const { id } = await jsonOf<{ id: number }>(await app.api('GET', '/projects/acme%2Fshop'));
    const group = await jsonOf<{ id: number }>(await app.api('GET', '/groups/acme'));
    const metaOf = async (user: TestUser, actions: string) =>
      claimsOf(await askToken(app, user, `repository:${project}/web:${actions}`)).access[0].meta;
    expect(await metaOf(dev, 'pull,push,delete')).toEqual({
      project_path: project,
      project_id: id,
      root_namespace_id: group.id,
      tag_deny_access_patterns: { push: ['^v\\d', 'rc'], delete: ['^v\\d', 'rc'] },
      tag_immutable_patterns: ['^release-'],
    });
    expect(await metaOf(maintainer, 'pull,push')).toMatchObject({
      tag_deny_access_patterns: { push: ['rc'] },
      tag_immutable_patterns: ['^release-'],
    });
    expect(await metaOf(root, 'push,delete')).toMatchObject({
      tag_deny_access_patterns: { push: [], delete: [] },
      tag_immutable_patterns: ['^release-'],
    });
    expect(await metaOf(dev, 'pull')).toBeUndefined();
    // And they are good.
    const { token } = (await askToken(app, dev, `repository:${project}/web:pull,push`)).body;
    const headers = { authorization: `Bearer ${token}` };
    expect((await app.v2(`${project}/web/blobs/uploads/`, { method: 'POST', headers })).status).toBe(202);
  });

  test('a token for many repositories fits into a header', async () => {
    const { app, dev } = await prepare();
    await using _ = app;
    for (const letter of ['a', 'b', 'c', 'd', 'e'])
      await protectTags(app, letter.repeat(100), 'owner', 'owner');
    const scopes = Array.from(
      { length: 20 },
      (_each, index) => `repository:${project}/r${index}:pull,push,delete`,
    );
    const answer = await askToken(app, dev, ...scopes);
    const { access } = claimsOf(answer);
    expect(access).toHaveLength(20);
    expect(access[0].meta).toBeDefined();
    expect(access[19].meta).toBeUndefined();
    expect(answer.body.token?.length).toBeLessThan(8192);
    const headers = { authorization: `Bearer ${answer.body.token}` };
    const upload = await app.v2(`${project}/r19/blobs/uploads/`, { method: 'POST', headers });
    expect(upload.status).toBe(202);
    expect(locationOf(upload)).toContain('r19');
  });

  test('where nobody needs to log in, what is protected is for who logs in and has the role', async () => {
    const { app, dev, maintainer, as } = await prepare({ ENTREPOT_AUTH__REQUIRED: 'false' });
    await using _ = app;
    await protectRepository(app, 'maintainer');
    await protectTags(app, '^v\\d');
    app.advance(believedMs);
    const anonymously = (path: string, init: RequestInit) => fetch(`${app.url}/v2/${path}`, init);
    expect((await anonymously(`${project}/blobs/uploads/`, { method: 'POST' })).status).toBe(202);
    const refused = await anonymously(`${release}/blobs/uploads/`, { method: 'POST' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain(`scope="repository:${release}:pull,push"`);
    expect((await errorOf(refused)).message).toContain('Log in');
    expect((await as(dev).ask('POST', 'blobs/uploads/')).status).toBe(403);
    await as(maintainer).image(image, 'v1');
    const moved = await anonymously(`${release}/manifests/v1`, {
      method: 'DELETE',
    });
    expect([moved.status, (await errorOf(moved)).code]).toEqual([403, 'PROTECTED_TAG']);
  });

  test('patterns that would take a backtracking engine for ever do not', async () => {
    const { app, dev, as } = await prepare();
    await using _ = app;
    await as(dev, project).image(image, 'dev');
    for (const pattern of ['(a+)+$', '(a|a)*b', '(.*)(.*)(.*)(.*)x', '(x+x+)+y'])
      await protectTags(app, pattern, 'owner', 'owner');
    expect((await as(dev, project).manifest(image, `${'a'.repeat(60)}${'x'.repeat(60)}-`)).status).toBe(403);
    expect((await as(dev, project).manifest(image, `${'b'.repeat(120)}`)).status).toBe(403);
    expect((await as(dev, project).manifest(image, 'c'.repeat(128))).status).toBe(201);
  });
});
