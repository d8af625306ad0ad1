/** The whole server on port 0, with a clock that tests move and fake registries as upstreams. */
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type RunningServer, startServer } from '../../src/app/start-server.ts';
import type { Worker } from '../../src/app/workers/worker.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Log } from '../../src/observe/log.ts';
import { jsonOf } from './bodies.ts';
import { type ChildOptions, ChildServer } from './child-server.ts';
import { eventually } from './eventually.ts';
import type { FakeRegistry } from './fake-registry.ts';
import { silentLog } from './silent-log.ts';
import { type DataTemplate, findStarted } from './templates.ts';

const defaultsFile = resolve(import.meta.dirname, '../../config/default.yaml');
const rootToken = 'ent-test-root-token-0123456789';
/** Where data are that no copy is put. */
const ownDirectories = ['ENTREPOT_DATA_DIRECTORY', 'ENTREPOT_STORAGE__DIRECTORY'];
/** Servers that begin with copies of the same data need the same key. */
const secretKey = randomBytes(32);

export interface TestAppOptions {
  /** postgres://…; undefined for SQLite in a directory of the test's own. */
  readonly databaseUrl?: string | undefined;
  /** What the database is a copy of; without it a server on PostgreSQL starts for the first time. */
  readonly template?: DataTemplate | undefined;
  /** ENTREPOT_ variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What endpoints of the configuration are signed with. */
  readonly webhookSecret?: string;
  readonly debugToken?: string;
  readonly log?: Log;
  /** Whether it and {@link TestApp.startAnother} are workers of one machine, which share SQLite, too. */
  readonly areWorkers?: boolean;
  /** Of the OpenID provider that the environment names. */
  readonly oidcClientSecret?: string;
  /** In their order; they replace Docker Hub in virtual registry 1. */
  readonly upstreams?: readonly (FakeRegistry | UpstreamFields)[];
}

/** As if something had started it. */
function workerOf(number: number): Worker {
  const metrics = { offer: () => undefined, gather: async () => [] };
  return {
    number,
    count: 1,
    isMain: number === 1,
    isFirst: true,
    metrics,
    left: new Promise(() => undefined),
    tellReady: () => undefined,
  };
}

export type UpstreamFields = { readonly url: string } & Readonly<Record<string, unknown>>;

export class TestApp {
  readonly token = rootToken;
  readonly dataDirectory: string;
  readonly #options: TestAppOptions;
  #app: RunningServer | undefined;
  #aheadMs = 0;
  #number = 1;
  url = '';
  operationsUrl = '';
  mirrorUrls: readonly string[] = [];
  upstreamIds: number[] = [];

  private constructor(options: TestAppOptions, dataDirectory: string) {
    this.#options = options;
    this.dataDirectory = dataDirectory;
  }

  /** Data of a server that has been started once, and stopped. @param serverUrl of PostgreSQL; undefined: SQLite */
  static findTemplate(serverUrl: string | undefined): Promise<DataTemplate> {
    return findStarted(serverUrl, async ({ directory, url }) => {
      const app = new TestApp({ databaseUrl: url }, directory);
      await app.resume();
      await app.settle();
      await app.stop();
    });
  }

  static async start(options: TestAppOptions = {}): Promise<TestApp> {
    const { databaseUrl, environment = {} } = options;
    const isOwn = databaseUrl !== undefined || ownDirectories.some((name) => environment[name] !== undefined);
    const template = options.template ?? (isOwn ? undefined : await TestApp.findTemplate(undefined));
    const directory = await mkdtemp(join(tmpdir(), 'entrepot-test-'));
    if (template) await cp(template.directory, directory, { recursive: true });
    const app = new TestApp(options, directory);
    await app.resume();
    await app.useUpstreams(options.upstreams ?? []);
    return app;
  }

  /** Starts another process on the same data, to be stopped before this one is closed; on SQLite it is refused, unless they are workers. */
  async startAnother(): Promise<TestApp> {
    const other = new TestApp(this.#options, this.dataDirectory);
    other.#number = 2;
    await other.resume();
    return other;
  }

  /** What a server on the same data is configured by. */
  get environment(): Readonly<Record<string, string>> {
    return {
      ENTREPOT_DATA_DIRECTORY: this.dataDirectory,
      ENTREPOT_HTTP__ADDRESS: '127.0.0.1:0',
      ENTREPOT_OPERATIONS__ADDRESS: '127.0.0.1:0',
      ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
      // All clients of a test are one address.
      ENTREPOT_RATE_LIMITS__REQUESTS: '0',
      ...(this.#options.databaseUrl && { ENTREPOT_DATABASE__URL: this.#options.databaseUrl }),
      ...this.#options.environment,
    };
  }

  /** Starts the stopped server again on the same data. */
  async resume(): Promise<void> {
    const { environment } = this;
    const defaults = await readFile(defaultsFile, 'utf8');
    const config = loadConfig({ defaults, environment, readFile: () => '' });
    const { webhookSecret, debugToken, oidcClientSecret, log = silentLog } = this.#options;
    const given = { debugToken, webhookSecret, oidcClientSecret };
    const secrets = { key: secretKey, rootToken, rootPassword: undefined, ...given };
    this.#app = await startServer({
      config,
      readSecrets: async () => secrets,
      log,
      now: () => Date.now() + this.#aheadMs,
      announce: async () => undefined,
      ...(this.#options.areWorkers && { worker: workerOf(this.#number) }),
    });
    const { url, operationsUrl, mirrorUrls } = this.#app;
    this.url = url;
    this.operationsUrl = operationsUrl ?? '';
    this.mirrorUrls = mirrorUrls;
  }

  /** Waits until every task has run once: those of the first start are not for each test to wait for. */
  async settle(): Promise<void> {
    await eventually(async () => {
      const tasks = await jsonOf<{ last_ended_at: string | null }[]>(await this.api('GET', '/admin/jobs'));
      if (tasks.some((task) => task.last_ended_at === null)) throw new Error('a task has not run yet');
    });
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }

  /** In a process of its own that can be killed, while this one is stopped: it is asked from now on. */
  async startChild(options: ChildOptions = {}): Promise<ChildServer> {
    const secrets = { ENTREPOT_SECRET_KEY: secretKey.toString('hex'), ENTREPOT_ROOT_TOKEN: rootToken };
    const child = await ChildServer.start({ ...this.environment, ...secrets }, options);
    this.url = child.url;
    return child;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Moves the server's clock on. */
  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  /** Replaces the upstreams of virtual registry 1. */
  async useUpstreams(upstreams: readonly (FakeRegistry | UpstreamFields)[]): Promise<void> {
    const registry = '/virtual_registries/container/registries/1';
    const known = await jsonOf<{ id: number }[]>(await this.api('GET', `${registry}/upstreams`));
    for (const { id } of known) await this.api('DELETE', `/virtual_registries/container/upstreams/${id}`);
    this.upstreamIds = [];
    for (const [index, upstream] of upstreams.entries()) {
      const fields = 'repository' in upstream ? { url: (upstream as FakeRegistry).url } : upstream;
      const answer = await this.api('POST', `${registry}/upstreams`, {
        name: `upstream ${index + 1}`,
        ...fields,
      });
      if (answer.status !== 201)
        throw new Error(`upstream not created: ${answer.status} ${await answer.text()}`);
      const { id } = await jsonOf<{ id: number }>(answer);
      this.upstreamIds.push(id);
    }
  }

  /** A call of the REST API as root. */
  api(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/api/v4${path}`, {
      method,
      headers: {
        'private-token': rootToken,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  /** A request to /v2 as root. */
  v2(path: string, init: RequestInit = {}): Promise<Response> {
    const basic = Buffer.from(`root:${rootToken}`).toString('base64');
    const headers = { authorization: `Basic ${basic}`, ...init.headers };
    return fetch(`${this.url}/v2/${path}`, { ...init, headers });
  }

  manifest(image: string, reference: string, init?: RequestInit): Promise<Response> {
    return this.v2(`virtual_registries/container/1/${image}/manifests/${reference}`, init);
  }

  blob(image: string, digest: string, init?: RequestInit): Promise<Response> {
    return this.v2(`virtual_registries/container/1/${image}/blobs/${digest}`, init);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.operationsUrl}/metrics`)).text();
  }

  /** Blobs, or what is being spooled: the files of the store whose path has this part. */
  async filesUnder(part: string): Promise<string[]> {
    const files = await readdir(join(this.dataDirectory, 'blobs'), { recursive: true, withFileTypes: true });
    return files
      .filter((file) => file.isFile() && !['lock', 'store'].includes(file.name))
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => path.includes(part));
  }
}
