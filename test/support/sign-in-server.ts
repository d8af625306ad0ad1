/** /session, /auth/oidc and /api/v4 on port 0, on a real database, and browsers that keep cookies. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import Koa from 'koa';
import { onTestFinished } from 'vitest';
import { mountEndpoints } from '../../src/api/rest/router.ts';
import { signInRoutes } from '../../src/api/sign-in/sign-in.ts';
import type { RequestState } from '../../src/api/state.ts';
import { Authenticator } from '../../src/auth/credentials/authenticate.ts';
import { Passwords } from '../../src/auth/credentials/passwords.ts';
import { SecretBox } from '../../src/auth/credentials/secret-box.ts';
import { UserSessions } from '../../src/auth/credentials/sessions.ts';
import { OidcClient } from '../../src/auth/oidc/oidc-client.ts';
import { OidcLogin } from '../../src/auth/oidc/oidc-login.ts';
import { Names } from '../../src/management/acting/names.ts';
import { OidcPeople } from '../../src/management/people/oidc-people.ts';
import { parseGroupRole } from '../../src/management/people/oidc-roles.ts';
import { type SessionObserver, SignInService } from '../../src/management/people/sign-in.ts';
import { userEndpoints } from '../../src/management/people/user-endpoints.ts';
import { UserService } from '../../src/management/people/users.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { JsonDocuments } from '../../src/outbound/json-documents.ts';
import { clientId, clientSecret, type OidcProvider } from './oidc-provider.ts';
import { silentLog } from './silent-log.ts';

export interface SignInServerOptions {
  readonly provider?: OidcProvider;
  readonly groupRoles?: readonly string[];
  readonly createsUsers?: boolean;
  readonly observer?: SessionObserver;
  /** How browsers call it; by default http and where it is. */
  readonly externalUrl?: string;
}

/** Ends with the test. @returns its URL */
export async function startSignInServer(
  database: Database,
  clock: { readonly now: number },
  options: SignInServerOptions = {},
): Promise<string> {
  const now = () => clock.now;
  const passwords = new Passwords();
  const authenticator = new Authenticator({ ...database, passwords, log: silentLog, now });
  const sessions = new UserSessions({ ...database, now });
  const { observer = { signedIn: () => undefined, refused: () => undefined } } = options;
  const oidc = options.provider && createOidc(database, now, options.provider, options);
  const signIn = new SignInService({
    authenticator,
    sessions,
    oidc,
    observer,
  });
  const app = new Koa<RequestState>();
  app.silent = true;
  let url = '';
  app.use(async (ctx, next) => {
    ctx.state.log = silentLog;
    ctx.state.address = '192.0.2.7';
    ctx.state.externalUrl = options.externalUrl ?? url;
    await next();
  });
  app.use(signInRoutes({ signIn, sessions }).routes());
  const applicationSettings = { readOnlyReason: async () => undefined, offReason: async () => undefined };
  const users = userEndpoints(
    new UserService({ database, passwords, caches: { forgetGroup: () => undefined } }),
  );
  app.use(
    mountEndpoints(users, { authenticator, applicationSettings, names: new Names(database), sessions }),
  );
  const server = createServer(app.callback());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  url = `http://127.0.0.1:${address.port}`;
  return url;
}

function createOidc(
  database: Database,
  now: () => number,
  provider: OidcProvider,
  { groupRoles = [], createsUsers = true }: SignInServerOptions,
) {
  const documents = new JsonDocuments({
    connectMs: 60_000,
    firstByteMs: 60_000,
    idleMs: 60_000,
    queueMs: 60_000,
    answerMs: 60_000,
    allowedNetworks: ['127.0.0.0/8'],
    userAgent: 'test',
  });
  onTestFinished(() => documents.close());
  const client = new OidcClient({
    issuer: provider.url,
    clientId,
    clientSecret,
    scopes: ['openid', 'profile'],
    usernameClaim: 'preferred_username',
    groupsClaim: 'groups',
    fetchJson: (url, signal) => documents.fetch(url, signal),
    postForm: (url, form, signal) => documents.post(url, form, signal),
    log: silentLog,
    now,
  });
  const login = new OidcLogin({ client, secretBox: new SecretBox(Buffer.alloc(32, 3)), now });
  const roles = groupRoles.map((text) => {
    const role = parseGroupRole(text);
    if (!role) throw new Error(`not a role: ${text}`);
    return role;
  });
  return { login, people: new OidcPeople({ database, createsUsers, groupRoles: roles, log: silentLog }) };
}

/** Keeps cookies, and follows no redirect by itself. */
export class Browser {
  readonly cookies = new Map<string, string>();
  /** As the server wrote them last. */
  setCookies: string[] = [];
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
  ) {
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.#url), {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie && { cookie }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    this.setCookies = response.headers.getSetCookie();
    for (const each of this.setCookies) {
      const [name = '', value = ''] = each.split(';')[0]?.split('=') ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever comes back
    const answer: any = isJson ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body: answer };
  }

  signIn(username: string, password: string, headers: Record<string, string> = {}) {
    return this.ask('POST', '/session', { body: { username, password }, headers });
  }

  /** All the way to the provider and back. @returns the answer to the way back */
  async signInAt(provider: OidcProvider, returnTo = '/projects') {
    const sent = await this.ask('GET', `/auth/oidc?return_to=${encodeURIComponent(returnTo)}`);
    const back = new URL(provider.authorize(sent.headers.get('location') ?? ''));
    return this.ask('GET', back.pathname + back.search);
  }
}
