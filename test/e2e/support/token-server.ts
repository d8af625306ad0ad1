/** A token service as the Docker token specification has it, of nobody we know: RS256, a certificate by openssl, and a JWK set. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { keyIdOf } from '../../../src/auth/tokens/key-ids.ts';
import { freePort } from '../../support/free-port.ts';
import { run } from './processes.ts';

export interface TokenServerOptions {
  /** For its key and its certificate. */
  readonly directory: string;
  readonly issuer: string;
  readonly service: string;
  /** The only one it knows: to them it grants whatever they ask for. */
  readonly username: string;
  readonly password: string;
}

export class TokenServer {
  readonly url: string;
  readonly certificateFile: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** In libtrust's form. */
  readonly kid: string;
  readonly #options: TokenServerOptions;
  readonly #server: Server;

  private constructor(options: TokenServerOptions, url: string, certificateFile: string, keyFile: string) {
    this.url = url;
    this.certificateFile = certificateFile;
    this.privateKey = createPrivateKey(readFileSync(keyFile));
    this.publicKey = new X509Certificate(readFileSync(certificateFile)).publicKey;
    this.kid = keyIdOf(this.publicKey);
    this.#options = options;
    this.#server = createServer(async ({ url: path = '/', headers }, response) => {
      const { pathname, searchParams } = new URL(path, url);
      const answer =
        pathname === '/jwks.json' ? this.#keys() : await this.#issue(headers.authorization, searchParams);
      if (!answer) return void response.writeHead(401).end();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
  }

  static async start(options: TokenServerOptions): Promise<TokenServer> {
    mkdirSync(options.directory, { recursive: true });
    const [key, certificate] = [join(options.directory, 'token.key'), join(options.directory, 'token.crt')];
    const subject = ['-subj', '/CN=e2e', '-days', '2'];
    const files = ['-keyout', key, '-out', certificate];
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
    const port = await freePort();
    const server = new TokenServer(options, `http://127.0.0.1:${port}`, certificate, key);
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    return server;
  }

  get realm(): string {
    return `${this.url}/token`;
  }

  /** @param access as in the claim */
  sign(access: readonly object[]): Promise<string> {
    const { issuer, service, username } = this.#options;
    return new SignJWT({ access })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: this.kid })
      .setIssuer(issuer)
      .setSubject(username)
      .setAudience(service)
      .setIssuedAt()
      .setNotBefore('-5s')
      .setExpirationTime('3600s')
      .setJti(String(performance.now()))
      .sign(this.privateKey);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #keys(): object {
    return {
      keys: [{ ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: 'RS256', use: 'sig' }],
    };
  }

  async #issue(authorization: string | undefined, query: URLSearchParams): Promise<object | undefined> {
    const { username, password } = this.#options;
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (authorization !== expected) return undefined;
    const access = query
      .getAll('scope')
      .flatMap((scope) => scope.split(' '))
      .map((scope) => /^([^:]+):(.+):([^:]+)$/.exec(scope))
      .map((parts) => ({ type: parts?.[1], name: parts?.[2], actions: parts?.[3]?.split(',') }));
    return { token: await this.sign(access), expires_in: 3600 };
  }
}
