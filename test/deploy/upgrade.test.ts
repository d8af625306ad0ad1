/**
 * A rolling upgrade: the version before the last change of the tables runs on while the database is brought up to date and a process of
 * this version works beside it, and no request of either fails. What a version adds, the one before does not need.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { answers, type RunningProgram, run, start } from '../e2e/support/processes.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { root, rootToken } from './support/container.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-upgrade-'));
afterAll(() => rmSync(directory, { recursive: true }));
const serverUrl = process.env['TEST_POSTGRES_URL'];
const migrations = 'src/metadata/migrations/migrate.ts';

/** The commit before the one that last changed the list of migrations; undefined where its history is not here. */
function findBefore(): string | undefined {
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const change = git('log', '--max-count=1', '--format=%H', "-S'00", '--', migrations);
    return git('rev-parse', '--verify', `${change}^`);
  } catch {
    return undefined;
  }
}

const before = serverUrl === undefined ? undefined : findBefore();
const title = 'the version before goes on beside this one while the tables change, and no request fails';
const why =
  serverUrl === undefined ? 'TEST_POSTGRES_URL names no server' : 'the history of the project is not here';

/** Its sources as they were, on the dependencies of now. */
function checkOut(commit: string): string {
  const folder = join(directory, 'before');
  mkdirSync(folder);
  const archive = execFileSync('git', ['archive', commit, 'src', 'bin', 'config', 'package.json'], {
    cwd: root,
    maxBuffer: 256e6,
  });
  execFileSync('tar', ['--extract', '--directory', folder], { input: archive });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

interface Version {
  readonly url: string;
  readonly program: RunningProgram;
}

async function startVersion(
  folder: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Version> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const program = await start(process.execPath, ['bin/entrepot.js', 'serve'], {
    cwd: folder,
    env: {
      ...env,
      ENTREPOT_HTTP__ADDRESS: new URL(url).host,
      ENTREPOT_DATA_DIRECTORY: join(directory, name),
    },
    logFile: join(directory, `${name}.log`),
    isReady: () => answers(`${url}/v2/`),
  });
  return { url, program };
}

const authorization = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What clients do, one thing after another, and what went wrong in it. */
class Client {
  readonly failures: string[] = [];
  requests = 0;
  readonly #url: string;
  readonly #name: string;
  #isOver = false;
  readonly #work: Promise<void>;

  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #run(): Promise<void> {
    for (let round = 0; !this.#isOver; round += 1) {
      const tag = `${this.#name}-${round}`;
      await this.#push(tag);
      await this.#ask('GET', `/v2/acme/shop/base/manifests/${tag}`);
      await this.#ask('GET', '/v2/acme/shop/base/tags/list');
      await this.#ask('DELETE', `/v2/acme/shop/base/manifests/${tag}`);
      await this.#ask('GET', '/v2/virtual_registries/container/1/team/app/manifests/v1');
      await this.#ask('GET', '/api/v4/projects?per_page=5');
      await this.#ask('GET', `/jwt/auth?service=container_registry&scope=repository:acme/shop/base:pull`);
    }
  }

  async #push(tag: string): Promise<void> {
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: tag }));
    const digest = digestOf(config);
    const begun = await this.#ask('POST', '/v2/acme/shop/base/blobs/uploads/');
    const location = new URL(begun?.headers.get('location') ?? '/', this.#url);
    location.searchParams.set('digest', digest);
    await this.#ask('PUT', location.href.slice(location.origin.length), config, 'application/octet-stream');
    const manifest = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: config.length },
      layers: [],
    };
    const body = Buffer.from(JSON.stringify(manifest));
    await this.#ask('PUT', `/v2/acme/shop/base/manifests/${tag}`, body, manifestType);
  }

  async #ask(method: string, path: string, body?: Buffer, type?: string): Promise<Response | undefined> {
    this.requests += 1;
    const headers = {
      ...(path.startsWith('/api/') ? { 'private-token': rootToken } : { authorization }),
      ...(type !== undefined && { 'content-type': type }),
    };
    try {
      const response = await fetch(this.#url + path, { method, headers, ...(body && { body }) });
      const text = await response.text();
      if (!response.ok) this.failures.push(`${method} ${path}: ${response.status} ${text}`);
      return response;
    } catch (error) {
      this.failures.push(`${method} ${path}: ${error}`);
      return undefined;
    }
  }
}

async function createProject(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const made = await fetch(`${url}/api/v4${path}`, {
      method: 'POST',
      headers: { 'private-token': rootToken, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(made.status).toBe(201);
    return (await made.json()) as { readonly id: number };
  };
  const { id } = await post('/groups', { name: 'acme', path: 'acme' });
  await post('/projects', { name: 'shop', path: 'shop', namespace_id: id });
}

/** So that each client has come to everything it does more than once. */
async function rounds(clients: readonly Client[], more: number): Promise<void> {
  const goals = clients.map((client) => client.requests + more);
  while (clients.some((client, index) => client.requests < (goals[index] ?? 0))) await sleep(50);
}

const requestsEach = 60;

test.skipIf(before === undefined)(before === undefined ? `${title} (not run: ${why})` : title, async () => {
  await using upstream = await new FakeRegistry().start();
  const pulled = addImage(upstream);
  const database = await createDatabase(serverUrl ?? '');
  const env = {
    ENTREPOT_DATABASE__URL: database.url,
    ENTREPOT_STORAGE__DIRECTORY: join(directory, 'blobs'),
    ENTREPOT_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    ENTREPOT_ROOT_TOKEN: rootToken,
    ENTREPOT_OPERATIONS__ADDRESS: '',
    ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
    ENTREPOT_RATE_LIMITS__REQUESTS: '0',
  };
  try {
    const old = await startVersion(checkOut(before ?? ''), 'old', env);
    await createProject(old.url);
    await addUpstream(old.url, upstream.url);
    const clients = ['a', 'b'].map((name) => new Client(old.url, name));
    await rounds(clients, requestsEach);

    const said = await run(process.execPath, ['bin/entrepot.js', 'migrate'], { cwd: root, env });
    expect(said).not.toBe('');
    await rounds(clients, requestsEach);
    const current = await startVersion(root, 'new', env);
    const further = new Client(current.url, 'c');
    await rounds([...clients, further], requestsEach);
    await expectPull(old.url, pulled);
    await expectPull(current.url, pulled);

    await Promise.all(clients.map((client) => client.stop()));
    await old.program.stop();
    await rounds([further], requestsEach);
    await further.stop();
    await current.program.stop();
    expect([...clients, further].flatMap(({ failures }) => failures)).toEqual([]);
  } finally {
    await database.drop();
  }
});
