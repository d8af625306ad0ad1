import Koa from 'koa';
import { beforeEach, describe, expect, test } from 'vitest';
import { RegistryAccess } from '../../../src/api/access.ts';
import type { RequestState } from '../../../src/api/state.ts';
import type { Authentication } from '../../../src/auth/authenticate.ts';
import type { Credentials } from '../../../src/auth/credentials.ts';
import type { Identity, RegistryTokenIdentity } from '../../../src/auth/identity.ts';
import { OciError } from '../../../src/oci/errors.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { ask } from './ask.ts';

const alpine = 'virtual_registries/container/1/library/alpine';
const manifest = `/v2/${alpine}/manifests/latest`;
const dana = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: 'all' } as const;
const access = [{ type: 'repository', name: alpine, actions: ['pull'] }];
const token: RegistryTokenIdentity = { kind: 'registry-token', subject: 'dana', userId: 7, access };
const realm = 'realm="https://registry.example/jwt/auth",service="container_registry"';
const basic = (secret: string) => ({
  authorization: `Basic ${Buffer.from(`dana:${secret}`).toString('base64')}`,
});
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

let identity: Identity | undefined;
let verifications: string[];
let app: Koa<RequestState>;

beforeEach(() => {
  identity = undefined;
  verifications = [];
  const registryAccess = new RegistryAccess({
    authenticator: {
      authenticate: async (credentials: Credentials): Promise<Authentication> => {
        const secret = credentials.kind === 'basic' ? credentials.secret : credentials.token;
        if (secret === 'hasty') return { kind: 'refused', reason: 'throttled', retryAfterSeconds: 17 };
        return secret === 'right' ? dana : { kind: 'refused', reason: 'unknown' };
      },
    },
    registryTokens: {
      findVerified: (text) => (text === 'known.to.us' ? token : undefined),
      verify: async (text) => {
        verifications.push(text);
        return text === 'good.but.new' ? token : undefined;
      },
    },
    pullRights: { mayPull: async (_identity, name) => name === alpine },
  });
  app = new Koa<RequestState>();
  app.use(async (ctx, next) => {
    ctx.state.externalUrl = 'https://registry.example';
    ctx.state.address = '192.0.2.7';
    try {
      await next();
    } catch (error) {
      if (!(error instanceof OciError)) throw error;
      ctx.status = error.status;
      ctx.set({ ...error.headers });
      ctx.body = { code: error.code, detail: error.detail };
    }
  });
  app.use(registryAccess.middleware);
  app.use(async (ctx) => {
    identity = ctx.state.identity;
    const name = new URLSearchParams(ctx.querystring).get('pull');
    if (name) await registryAccess.requirePull(ctx, parseRepositoryName(name));
    ctx.body = {};
  });
});

async function challengeOf(path: string, headers: Record<string, string> = {}) {
  const answer = await ask(app, path, { headers });
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([401, 'UNAUTHORIZED']);
  expect(identity).toBeUndefined();
  return answer.headers['www-authenticate'];
}

describe('nobody is told where tokens are to be had', () => {
  test('at /v2/ without a scope', async () => {
    expect(await challengeOf('/v2/')).toBe(`Bearer ${realm}`);
  });

  test.each([
    [manifest, alpine],
    [`/v2/${alpine}/blobs/sha256:abc`, alpine],
    [`/v2/${alpine}/tags/list?n=5`, alpine],
    [`/v2/${alpine}/referrers/sha256:abc`, alpine],
    [`/v2/${alpine}/blobs/uploads/`, alpine],
    ['/v2/foo/tags/manifests/latest', 'foo/tags'],
    ['/v2/foo/blobs/tags/list', 'foo/blobs'],
  ])('at %s with a scope for %s', async (path, name) => {
    expect(await challengeOf(path)).toBe(`Bearer ${realm},scope="repository:${name}:pull"`);
  });

  test('and what is no name is not put into a header', async () => {
    expect(await challengeOf('/v2/a",x="/manifests/latest')).toBe(`Bearer ${realm}`);
    expect(await challengeOf('/v2/UPPER/manifests/latest')).toBe(`Bearer ${realm}`);
  });
});

describe('who is asking', () => {
  test('a token that was verified before is not verified again', async () => {
    expect((await ask(app, manifest, { headers: bearer('known.to.us') })).status).toBe(200);
    expect(identity).toEqual(token);
    expect(verifications).toEqual([]);
  });

  test('a new token is verified', async () => {
    expect((await ask(app, manifest, { headers: bearer('good.but.new') })).status).toBe(200);
    expect(identity).toEqual(token);
  });

  test.each([
    ['Basic', basic('right')],
    ['an access token as bearer', bearer('right')],
  ])('%s works straight on /v2', async (_what, headers) => {
    expect((await ask(app, '/v2/', { headers })).status).toBe(200);
    expect(identity).toEqual(dana);
  });

  test('a token that is not good is challenged as invalid', async () => {
    const expected = `Bearer ${realm},scope="repository:${alpine}:pull",error="invalid_token"`;
    expect(await challengeOf(manifest, bearer('made.it.up'))).toBe(expected);
    expect(await challengeOf(manifest, bearer('ent-unknown'))).toBe(expected);
  });

  test.each([basic('wrong'), { authorization: 'Negotiate abc' }])(
    'wrong credentials are challenged',
    async (headers) => {
      expect(await challengeOf('/v2/', headers)).toBe(`Bearer ${realm}`);
    },
  );

  test('who guessed too often is told when to come back', async () => {
    const answer = await ask(app, '/v2/', { headers: basic('hasty') });
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '17']);
  });
});

describe('who may pull', () => {
  test.each([
    ['a token that names the repository', bearer('known.to.us')],
    ['a user who may', basic('right')],
  ])('%s', async (_what, headers) => {
    expect((await ask(app, `/v2/?pull=${alpine}`, { headers })).status).toBe(200);
  });

  test('a token for another repository is challenged for a new one', async () => {
    const answer = await ask(app, '/v2/?pull=other/image', { headers: bearer('known.to.us') });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer ${realm},scope="repository:other/image:pull",error="insufficient_scope"`,
    );
  });

  test('a user who may not is told the same as where there is nothing', async () => {
    const answer = await ask(app, '/v2/?pull=other/image', { headers: basic('right') });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toEqual({
      code: 'NAME_UNKNOWN',
      detail: expect.stringContaining('Guest'),
    });
  });
});
