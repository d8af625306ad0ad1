/** Debian's docker-registry as an upstream: open, with htpasswd (Basic), or with token authentication (Bearer). */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { answers, freePort, type RunningProgram, run, start } from './processes.ts';

export type UpstreamAuth = 'open' | 'htpasswd' | 'token';

export const upstreamUser = { username: 'puller', password: 'pull-secret' };
const service = 'docker-registry';
const issuer = 'e2e-issuer';

export interface DockerRegistryOptions {
  /** For configuration and log. */
  readonly directory: string;
  /** Where its blobs are; several registries may read the same. */
  readonly storage: string;
  readonly auth?: UpstreamAuth;
  readonly core?: number;
}

export class DockerRegistry {
  readonly host: string;
  readonly program: RunningProgram;
  readonly #tokenServer: Server | undefined;

  constructor(host: string, program: RunningProgram, tokenServer: Server | undefined) {
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
    this.#tokenServer?.closeAllConnections();
    this.#tokenServer?.close();
  }

  /** A token of its token service, where it has one. */
  async bearer(repository: string, actions = 'pull'): Promise<string> {
    const address = this.#tokenServer?.address();
    if (!address || typeof address === 'string') throw new Error('this registry has no token service');
    const { username, password } = upstreamUser;
    const query = new URLSearchParams({ service, scope: `repository:${repository}:${actions}` });
    const response = await fetch(`http://127.0.0.1:${address.port}/token?${query}`, {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    });
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null || !('token' in body)) throw new Error('no token');
    return `Bearer ${body.token}`;
  }
}

async function authOf(auth: UpstreamAuth, directory: string) {
  if (auth === 'open') return { config: {}, tokenServer: undefined };
  if (auth === 'htpasswd') {
    const file = join(directory, 'htpasswd');
    writeFileSync(file, await run('htpasswd', ['-Bbn', upstreamUser.username, upstreamUser.password]));
    return { config: { auth: { htpasswd: { realm: 'e2e', path: file } } }, tokenServer: undefined };
  }
  const key = join(directory, 'token.key');
  const certificate = join(directory, 'token.crt');
  const subject = ['-subj', '/CN=e2e', '-days', '2'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    ...subject,
  ]);
  const { server, port } = await startTokenServer(key, certificate);
  const token = { realm: `http://127.0.0.1:${port}/token`, service, issuer, rootcertbundle: certificate };
  return { config: { auth: { token } }, tokenServer: server };
}

/** Issues tokens as the Docker token specification says, to {@link upstreamUser} alone. */
async function startTokenServer(
  keyFile: string,
  certificateFile: string,
): Promise<{ server: Server; port: number }> {
  const key = await importPKCS8(readFileSync(keyFile, 'utf8'), 'RS256');
  const certificate = new X509Certificate(readFileSync(certificateFile));
  const kid = keyIdOf(certificate);
  const expected = `Basic ${Buffer.from(`${upstreamUser.username}:${upstreamUser.password}`).toString('base64')}`;
  const server = createServer(async (request, response) => {
    if (request.headers.authorization !== expected) return void response.writeHead(401).end();
    const query = new URL(request.url ?? '/', 'http://token').searchParams;
    const access = query
      .getAll('scope')
      .flatMap((scope) => scope.split(' '))
      .map((scope) => /^([^:]+):(.+):([^:]+)$/.exec(scope))
      .map((parts) => ({ type: parts?.[1], name: parts?.[2], actions: parts?.[3]?.split(',') }));
    const token = await new SignJWT({ access })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
      .setIssuer(issuer)
      .setSubject(upstreamUser.username)
      .setAudience(service)
      .setIssuedAt()
      .setNotBefore('-5s')
      .setExpirationTime('3600s')
      .setJti(String(performance.now()))
      .sign(key);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ token, expires_in: 3600 }));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, port };
}

/** libtrust's key id: SHA-256 of the public key, its first 240 bits in base32, in groups of four. */
function keyIdOf(certificate: X509Certificate): string {
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const bits = [...createHash('sha256').update(der).digest().subarray(0, 30)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const letters = bits
    .match(/.{5}/g)
    ?.map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five, 2)])
    .join('');
  return letters?.match(/.{4}/g)?.join(':') ?? '';
}
