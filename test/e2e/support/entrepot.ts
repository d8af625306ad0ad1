/** The server as its users run it: a process of its own, spoken to over HTTP. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import type { Credentials } from './clients/client.ts';
import { answers, type RunningProgram, start } from './processes.ts';

const root = join(import.meta.dirname, '../../..');
export const rootToken = 'ent-e2e-0123456789abcdef0123';

export interface EntrepotOptions {
  /** Its data directory and log are put here; started again on the same folder it finds its data. */
  readonly directory: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** PEM files to speak TLS with. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Processor core to pin it to. */
  readonly core?: number;
}

export interface UpstreamAttributes {
  readonly url: string;
  readonly name: string;
  readonly username?: string;
  readonly password?: string;
  readonly cache_validity_hours?: number;
}

export class Entrepot {
  readonly program: RunningProgram;
  readonly host: string;
  /** With its scheme. */
  readonly url: string;
  readonly directory: string;
  readonly operationsHost: string;
  readonly logFile: string;
  /** From the start of its process to its first answer. */
  readonly startedInMs: number;

  private constructor(
    program: RunningProgram,
    url: string,
    operationsHost: string,
    directory: string,
    startedInMs: number,
  ) {
    this.program = program;
    this.url = url;
    this.host = new URL(url).host;
    this.operationsHost = operationsHost;
    this.directory = directory;
    this.logFile = logFileOf(directory);
    this.startedInMs = startedInMs;
  }

  static async start(options: EntrepotOptions): Promise<Entrepot> {
    const { directory, core, tls } = options;
    mkdirSync(directory, { recursive: true });
    const host = `127.0.0.1:${options.port ?? (await freePort())}`;
    const url = `${tls ? 'https' : 'http'}://${host}`;
    const operationsHost = `127.0.0.1:${await freePort()}`;
    const command = [
      ...(core === undefined ? [] : ['taskset', '-c', String(core)]),
      process.execPath,
      ...startArguments(),
    ];
    const [program = '', ...args] = command;
    const startedAt = performance.now();
    const running = await start(program, args, {
      cwd: root,
      logFile: logFileOf(directory),
      isReady: () => answers(`${url}/v2/`),
      env: {
        ENTREPOT_HTTP__ADDRESS: host,
        ENTREPOT_OPERATIONS__ADDRESS: operationsHost,
        ENTREPOT_DATA_DIRECTORY: dataDirectoryOf(directory),
        ENTREPOT_ROOT_TOKEN: rootToken,
        ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
        // Here every client has the same address.
        ENTREPOT_RATE_LIMITS__REQUESTS: '0',
        ...(tls && { ENTREPOT_HTTP__TLS__CERTIFICATE: tls.certificate, ENTREPOT_HTTP__TLS__KEY: tls.key }),
        ...options.env,
      },
    });
    return new Entrepot(running, url, operationsHost, directory, performance.now() - startedAt);
  }

  get dataDirectory(): string {
    return dataDirectoryOf(this.directory);
  }

  /** The parsed body. @throws Error with status and body where the status is not 2xx */
  async rest(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v4${path}`, {
      method,
      headers: { 'private-token': rootToken, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The virtual registry's only upstreams are these, in this order, from then on. */
  async setUpstreams(registryId: number, upstreams: readonly UpstreamAttributes[]): Promise<number[]> {
    const base = '/virtual_registries/container';
    for (const id of idsOf(await this.rest('GET', `${base}/registries/${registryId}/upstreams`))) {
      await this.rest('DELETE', `${base}/upstreams/${id}`);
    }
    const ids: number[] = [];
    for (const upstream of upstreams) {
      const made = await this.rest('POST', `${base}/registries/${registryId}/upstreams`, upstream);
      ids.push(...idsOf([made]));
    }
    return ids;
  }

  /** A further virtual registry. @param group of the top level; its id or path */
  async createRegistry(name: string, group = '1'): Promise<number> {
    const made = await this.rest('POST', `/groups/${group}/-/virtual_registries/container/registries`, {
      name,
    });
    const [id] = idsOf([made]);
    if (id === undefined) throw new Error('no id');
    return id;
  }

  /** A project in a top-level group, which is made where it is not there. @param path group/project */
  async createProject(path: string): Promise<void> {
    const [group = '', name] = path.split('/');
    const found = await this.rest('GET', `/groups?search=${group}`);
    const known = Array.isArray(found) && found.find((each) => each.full_path === group);
    const [id] = idsOf([known || (await this.rest('POST', '/groups', { name: group, path: group }))]);
    await this.rest('POST', '/projects', { namespace_id: id, name, path: name });
  }

  /** Someone with an access token of these scopes. @param roles access levels in top-level groups, by their paths */
  async createUser(
    username: string,
    scopes: readonly string[],
    roles: Readonly<Record<string, number>>,
  ): Promise<Credentials> {
    const id = idOf(await this.rest('POST', '/users', { username, name: username }));
    for (const [group, access_level] of Object.entries(roles)) {
      await this.rest('POST', `/groups/${group}/members`, { user_id: id, access_level });
    }
    const made = await this.rest('POST', `/users/${id}/personal_access_tokens`, { name: 'e2e', scopes });
    if (typeof made !== 'object' || made === null || !('token' in made)) throw new Error('no token');
    return { username, password: String(made.token) };
  }

  /** Basic works straight on /v2. */
  get authorization(): string {
    return `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
  }

  /** A token as registry clients get one. */
  async bearer(repository: string, actions = 'pull'): Promise<string> {
    const query = new URLSearchParams({
      service: 'container_registry',
      scope: `repository:${repository}:${actions}`,
    });
    const response = await fetch(`${this.url}/jwt/auth?${query}`, {
      headers: { authorization: this.authorization },
    });
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null || !('token' in body))
      throw new Error(`no token: ${response.status}`);
    return `Bearer ${body.token}`;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** What `npm start` gives to node. */
function startArguments(): string[] {
  const manifest: { scripts: { start: string } } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return manifest.scripts.start.split(' ').slice(1);
}

function dataDirectoryOf(directory: string): string {
  return join(directory, 'data');
}

function logFileOf(directory: string): string {
  return join(directory, 'entrepot.log');
}

function idOf(item: unknown): number {
  if (typeof item !== 'object' || item === null || !('id' in item) || typeof item.id !== 'number')
    throw new Error('no id');
  return item.id;
}

function idsOf(list: unknown): number[] {
  if (!Array.isArray(list)) throw new Error('not a list');
  return list.map(idOf);
}
