/** An OpenID provider where whoever is asked signs in at once: discovery, authorization with PKCE, and a token endpoint that is strict. */
import { hash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { JWTPayload } from 'jose';
import { OidcIssuer } from './oidc-issuer.ts';

export const clientId = 'entrepot';
export const clientSecret = 'a secret: of +&= signs';

interface Authorization {
  readonly redirectUri: string;
  readonly nonce: string;
  readonly challenge: string;
}

export class OidcProvider {
  /** Whoever signs in. Claims that are undefined are left out. */
  person: JWTPayload = { sub: 'person-1', preferred_username: 'ada', name: 'Ada', groups: [] };
  /** What it says of its token endpoint. */
  authMethods: readonly string[] | undefined;
  /** What an ID token says besides, whatever was asked for. */
  lie: JWTPayload = {};
  /** What it answers beside the ID token. */
  besides: object = { access_token: 'unused', token_type: 'Bearer' };
  isDown = false;
  readonly url: string;
  /** Signs, and publishes the keys. */
  readonly issuer: OidcIssuer;
  readonly #server: Server;
  readonly #codes = new Map<string, Authorization>();

  private constructor(server: Server, url: string, issuer: OidcIssuer) {
    this.#server = server;
    this.url = url;
    this.issuer = issuer;
  }

  static async start(): Promise<OidcProvider> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const provider = new OidcProvider(server, `http://127.0.0.1:${address.port}`, await OidcIssuer.start());
    server.on('request', (request, response) => void provider.#answer(request, response));
    return provider;
  }

  /** The person signs in: where their browser is sent back to. @param at the address it was sent to */
  authorize(at: string): string {
    const { searchParams: query } = new URL(at);
    const said = (name: string) => query.get(name) ?? '';
    if (said('response_type') !== 'code' || said('client_id') !== clientId) throw new Error('not our client');
    if (said('code_challenge_method') !== 'S256' || !said('scope').includes('openid'))
      throw new Error('no PKCE');
    const code = randomUUID();
    const redirectUri = said('redirect_uri');
    this.#codes.set(code, { redirectUri, nonce: said('nonce'), challenge: said('code_challenge') });
    const back = new URL(redirectUri);
    back.search = new URLSearchParams({ code, state: said('state') }).toString();
    return back.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.issuer.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) return void response.destroy();
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/token' && request.method === 'POST') {
      const answer = await this.#exchange(request);
      return void send('error' in answer ? 400 : 200, answer);
    }
    if (request.url?.startsWith('/authorize')) {
      const location = this.authorize(`${this.url}${request.url}`);
      return void response.writeHead(302, { location }).end();
    }
    send(200, {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize?realm=main`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: this.issuer.jwksUrl,
      token_endpoint_auth_methods_supported: this.authMethods,
    });
  }

  async #exchange(request: IncomingMessage): Promise<object> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (!this.#isClient(form, request.headers.authorization)) return { error: 'invalid_client' };
    const authorization = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
    const isRight =
      form.get('grant_type') === 'authorization_code' &&
      form.get('redirect_uri') === authorization?.redirectUri &&
      challenge === authorization?.challenge;
    if (!isRight) return { error: 'invalid_grant' };
    const claims = { iss: this.url, aud: clientId, nonce: authorization?.nonce, ...this.person, ...this.lie };
    return { ...this.besides, id_token: await this.issuer.sign(claims) };
  }

  #isClient(form: URLSearchParams, authorization: string | undefined): boolean {
    if (this.authMethods && !this.authMethods.includes('client_secret_basic')) {
      return form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
    }
    const pair = Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64').toString();
    const [id, secret] = [...new URLSearchParams(pair.split(':').join('=')).entries()][0] ?? [];
    return id === clientId && secret === clientSecret;
  }
}
