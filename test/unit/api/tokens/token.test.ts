import { randomBytes } from 'node:crypto';
import Koa from 'koa';
import { beforeEach, describe, expect, test } from 'vitest';
import type { RequestState } from '../../../../src/api/state.ts';
import { type TokenRoutesOptions, tokenRoutes } from '../../../../src/api/tokens/token.ts';
import type { Authentication } from '../../../../src/auth/credentials/authenticate.ts';
import type { Credentials } from '../../../../src/auth/credentials/credentials.ts';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import type { Action } from '../../../../src/auth/rights/access.ts';
import type { Identity } from '../../../../src/auth/rights/identity.ts';
import { RegistryTokens } from '../../../../src/auth/tokens/registry-tokens.ts';
import { SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { RecordedKeys } from '../../auth/recorded-keys.ts';
import { ask, type Question } from '../ask.ts';

const start = Date.UTC(2026, 2, 4, 9, 15, 22, 481);
const dana = {
  kind: 'user',
  userId: 7,
  username: 'dana',
  isAdmin: false,
  scopes: ['read_virtual_registry', 'read_registry'],
} as const;
const alpine = 'virtual_registries/container/1/library/alpine';
const redis = 'virtual_registries/container/1/library/redis';
const secret = 'virtual_registries/container/2/library/alpine';
const shop = 'acme/shop';
/** Protected from dana. */
const guarded = 'acme/shop/release';
const basic = { authorization: `Basic ${Buffer.from('dana:right').toString('base64')}` };
const wrong = { authorization: `Basic ${Buffer.from('dana:wrong').toString('base64')}` };

let registryTokens: RegistryTokens;
let app: Koa<RequestState>;
let denials: string[];

beforeEach(() => {
  denials = [];
  const now = () => start;
  const keys = new SigningKeys({
    records: new RecordedKeys(),
    secretBox: new SecretBox(randomBytes(32)),
    lifetimeMs: async () => 300_000,
    now,
  });
  registryTokens = new RegistryTokens({ keys, lifetimeMs: async () => 300_000, now });
  const answers: Record<string, Authentication> = {
    right: dana,
    expired: { kind: 'refused', reason: 'expired' },
    hasty: { kind: 'refused', reason: 'throttled', retryAfterSeconds: 17 },
  };
  const authenticator = {
    authenticate: async (credentials: Credentials): Promise<Authentication> =>
      answers[credentials.kind === 'basic' ? credentials.secret : credentials.token] ?? {
        kind: 'refused',
        reason: 'unknown',
      },
  };
  const may = (who: Identity, name: string, action: Action) =>
    who.kind === 'anonymous'
      ? name === alpine && action === 'pull'
      : name === shop
        ? action !== 'delete'
        : [alpine, redis].includes(name) && action === 'pull';
  const tokenOptions: TokenRoutesOptions = {
    authenticator,
    registryTokens,
    rights: {
      findProject: async () => undefined,
      judge: async (who, name, action) => {
        if (name === guarded && action !== 'pull') return 'protected';
        return may(who, name, action) || name === guarded ? 'allowed' : 'refused';
      },
    },
    grantMetas: { addTo: async (_who, grants) => grants },
    observer: {
      granted: () => undefined,
      denied: (_who, { method, repository }) => denials.push(`${method} ${repository}`),
    },
  };
  app = new Koa<RequestState>();
  app.use((ctx, next) => {
    ctx.state.log = silentLog;
    return next();
  });
  app.use(tokenRoutes(tokenOptions).routes());
});

async function askToken(path: string, question: Question = {}) {
  const { status, headers, body } = await ask(app, path, question);
  return { status, headers, body: JSON.parse(body) };
}

async function accessIn(token: string) {
  return (await registryTokens.verify(token))?.access;
}

async function refusedIn(token: string) {
  return (await registryTokens.verify(token))?.refused;
}

describe('GET /jwt/auth', () => {
  test('answers a token for what was asked, in all the words clients look for', async () => {
    const { status, headers, body } = await askToken(
      `/jwt/auth?service=container_registry&account=dana&client_id=docker&offline_token=true&scope=repository:${alpine}:pull`,
      { headers: basic },
    );
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('private, no-store');
    expect(body).toEqual({
      token: expect.any(String),
      access_token: body.token,
      expires_in: 300,
      issued_at: '2026-03-04T09:15:22.000Z',
    });
    expect(await registryTokens.verify(body.token)).toEqual({
      kind: 'registry-token',
      subject: 'dana',
      principal: { kind: 'user', userId: 7 },
      access: [{ type: 'repository', name: alpine, actions: ['pull'] }],
      refused: [],
    });
  });

  test('a login without a scope is answered with a token for nothing', async () => {
    const { status, body } = await askToken('/jwt/auth?service=container_registry', { headers: basic });
    expect(status).toBe(200);
    expect(await accessIn(body.token)).toEqual([]);
  });

  test('scopes may be repeated or joined by spaces', async () => {
    const both = [alpine, redis].map((name) => ({ type: 'repository', name, actions: ['pull'] }));
    const [first, second] = [`repository:${alpine}:pull`, `repository:${redis}:pull`];
    for (const query of [
      `scope=${first}&scope=${second}`,
      `scope=${first}%20${second}`,
      `scope=${first}+${second}`,
    ]) {
      const { body } = await askToken(`/jwt/auth?${query}`, { headers: basic });
      expect(await accessIn(body.token)).toEqual(both);
    }
  });

  test('what is not allowed is left out without a word, and noted in the token', async () => {
    const scopes = [
      `repository:${secret}:pull`,
      `repository:${alpine}:push,pull,delete,*`,
      `repository:${redis}:push`,
      `repository:${shop}:push,pull`,
      'nonsense',
    ];
    const query = scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join('&');
    const { status, body } = await askToken(`/jwt/auth?${query}`, { headers: basic });
    expect(status).toBe(200);
    expect(await accessIn(body.token)).toEqual([
      { type: 'repository', name: alpine, actions: ['pull'] },
      { type: 'repository', name: shop, actions: ['pull', 'push'] },
    ]);
    expect(await refusedIn(body.token)).toEqual([
      { type: 'repository', name: secret, actions: ['pull'] },
      { type: 'repository', name: alpine, actions: ['push', 'delete'] },
      { type: 'repository', name: redis, actions: ['push'] },
    ]);
  });

  test('the catalog is for who may pull', async () => {
    const { body } = await askToken('/jwt/auth?scope=registry:catalog:*', { headers: basic });
    expect(await accessIn(body.token)).toEqual([{ type: 'registry', name: 'catalog', actions: ['*'] }]);
  });

  test.each(['', '?service=container_registry', '?service=dependency_proxy'])(
    'service%s is known',
    async (query) => {
      expect((await askToken(`/jwt/auth${query}`, { headers: basic })).status).toBe(200);
    },
  );

  test('another service is not found', async () => {
    const { status, body } = await askToken('/jwt/auth?service=pypi', { headers: basic });
    expect(status).toBe(404);
    expect(body).toEqual({
      errors: [{ code: 'UNAVAILABLE', message: expect.any(String) }],
      http_status: 404,
    });
  });

  test('nobody gets a token for what is public, and is not told what else there is', async () => {
    const scopes = `scope=repository:${alpine}:pull,push&scope=repository:${secret}:pull&scope=registry:catalog:*`;
    const { status, headers, body } = await askToken(`/jwt/auth?service=container_registry&${scopes}`);
    expect([status, headers['cache-control']]).toEqual([200, 'private, no-store']);
    expect(await registryTokens.verify(body.token)).toEqual({
      kind: 'registry-token',
      subject: '',
      principal: undefined,
      access: [{ type: 'repository', name: alpine, actions: ['pull'] }],
      refused: [
        { type: 'repository', name: alpine, actions: ['push'] },
        { type: 'repository', name: secret, actions: ['pull'] },
        { type: 'registry', name: 'catalog', actions: ['*'] },
      ],
    });
  });

  test('nobody who asks for nothing is no login', async () => {
    const { status, body } = await askToken('/jwt/auth?service=container_registry');
    expect(status).toBe(403);
    expect(body).toEqual({ errors: [{ code: 'DENIED', message: 'access forbidden' }], http_status: 403 });
  });

  test.each([
    ['a wrong password', wrong],
    ['an expired token', { authorization: 'Bearer expired' }],
    ['a header nobody understands', { authorization: 'Negotiate abc' }],
    ['Basic without a colon', { authorization: `Basic ${Buffer.from('dana').toString('base64')}` }],
  ])('%s is refused as GitLab does', async (_what, headers) => {
    const answer = await askToken('/jwt/auth', { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers['cache-control']).toBe('private, no-store');
    expect(answer.body).toEqual({
      errors: [{ code: 'UNAUTHORIZED', message: expect.stringMatching(/^HTTP Basic: Access denied\. /) }],
    });
  });

  test('who guessed too often is told when to come back', async () => {
    const { status, headers, body } = await askToken('/jwt/auth', {
      headers: { authorization: `Basic ${Buffer.from('dana:hasty').toString('base64')}` },
    });
    expect([status, headers['retry-after']]).toEqual([429, '17']);
    expect(body.errors[0].code).toBe('TOOMANYREQUESTS');
  });
});

describe('POST /jwt/auth', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const post = (fields: Record<string, string>) =>
    askToken('/jwt/auth', { method: 'POST', headers: form, body: new URLSearchParams(fields).toString() });

  test('the form of containerd is answered as OAuth 2 has it', async () => {
    const { status, headers, body } = await post({
      grant_type: 'password',
      service: 'container_registry',
      client_id: 'containerd-client',
      access_type: 'offline',
      username: 'dana',
      password: 'right',
      scope: `repository:${shop}:* repository:${alpine}:pull repository:${secret}:pull`,
    });
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('private, no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      issued_at: '2026-03-04T09:15:22.000Z',
      scope: `repository:${shop}:pull,push repository:${alpine}:pull`,
    });
    expect(await accessIn(body.access_token)).toEqual([
      { type: 'repository', name: shop, actions: ['pull', 'push'] },
      { type: 'repository', name: alpine, actions: ['pull'] },
    ]);
  });

  test.each([
    ['a wrong password', { grant_type: 'password', username: 'dana', password: 'wrong' }, 'invalid_grant'],
    ['no password', { grant_type: 'password', username: 'dana' }, 'invalid_request'],
    [
      'a refresh token, which nobody was given',
      { grant_type: 'refresh_token', refresh_token: 'abc' },
      'invalid_grant',
    ],
    ['another way', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['another service', { grant_type: 'password', service: 'pypi' }, 'invalid_request'],
    ['nothing', {}, 'unsupported_grant_type'],
  ])('%s: 400', async (_what, fields: Record<string, string>, error) => {
    const { status, body } = await post(fields);
    expect(status).toBe(400);
    expect(body).toEqual({ error, error_description: expect.any(String) });
  });

  test('a form without end is not read', async () => {
    const body = `grant_type=password&password=${'x'.repeat(100_000)}`;
    app.silent = true;
    expect((await ask(app, '/jwt/auth', { method: 'POST', headers: form, body })).status).toBe(400);
  });

  test('who guessed too often is told when to come back', async () => {
    const { status, headers } = await post({ grant_type: 'password', username: 'dana', password: 'hasty' });
    expect([status, headers['retry-after']]).toEqual([429, '17']);
  });
});

describe('a protected repository', () => {
  const question = (actions: string) =>
    `/jwt/auth?service=container_registry&scope=repository:${shop}:pull,push&scope=repository:${guarded}:${actions}`;

  test('has no token for who may not push there, whatever else they ask for, and that is noted', async () => {
    const { status, body } = await askToken(question('pull,push'), { headers: basic });
    expect(status).toBe(403);
    expect(body).toEqual({
      errors: [{ code: 'DENIED', message: 'Pushing to protected repository path forbidden' }],
      http_status: 403,
    });
    expect(denials).toEqual([`GET ${guarded}`]);
  });

  test('is said in the status line, too, which is all that some clients show', async () => {
    const { reason } = await ask(app, question('pull,push'), { headers: basic });
    expect(reason).toBe('Pushing to protected repository path forbidden');
  });

  test.each([
    ['pull', ['pull']],
    ['pull,delete', ['pull']],
    ['*', ['pull']],
  ])('has one where nothing is said of pushing: %s', async (actions, granted) => {
    const { status, body } = await askToken(question(actions), { headers: basic });
    expect(status).toBe(200);
    expect(await accessIn(body.token)).toContainEqual({
      type: 'repository',
      name: guarded,
      actions: granted,
    });
    expect(denials).toEqual([]);
  });

  test('a form is refused so that its client asks by GET, which tells people why', async () => {
    const fields = {
      grant_type: 'password',
      username: 'dana',
      password: 'right',
      scope: `repository:${guarded}:push`,
    };
    const { status, body } = await askToken('/jwt/auth', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    expect(status).toBe(400);
    expect(body).toEqual({
      error: 'invalid_scope',
      error_description: 'Pushing to protected repository path forbidden',
    });
    expect(denials).toEqual([`POST ${guarded}`]);
  });
});
