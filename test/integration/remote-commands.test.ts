/** What is asked of a server by commands, on the whole server, in the test's own process. */
import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CommandRefused } from '../../src/commands/command.ts';
import { loginFileOf, readLogin, writeLogin } from '../../src/commands/remote/login-file.ts';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { PushableRegistry } from '../support/pushable-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { askServer } from '../support/test-terminal.ts';

let upstream: FakeRegistry;
let app: TestApp;
beforeAll(async () => {
  upstream = await new FakeRegistry().start();
  app = await TestApp.start({ upstreams: [upstream] });
});
afterAll(async () => {
  await app.close();
  await upstream.stop();
});

/** Logged in as root: asks as a person would type. */
async function asRoot() {
  const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
  await writeLogin(environment, { url: app.url, token: app.token });
  return (args: readonly string[], input = '') => askServer(environment, args, input);
}

async function refusalOf(asking: Promise<string>): Promise<unknown> {
  return asking.then(
    (text) => text,
    (error: unknown) => error,
  );
}

describe('logging in', () => {
  test('keeps the token in a file that its owner alone can read, and forgets it', async () => {
    const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
    const said = await askServer(environment, ['login', new URL(app.url).host], `${app.token}\n`);
    expect(said).toContain(`Logged in to ${app.url} as root`);
    const file = loginFileOf(environment);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
    expect(await readLogin(environment)).toEqual({ url: app.url, token: app.token });
    await askServer(environment, ['logout']);
    const refused = await refusalOf(askServer(environment, ['user', 'list']));
    expect(refused).toMatchObject({
      message: expect.stringContaining('nobody is logged in: entrepot login'),
    });
  });

  test('with a wrong token is refused in the words of the API, and keeps what was there', async () => {
    const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
    await writeLogin(environment, { url: app.url, token: app.token });
    const refused = await refusalOf(askServer(environment, ['login', app.url], 'ent-wrong'));
    expect(refused).toMatchObject({
      exitCode: 77,
      message: expect.stringMatching(/^401 Unauthorized\n.*login/),
    });
    expect(await readLogin(environment)).toMatchObject({ token: app.token });
  });

  test('a file that is none says which it is', async () => {
    const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
    await writeLogin(environment, { url: app.url, token: app.token });
    await writeFile(loginFileOf(environment), '{');
    await expect(askServer(environment, ['user', 'list'])).rejects.toThrow(loginFileOf(environment));
  });

  test('the token goes to no other server', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: 'https://evil.example/' }).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void elsewhere.close());
    await new Promise((done) => elsewhere.once('listening', done));
    const address = elsewhere.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
    const login = askServer(environment, ['login', `http://127.0.0.1:${address.port}`], 'ent-token');
    expect(await refusalOf(login)).toMatchObject({
      message: expect.stringContaining('redirects to https://evil.example/: log in there'),
    });
    expect(seen).toEqual(['Bearer ent-token']);
  });

  test('where nothing answers it says so, and what to look at', async () => {
    const environment = { XDG_CONFIG_HOME: await temporaryDirectory() };
    const login = askServer(environment, ['login', 'http://127.0.0.1:1'], 'ent-token');
    expect(await refusalOf(login)).toMatchObject({
      exitCode: 69,
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 cannot be reached: .*\n.*entrepot doctor/),
    });
  });
});

describe('people and their tokens', () => {
  test('are made, blocked, let in and given another password, by their names', async () => {
    const ask = await asRoot();
    expect(await ask(['user', 'create', 'dana', '--name', 'Dana'], 'correct horse')).toContain('dana');
    expect(await ask(['user', 'list'])).toMatch(
      /^ID +USERNAME +NAME.*\n1 +root .*\n\d+ +dana +Dana +active +no /,
    );
    await ask(['user', 'block', 'dana']);
    expect(JSON.parse(await ask(['user', 'list', '--search', 'dana', '--json']))).toMatchObject([
      { username: 'dana', state: 'blocked' },
    ]);
    await ask(['user', 'unblock', 'dana']);
    expect(await ask(['user', 'password', 'dana'], 'another horse')).toContain('another password');
    const refused = await refusalOf(ask(['user', 'password', 'dana'], 'short'));
    expect(refused).toMatchObject({ message: 'password is too short (minimum is 8 characters)' });
    await expect(ask(['user', 'block', 'nobody'])).rejects.toThrow(
      "there is no user 'nobody'; entrepot user list",
    );
  });

  test('a token is made for a person, listed, and revoked', async () => {
    const ask = await asRoot();
    await ask(['user', 'create', 'ci', '--no-password']);
    const made = [
      'token',
      'create',
      '--user',
      'ci',
      '--name',
      'pulls',
      '--scopes',
      'read_registry',
      '--json',
    ];
    const { id, token } = JSON.parse(await ask(made));
    expect(token).toMatch(/^ent-/);
    expect(await ask(['token', 'list', '--user', 'ci'])).toContain('pulls');
    await ask(['token', 'revoke', String(id)]);
    expect(await ask(['token', 'list', '--user', 'ci'])).toBe('none\n');
    expect(await ask(['token', 'list', '--user', 'ci', '--all'])).toContain('pulls');
    const unknown = await refusalOf(ask(['token', 'create', '--scopes', 'everything']));
    expect(unknown).toMatchObject({ exitCode: 1, message: expect.stringContaining('scopes') });
  });
});

describe('places and what is in them', () => {
  test('groups and projects are named by their paths', async () => {
    const ask = await asRoot();
    await ask(['group', 'create', 'acme', '--visibility', 'internal']);
    await ask(['group', 'create', 'acme/web', '--name', 'The web']);
    expect(await ask(['project', 'create', 'acme/web/shop'])).toContain(
      `docker push ${new URL(app.url).host}/acme/web/shop:TAG`,
    );
    expect(await ask(['group', 'list'])).toMatch(/acme\/web +The web +private/);
    expect(await ask(['project', 'list', '--group', 'acme'])).toMatch(/^\d+ +acme\/web\/shop +shop/m);
    await expect(ask(['project', 'create', 'shop'])).rejects.toThrow("'shop' is no path such as acme/shop");
    await expect(ask(['project', 'create', 'none/shop'])).rejects.toThrow('404 Group Not Found');
  });

  test('a hosted image is listed, looked into, copied and deleted by the name that it is pulled by', async () => {
    const ask = await asRoot();
    await ask(['group', 'create', 'images']);
    await ask(['project', 'create', 'images/shop']);
    const image = fakeImage();
    const pusher = new Pusher(app, 'images/shop/web');
    await pusher.image(image, '1.0');
    expect(await ask(['image', 'list'])).toContain('images/shop/web\n');
    expect(await ask(['image', 'list', 'images/shop'])).toContain(`images/shop/web:1.0  ${image.digest}`);
    expect(await ask(['image', 'list', 'images/sho'])).toBe('none\n');
    expect(await ask(['image', 'inspect', 'images/shop/web:1.0'])).toMatch(
      new RegExp(`^Digest +${image.digest}`, 'm'),
    );
    expect(await ask(['image', 'inspect', `images/shop/web@${image.digest}`])).toContain(
      '"schemaVersion": 2',
    );
    expect(await ask(['image', 'copy', 'images/shop/web:1.0', 'images/shop/live'])).toBe(
      `images/shop/live:1.0 is ${image.digest}.\n`,
    );
    expect(await ask(['image', 'copy', 'images/shop/web:1.0', 'images/shop/live:2.0', '--json'])).toContain(
      '"copied_manifests": 0',
    );
    await expect(ask(['image', 'copy', 'images/shop/none', 'images/shop/live'])).rejects.toThrow(
      'there is no repository images/shop/none',
    );
    await expect(
      ask(['image', 'copy', 'images/shop/web:1.0', `images/shop/live@${image.digest}`]),
    ).rejects.toThrow('names a digest, and what it is to have is a tag');
    for (const tag of ['1.0', '2.0']) await ask(['image', 'delete', `images/shop/live:${tag}`]);
    await expect(ask(['image', 'delete', 'images/shop/web'])).rejects.toThrow('names no tag and no digest');
    await ask(['image', 'delete', 'images/shop/web:1.0']);
    expect(await ask(['image', 'list', 'images/shop'])).toBe('none\n');
    const gone = await refusalOf(ask(['image', 'inspect', 'images/shop/web:1.0']));
    expect(gone).toMatchObject({ message: expect.stringContaining('images/shop/web has no tag 1.0') });
  });
});

describe('virtual registries', () => {
  test('and their upstreams are named by numbers or names', async () => {
    const ask = await asRoot();
    await using other = await new FakeRegistry().start();
    await ask(['registry', 'create', 'default', 'base images', '--description', 'what others build on']);
    expect(await ask(['registry', 'list', '--group', 'default'])).toMatch(/^\d+ +default +base images +127/m);
    await ask([
      'upstream',
      'add',
      'default/base images',
      other.url,
      '--name',
      'away',
      '--deny',
      'acme/**',
      'x/*',
    ]);
    const [made] = JSON.parse(await ask(['upstream', 'list', 'base images', '--json']));
    expect(made).toMatchObject({ name: 'away', deny_patterns: ['acme/**', 'x/*'] });
    expect(await ask(['upstream', 'list'])).toMatch(/away +http:.* in use/);
    expect(await ask(['upstream', 'test', 'away'])).toBe('away can be pulled from.\n');
    await ask(['upstream', 'remove', 'away']);
    await expect(ask(['upstream', 'test', 'away'])).rejects.toThrow("there is no upstream 'away'");
    await expect(ask(['upstream', 'list', 'nothing'])).rejects.toThrow("no virtual registry 'nothing'");
  });

  test('an upstream of a cloud is made with its key, whose secret is no argument', async () => {
    const ask = await asRoot();
    await ask(['registry', 'create', 'default', 'clouds']);
    const url = 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    const add = ['upstream', 'add', 'clouds', url, '--name', 'ecr'];
    await expect(ask([...add, '--role-arn', 'arn'])).rejects.toThrow('are of a --provider');
    await expect(ask([...add, '--provider', 'ecr'])).rejects.toThrow('upstreams.ambient_hosts');
    await expect(ask([...add, '--provider', 'google', '--key-file', '/nowhere'])).rejects.toThrow(
      '--key-file: cannot read /nowhere',
    );
    const key = ['--provider', 'ecr', '--access-key-id', 'AKIAIOSFODNN7EXAMPLE'];
    await ask([...add, ...key], 'wJalr\n');
    const [made] = JSON.parse(await ask(['upstream', 'list', 'clouds', '--json']));
    expect(made.credentials).toMatchObject({ provider: 'ecr', access_key_id: 'AKIAIOSFODNN7EXAMPLE' });
  });

  test('an upstream that cannot be connected to has failed its test', async () => {
    const ask = await asRoot();
    await ask(['registry', 'create', 'default', 'dead']);
    await ask(['upstream', 'add', 'dead', 'http://127.0.0.1:1', '--name', 'nobody']);
    expect(await refusalOf(ask(['upstream', 'test', 'nobody']))).toBeInstanceOf(CommandRefused);
  });

  test('fetch images before anybody asks for them, wait for it, and say what was not fetched', async () => {
    const ask = await asRoot();
    upstream.repository('library/warm').addImage({ tag: '1.0', architecture: 'arm64' });
    const given = ['--platform', 'linux/arm64', '--registry', 'default/default'];
    const said = await ask(['prewarm', 'start', 'library/warm:1.0', ...given]);
    expect(said).toMatch(/^All 1 images are in the cache; \d+ bytes were fetched\.\n$/);
    const started = await ask(['prewarm', 'start', 'library/warm:2.0', '--every', '24', '--detach']);
    const id = /^Pre-warm (\d+)\./.exec(started)?.[1] ?? '';
    expect(await refusalOf(ask(['prewarm', 'follow', id]))).toMatchObject({
      message: expect.stringMatching(/^1 of 1 images were not fetched:\nlibrary\/warm:2\.0: /),
    });
    expect(await ask(['prewarm', 'list'])).toMatch(new RegExp(`^${id} +1 +0 +0 +1 +0 +24 `, 'm'));
    expect(await ask(['prewarm', 'cancel', id])).toBe(`Pre-warm ${id} is over.\n`);
    expect(await ask(['prewarm', 'list'])).not.toMatch(new RegExp(`^${id} `, 'm'));
    await expect(ask(['prewarm', 'start', 'library/warm', '--every', 'day'])).rejects.toThrow(
      'every_hours is invalid',
    );
  });

  test('rules copy the tags of a project to another registry, and say what came of it', async () => {
    const ask = await asRoot();
    await using registry = await new PushableRegistry().start();
    await createProject(app, 'acme/copied');
    await new Pusher(app, 'acme/copied').image(fakeImage(), 'v1');
    const options = ['--target', 'copies', '--tags', 'v.*', '--no-override', '--private-network'];
    const made = await ask(['replication', 'create', 'acme/copied', registry.url, ...options]);
    const id = /^Rule (\d+):/.exec(made)?.[1] ?? '';
    expect(await ask(['replication', 'list', 'acme/copied'])).toMatch(
      new RegExp(`^${id} .*push +manual`, 'm'),
    );
    const run = /^Run (\d+):/.exec(await ask(['replication', 'run', 'acme/copied', id]))?.[1] ?? '';
    await eventually(async () =>
      expect(await ask(['replication', 'results', 'acme/copied', id])).toMatch(
        new RegExp(`^${run} +manual +0 +1 +0 `, 'm'),
      ),
    );
    expect(registry.manifests.has('copies:v1')).toBe(true);
    const tags = ['replication', 'results', 'acme/copied', id, '--run', run, '--status', 'copied'];
    expect(await ask(tags)).toMatch(/^acme\/copied +v1 +copied /m);
    expect(await ask(['replication', 'remove', 'acme/copied', id])).toBe(`Rule ${id} is gone.\n`);
    expect(await ask(['replication', 'list', 'acme/copied'])).toBe('none\n');
  });

  test('what is cached is listed and forgotten, and a pull explained', async () => {
    const ask = await asRoot();
    const image = upstream.repository('library/tool').addImage({ tag: 'latest' });
    expect(await ask(['image', 'explain', 'library/tool'])).toMatch(
      /upstream 1 +library\/tool +yes +no +yes +found/,
    );
    await app.v2('virtual_registries/container/1/library/tool/manifests/latest');
    expect(await ask(['image', 'list', '--registry', '1'])).toContain(
      `library/tool:latest  upstream 1  ${image.digest}`,
    );
    expect(await ask(['image', 'explain', 'library/tool', '--registry', 'default/default'])).toContain(
      'fresh',
    );
    await ask(['image', 'delete', 'library/tool:latest', '--registry', '1']);
    expect(await ask(['image', 'list', '--registry', '1', 'library/tool'])).not.toContain(
      'library/tool:latest',
    );
    await expect(ask(['image', 'delete', 'library/tool:other', '--registry', '1'])).rejects.toThrow(
      'it is not cached',
    );
  });
});
