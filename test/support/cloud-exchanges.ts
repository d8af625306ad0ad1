/**
 * What clouds answer who asks for a login, after recordings and their documents, with a registry that takes nothing but the last that was
 * given: all on one server of 127.0.0.1, whose answers a test may change.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

export interface CloudAsked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}

export interface CloudAnswer {
  readonly status?: number;
  readonly body: string;
}

export const digest = `sha256:${'a'.repeat(64)}`;

export class CloudExchanges {
  /** What is taken as the password, and how long it is good for. */
  password = 'first';
  lifetimeSeconds = 3600;
  /** Epoch milliseconds. */
  now: () => number;
  /** In place of what is right; undefined for a call: as always. */
  answer: (asked: CloudAsked) => CloudAnswer | 'nothing' | undefined = () => undefined;
  /** Calls for logins, in their order. */
  readonly calls: CloudAsked[] = [];
  /** Requests to the registry that had a login. */
  readonly logins: string[] = [];
  readonly server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://cloud.test').pathname;
    if (path.startsWith('/v2/')) {
      const [, encoded] = request.headers.authorization?.split(' ') ?? [];
      const login = Buffer.from(encoded ?? '', 'base64').toString();
      if (login) this.logins.push(login);
      const isLet = login.endsWith(`:${this.password}`);
      response.writeHead(isLet ? 200 : 401, {
        ...(isLet ? { 'docker-content-digest': digest } : { 'www-authenticate': 'Basic realm="cloud"' }),
      });
      response.end();
      return;
    }
    const asked = { path, headers: request.headers, form: new URLSearchParams(await text(request)) };
    this.calls.push(asked);
    const answer = this.answer(asked) ?? { body: this.#right(asked) };
    if (answer === 'nothing') return;
    response.writeHead(answer.status ?? 200, {
      'content-type': answer.body.startsWith('<') ? 'text/xml' : 'application/x-amz-json-1.1',
      'metadata-flavor': 'Google',
    });
    response.end(answer.body);
  });

  constructor(now: () => number) {
    this.now = now;
  }

  #right({ path, headers, form }: CloudAsked): string {
    const { password, lifetimeSeconds } = this;
    const ends = Math.floor(this.now() / 1000) + lifetimeSeconds;
    if (headers['x-amz-target'] !== undefined) {
      const data = { authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'), expiresAt: ends };
      const isPublic = String(headers['x-amz-target']).startsWith('SpencerFrontendService');
      return JSON.stringify({ authorizationData: isPublic ? data : [data] });
    }
    if (form.get('Action') === 'AssumeRole') return assumedRole;
    if (path === '/oauth2/exchange') return JSON.stringify({ refresh_token: password });
    if (path === '/identity')
      return JSON.stringify({ access_token: 'entra', expires_on: String(ends), token_type: 'Bearer' });
    return JSON.stringify({
      access_token: path.endsWith('/v2.0/token') ? 'entra' : password,
      expires_in: lifetimeSeconds,
    });
  }
}

const assumedRole = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/pull/entrepot</Arn>
<AssumedRoleId>A:entrepot</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`;
