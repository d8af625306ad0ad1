/** Debian's docker-registry as an upstream: open, with htpasswd (Basic), or with token authentication (Bearer). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { answers, type RunningProgram, run, start } from './processes.ts';
import { TokenServer } from './token-server.ts';

export type UpstreamAuth = 'open' | 'htpasswd' | 'token';

/** As its documentation has them: https://github.com/distribution/distribution/blob/v2.8.3/docs/configuration.md#token */
export interface TokenSettings {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** A file. */
  readonly rootcertbundle: string;
}

export const upstreamUser = { username: 'puller', password: 'pull-secret' };
const service = 'docker-registry';
const issuer = 'e2e-issuer';

export interface DockerRegistryOptions {
  /** For configuration and log. */
  readonly directory: string;
  /** Where its blobs are; several registries may read the same. */
  readonly storage: string;
  /** Settings: it trusts a token service that is not its own. */
  readonly auth?: UpstreamAuth | TokenSettings;
  readonly core?: number;
}

export class DockerRegistry {
  readonly host: string;
  readonly program: RunningProgram;
  readonly #tokenServer: TokenServer | undefined;

  constructor(host: string, program: RunningProgram, tokenServer: TokenServer | undefined) {
    this.host = host;
    this.program = program;
    this.#tokenServer = tokenServer;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  static async start(options: DockerRegistryOptions): Promise<DockerRegistry> {
    const { directory, storage, auth = 'open', core } = options;
    mkdirSync(directory, { recursive: true });
    const host = `127.0.0.1:${await freePort()}`;
    const { config, tokenServer } = await authOf(auth, directory);
    const file = join(directory, 'config.json');
    // JSON is YAML.
    writeFileSync(
      file,
      JSON.stringify({
        version: 0.1,
        log: { level: 'error', accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
        http: { addr: host },
        ...config,
      }),
    );
    const [command = '', ...args] = [
      ...(core === undefined ? [] : ['taskset', '-c', String(core)]),
      'docker-registry',
      'serve',
      file,
    ];
    const program = await start(command, args, {
      logFile: join(directory, 'docker-registry.log'),
      isReady: () => answers(`http://${host}/v2/`),
      ...(core !== undefined && { env: { GOMAXPROCS: '1' } }),
    });
    return new DockerRegistry(host, program, tokenServer);
  }

  async stop(): Promise<void> {
    await this.program.stop();
    this.#tokenServer?.close();
  }

  /** A token of its token service, where it has one. */
  async bearer(repository: string, actions = 'pull'): Promise<string> {
    if (!this.#tokenServer) throw new Error('this registry has no token service');
    const { username, password } = upstreamUser;
    const query = new URLSearchParams({ service, scope: `repository:${repository}:${actions}` });
    const response = await fetch(`${this.#tokenServer.realm}?${query}`, {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    });
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null || !('token' in body)) throw new Error('no token');
    return `Bearer ${body.token}`;
  }
}

async function authOf(auth: UpstreamAuth | TokenSettings, directory: string) {
  if (typeof auth === 'object') return { config: { auth: { token: auth } }, tokenServer: undefined };
  if (auth === 'open') return { config: {}, tokenServer: undefined };
  if (auth === 'htpasswd') {
    const file = join(directory, 'htpasswd');
    writeFileSync(file, await run('htpasswd', ['-Bbn', upstreamUser.username, upstreamUser.password]));
    return { config: { auth: { htpasswd: { realm: 'e2e', path: file } } }, tokenServer: undefined };
  }
  const tokenServer = await TokenServer.start({ directory, service, issuer, ...upstreamUser });
  const { realm, certificateFile: rootcertbundle } = tokenServer;
  return { config: { auth: { token: { realm, service, issuer, rootcertbundle } } }, tokenServer };
}
