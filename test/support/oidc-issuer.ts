/** A token issuer with discovery and a real JWKS endpoint, which can rotate its keys, be down, hang, fail or talk too much. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export type IssuerAlgorithm = 'RS256' | 'ES256' | 'PS256' | 'EdDSA';

interface IssuerKey {
  readonly kid: string;
  readonly algorithm: IssuerAlgorithm;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface SignOptions {
  /** The first by default. */
  readonly key?: IssuerKey;
  /** In the header, whatever key signs; null: none. */
  readonly kid?: string | null;
  readonly expiresInSeconds?: number;
  /** epoch ms */
  readonly now?: number;
}

export class OidcIssuer {
  /** What is asked for is answered so. */
  mode: 'up' | 'down' | 'hanging' | 'failing' | 'endless' | 'not JSON' | 'moved' = 'up';
  /** What it calls itself in its discovery document; its own URL by default. */
  calledIssuer: string | undefined;
  /** How often each was asked for, answered or not. */
  readonly asked = { discovery: 0, keys: 0 };
  /** The published ones; the first signs. */
  keys: IssuerKey[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(algorithm: IssuerAlgorithm = 'RS256'): Promise<OidcIssuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const issuer = new OidcIssuer(server, `http://127.0.0.1:${address.port}`);
    server.on('request', (request, response) => issuer.#answer(request.url ?? '', response));
    issuer.keys = [await createKey(algorithm)];
    return issuer;
  }

  get jwksUrl(): string {
    return `${this.url}/oauth/discovery/keys`;
  }

  /** Signs with a new key from now on. @param forgets whether the old ones are taken back */
  async rotate({ forgets = false, algorithm = 'RS256' as IssuerAlgorithm } = {}): Promise<void> {
    this.keys = [await createKey(algorithm), ...(forgets ? [] : this.keys)];
  }

  /** With all that an ID token needs, unless `claims` says otherwise; undefined takes a claim away. */
  async sign(claims: JWTPayload, options: SignOptions = {}): Promise<string> {
    const { key = this.keys[0], expiresInSeconds = 600, now = Date.now() } = options;
    if (!key) throw new Error('the issuer has no key');
    const kid = options.kid === null ? undefined : (options.kid ?? key.kid);
    const issuedAt = Math.floor(now / 1000);
    const payload = {
      iss: this.url,
      sub: 'project_path:acme/shop:ref_type:branch:ref:main',
      iat: issuedAt,
      nbf: issuedAt - 5,
      exp: issuedAt + expiresInSeconds,
      jti: randomUUID(),
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({ typ: 'JWT', alg: key.algorithm, ...(kid !== undefined && { kid }) })
      .sign(key.privateKey);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #answer(path: string, response: ServerResponse): void {
    const isDiscovery = path === '/.well-known/openid-configuration';
    if (isDiscovery) this.asked.discovery += 1;
    else this.asked.keys += 1;
    switch (this.mode) {
      case 'down':
        response.destroy();
        return;
      case 'hanging':
        return;
      case 'failing':
        response.writeHead(503).end();
        return;
      case 'endless':
        sendEndlessly(response);
        return;
      case 'moved':
        response.writeHead(302, { location: `${this.url}/elsewhere` }).end();
        return;
      case 'not JSON':
        response.end('<html></html>');
        return;
    }
    const body = isDiscovery
      ? { issuer: this.calledIssuer ?? this.url, jwks_uri: this.jwksUrl }
      : { keys: this.keys.map(({ jwk }) => jwk) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}

export async function createKey(algorithm: IssuerAlgorithm): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const kid = randomUUID();
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
  return { kid, algorithm, privateKey, jwk };
}

function sendEndlessly(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const chunk = Buffer.alloc(65_536, ' ');
  const send = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', send);
  send();
}
