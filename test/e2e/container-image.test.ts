/** The container image, built by the Dockerfile as it stands and run as its user with its own command: what only a build reads is tried here. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { rootToken } from './support/entrepot.ts';
import { missing, run } from './support/processes.ts';

const root = resolve(import.meta.dirname, '../..');
const makeBase = join(import.meta.dirname, 'support/make-base-image.sh');
const image = 'localhost/entrepot:built';
/** Packages and npm come over the network once, the image's own dependencies each time. */
const buildMs = 600_000;

const directory = mkdtempSync(join(tmpdir(), 'entrepot-image-'));
const store = [
  '--root',
  join(directory, 'root'),
  '--runroot',
  join(directory, 'run'),
  '--storage-driver=vfs',
];
const buildah = (...args: readonly string[]) => run('buildah', [...store, ...args], { timeoutMs: buildMs });
const podman = (...args: readonly string[]) =>
  run('podman', [
    ...store,
    '--cgroup-manager=cgroupfs',
    '--events-backend=file',
    '--runtime',
    'runc',
    ...args,
  ]);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Made once for each Node and each way of making it. */
async function baseArchive(): Promise<string> {
  const folder = process.env['ENTREPOT_CI_CACHE'] ?? join(homedir(), '.cache/entrepot-ci');
  const recipe = createHash('sha256').update(readFileSync(makeBase)).digest('hex').slice(0, 12);
  const archive = join(folder, `image-base-${process.versions.node}-${recipe}.tar`);
  if (!existsSync(archive)) await run(makeBase, [archive, process.execPath], { timeoutMs: buildMs });
  return archive;
}

/** What the Dockerfile builds on, by the name that it has there. */
async function prepareBase(): Promise<void> {
  const [, name = ''] = /^FROM (\S+)/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8')) ?? [];
  const context = join(directory, 'base');
  mkdirSync(context);
  await run('cp', ['--reflink=auto', await baseArchive(), join(context, 'base.tar')]);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nADD base.tar /\n');
  await buildah('bud', '-q', '--isolation', 'chroot', '-t', `docker.io/library/${name}`, context);
  rmSync(context, { recursive: true });
}

interface Container {
  readonly url: string;
  /** Its exit code. */
  stop(): Promise<string>;
}

/** With a read-only root, as the user that is asked for or its own. */
async function startContainer(name: string, options: readonly string[]): Promise<Container> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const environment = {
    ENTREPOT_HTTP__ADDRESS: new URL(url).host,
    ENTREPOT_OPERATIONS__ADDRESS: `127.0.0.1:${await freePort()}`,
    ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
    ENTREPOT_ROOT_TOKEN: rootToken,
  };
  const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
  const limits = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=1024:1024'];
  const isolation = ['--network', 'host', '--read-only', '--pull=never', ...limits];
  await podman('run', '--detach', '--name', name, ...isolation, ...variables, ...options, image);
  const isReady = async () => (await fetch(`${url}/-/readiness`)).ok;
  await expect.poll(() => isReady().catch(() => false), { timeout: 60_000, interval: 100 }).toBe(true);
  return {
    url,
    async stop() {
      await podman('stop', '--time', '30', name);
      const code = await podman('inspect', '--format', '{{.State.ExitCode}}', name);
      await podman('rm', name);
      return code.trim();
    },
  };
}

const absent = await missing('buildah', 'podman', 'runc', 'debootstrap');
const title = 'the container image is built, runs as its user, pulls, keeps its data and ends by SIGTERM';

test.skipIf(absent.length > 0)(
  absent.length === 0 ? title : `${title} (not run: no ${absent.join(', ')})`,
  { timeout: 2 * buildMs },
  async () => {
    await prepareBase();
    await buildah('bud', '-q', '--isolation', 'chroot', '--pull-never', '-t', image, root);

    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(300_000, 1);
    const pulled = upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    const first = await startContainer('first', ['--volume', 'entrepot:/data']);
    const api = '/api/v4/virtual_registries/container/registries/1/upstreams';
    const created = await fetch(`${first.url}${api}`, {
      method: 'POST',
      headers: { 'private-token': rootToken, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'fake', url: upstream.url }),
    });
    expect(created.status).toBe(201);
    const basic = Buffer.from(`root:${rootToken}`).toString('base64');
    const get = (url: string, path: string) =>
      fetch(`${url}/v2/virtual_registries/container/1/team/app/${path}`, {
        headers: { authorization: `Basic ${basic}` },
      });
    const manifest = await get(first.url, 'manifests/v1');
    expect(manifest.headers.get('docker-content-digest')).toBe(pulled.digest);
    expect((await (await get(first.url, `blobs/${layer.digest}`)).bytes()).length).toBe(300_000);
    expect((await fetch(`${first.url}/api/docs`)).status).toBe(200);
    expect((await podman('exec', 'first', 'id', '--user')).trim()).toBe('1000');
    expect((await podman('exec', 'first', 'node', 'bin/entrepot.js', 'version')).trim()).toMatch(
      /^\d+\.\d+\.\d+$/,
    );
    expect(await first.stop()).toBe('0');

    await upstream.stop();
    const second = await startContainer('second', ['--volume', 'entrepot:/data']);
    expect((await get(second.url, `manifests/${pulled.digest}`)).status).toBe(200);
    expect(await second.stop()).toBe('0');

    const anyUser = await startContainer('any-user', ['--user', '54321:0']);
    expect(await anyUser.stop()).toBe('0');
  },
);
