import Koa from 'koa';
import { beforeEach, describe, expect, test } from 'vitest';
import { RegistryAccess } from '../../../src/api/access.ts';
import { answerErrors } from '../../../src/api/errors.ts';
import { createRegistryRouter } from '../../../src/api/registry/router.ts';
import type { RequestState } from '../../../src/api/state.ts';
import type { Authentication } from '../../../src/auth/credentials/authenticate.ts';
import type { Credentials } from '../../../src/auth/credentials/credentials.ts';
import type { Action } from '../../../src/auth/rights/access.ts';
import type { Identity, Principal, RegistryTokenIdentity } from '../../../src/auth/rights/identity.ts';
import { repositoryScope } from '../../../src/auth/rights/scope.ts';
import { carries } from '../../../src/auth/tokens/grants.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { silentLog } from '../../support/silent-log.ts';
import { WritableMemoryRepository } from '../../support/writable-memory-repository.ts';
import { type Answer, ask, type Question } from './ask.ts';

const alpine = 'virtual_registries/container/1/library/alpine';
const shop = 'acme/shop';
const manifest = `/v2/${alpine}/manifests/latest`;
const uploads = `/v2/${shop}/blobs/uploads/`;
const dana = { kind: 'user', userId: 7, username: 'dana', isAdmin: false, scopes: 'all' } as const;
const token: RegistryTokenIdentity = {
  kind: 'registry-token',
  subject: 'dana',
  principal: { kind: 'user', userId: 7 },
  access: [repositoryScope(alpine, ['pull']), repositoryScope(shop, ['pull', 'push'])],
  refused: [repositoryScope('acme/none', ['pull', 'push', 'delete']), repositoryScope(shop, ['delete'])],
};
const nobodysToken: RegistryTokenIdentity = { ...token, subject: '', principal: undefined };
const externalToken: RegistryTokenIdentity = {
  ...token,
  principal: { kind: 'external', issuer: 'auth.example.com' },
  refused: [],
};
const delegate = { realm: 'https://auth.example.com/token', service: 'registry.example' };
const realm = 'realm="https://registry.example/jwt/auth",service="container_registry"';
const basic = (secret: string) => ({
  authorization: `Basic ${Buffer.from(`dana:${secret}`).toString('base64')}`,
});
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

/** What dana may do; everyone, where nobody needs to log in. */
let allowed: readonly string[];
/** Repositories that a rule, and nothing else, keeps everyone from. */
let guarded: readonly string[];
let identity: Identity | undefined;
/** Whom tokens are found to stand for. */
let owner: Principal | undefined;
let verifications: string[];
let app: Koa<RequestState>;
let repository: WritableMemoryRepository;

beforeEach(async () => {
  allowed = [`pull ${alpine}`, `pull ${shop}`, `push ${shop}`];
  guarded = [];
  identity = undefined;
  owner = dana;
  verifications = [];
  repository = new WritableMemoryRepository();
  await repository.putManifest(parseTag('latest'), {
    payload: Buffer.from('{}'),
    contentType: undefined,
    tags: [],
  });
  app = serve({ isLoginRequired: true });
});

/** /v2 with one repository, whatever its name. */
function serve({
  isLoginRequired,
  isDelegated = false,
}: {
  isLoginRequired: boolean;
  isDelegated?: boolean;
}): Koa<RequestState> {
  const access = new RegistryAccess({
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
        if (text === 'made.for.nobody') return nobodysToken;
        return text === 'good.but.new' ? token : undefined;
      },
      explain: async () => ({ cause: 'expired', remedy: 'the registry token has expired' }),
    },
    delegate: isDelegated
      ? {
          ...delegate,
          tokens: {
            findVerified: (text) => (text === 'external.and.known' ? externalToken : undefined),
            verify: async (text) => (text === 'external.but.new' ? externalToken : undefined),
            explain: async () => undefined,
          },
        }
      : undefined,
    causes: { find: async () => ({ kind: 'hidden' }) },
    principals: {
      find: async () => owner,
      judge: async () => owner ?? { kind: 'refused', reason: 'revoked' },
    },
    rights: {
      may: async (who, name, action) =>
        who.kind === 'registry-token' && isLoginRequired
          ? carries(who, repositoryScope(name, [action]))
          : allowed.includes(`${action} ${name}`),
      isKnownToAllow: () => false,
      judge: async (_who, name) => (guarded.includes(name) ? 'protected' : 'refused'),
      protectionLevel: async () => 0,
      findProject: async () => undefined,
    },
    isLoginRequired,
  });
  const server = new Koa<RequestState>();
  server.use(async (ctx, next) => {
    ctx.state.externalUrl = 'https://registry.example';
    ctx.state.address = '192.0.2.7';
    ctx.state.log = silentLog;
    await answerErrors(ctx, next);
  });
  server.use(async (ctx, next) => {
    await next().finally(() => {
      identity = ctx.state.identity;
    });
  });
  server.use(
    createRegistryRouter({
      access,
      repositories: { find: () => repository, getWritable: async () => repository },
      catalog: { list: async () => ({ names: [], hasMore: false }) },
      maintenance: { readOnlyReason: async () => undefined },
      observer: { pulled: () => undefined, pushed: () => undefined },
      maxManifestBytes: 1000,
    }),
  );
  return server;
}

async function challengeOf(path: string, question: Question = {}) {
  const answer = await ask(app, path, question);
  expect([answer.status, errorOf(answer).code]).toEqual([401, 'UNAUTHORIZED']);
  return answer.headers['www-authenticate'];
}

function errorOf({ body }: Answer): { code?: string; message?: string } {
  return body.startsWith('{"errors"') ? JSON.parse(body).errors[0] : {};
}

const requests = {
  pull: { method: 'GET', path: 'manifests/latest' },
  push: { method: 'POST', path: 'blobs/uploads/' },
  delete: { method: 'DELETE', path: 'manifests/latest' },
} as const;

function pathTo(need: Action, name: string): [path: string, method: string] {
  const { path, method } = requests[need];
  return [`/v2/${name}/${path}`, method];
}

/** How a request that needs this is answered. */
async function answerTo(need: Action, name: string, { headers = {} }: Question = {}) {
  const [path, method] = pathTo(need, name);
  const answer = await ask(app, path, { method, headers });
  const { code, message: detail } = errorOf(answer);
  return { status: answer.status, code, detail };
}

async function challengeTo(need: Action, name: string, { headers = {} }: Question = {}) {
  const [path, method] = pathTo(need, name);
  return challengeOf(path, { method, headers });
}

describe('nobody is told where tokens are to be had', () => {
  test('at /v2/ without a scope', async () => {
    expect(await challengeOf('/v2/')).toBe(`Bearer ${realm}`);
    expect(identity).toBeUndefined();
  });

  test.each([
    ['GET', manifest, alpine, 'pull'],
    ['HEAD', manifest, alpine, 'pull'],
    ['GET', `/v2/${alpine}/blobs/sha256:abc`, alpine, 'pull'],
    ['GET', `/v2/${alpine}/tags/list?n=5`, alpine, 'pull'],
    ['GET', `/v2/${alpine}/referrers/sha256:abc`, alpine, 'pull'],
    ['PUT', '/v2/acme/shop/manifests/latest', shop, 'pull,push'],
    ['DELETE', '/v2/acme/shop/manifests/latest', shop, 'pull,delete'],
    ['DELETE', '/v2/acme/shop/blobs/sha256:abc', shop, 'pull,delete'],
    ['DELETE', '/v2/acme/shop/tags/reference/latest', shop, 'pull,delete'],
    ['POST', '/v2/acme/shop/blobs/uploads/', shop, 'pull,push'],
    ['POST', '/v2/acme/shop/blobs/uploads', shop, 'pull,push'],
    ['PATCH', '/v2/acme/shop/blobs/uploads/5f1c', shop, 'pull,push'],
    ['PUT', '/v2/acme/shop/blobs/uploads/5f1c?digest=sha256:abc', shop, 'pull,push'],
    ['GET', '/v2/acme/shop/blobs/uploads/5f1c', shop, 'pull,push'],
    ['DELETE', '/v2/acme/shop/blobs/uploads/5f1c', shop, 'pull,push'],
    ['GET', '/v2/foo/tags/manifests/latest', 'foo/tags', 'pull'],
    ['GET', '/v2/foo/blobs/tags/list', 'foo/blobs', 'pull'],
    ['GET', '/v2/foo/blobs/uploads/manifests/latest', 'foo/blobs/uploads', 'pull'],
    ['POST', '/v2/foo/blobs/uploads/blobs/uploads/', 'foo/blobs/uploads', 'pull,push'],
    ['PATCH', '/v2/foo/manifests/blobs/uploads/manifests', 'foo/manifests', 'pull,push'],
  ])('at %s %s with a scope for %s: %s', async (method, path, name, scope) => {
    const answer = await ask(app, path, { method });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(`Bearer ${realm},scope="repository:${name}:${scope}"`);
  });

  test('at the catalog with its scope', async () => {
    expect(await challengeOf('/v2/_catalog?n=5')).toBe(`Bearer ${realm},scope="registry:catalog:*"`);
  });

  test.each(['mount=sha256:abc&from=acme/base', 'from=acme%2Fbase&mount=sha256%3Aabc'])(
    'for a mount with the scope for its source: %s',
    async (query) => {
      expect(await challengeOf(`${uploads}?${query}`, { method: 'POST' })).toBe(
        `Bearer ${realm},scope="repository:acme/shop:pull,push repository:acme/base:pull"`,
      );
    },
  );

  test.each(['mount=sha256:abc', 'from=acme/base', 'mount=sha256:abc&from=A"', `mount=x&from=${shop}`])(
    'without another scope where there is no source: %s',
    async (query) => {
      expect(await challengeOf(`${uploads}?${query}`, { method: 'POST' })).toBe(
        `Bearer ${realm},scope="repository:acme/shop:pull,push"`,
      );
    },
  );

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
    expect(await challengeOf(manifest, { headers: bearer('made.it.up') })).toBe(expected);
    expect(await challengeOf(manifest, { headers: bearer('ent-unknown') })).toBe(expected);
  });

  test.each([basic('wrong'), { authorization: 'Negotiate abc' }])(
    'wrong credentials are challenged',
    async (headers) => {
      expect(await challengeOf('/v2/', { headers })).toBe(`Bearer ${realm}`);
    },
  );

  test('who guessed too often is told when to come back', async () => {
    const answer = await ask(app, '/v2/', { headers: basic('hasty') });
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '17']);
  });
});

describe('who may', () => {
  test.each([
    ['a token that carries it', bearer('known.to.us')],
    ['a user who may', basic('right')],
  ])('%s goes on', async (_what, headers) => {
    expect(await answerTo('pull', alpine, { headers })).toMatchObject({ status: 200 });
    expect(await answerTo('push', shop, { headers })).toMatchObject({ status: 202 });
  });
});

describe('a token that says nothing of what is needed is challenged for a new one', () => {
  const headers = bearer('known.to.us');

  test.each([
    ['pull', 'other/image', 'pull'],
    ['push', 'other/image', 'pull,push'],
    ['delete', 'other/image', 'pull,delete'],
  ] as const)('to %s %s: %s', async (need, name, scope) => {
    expect(await challengeTo(need, name, { headers })).toBe(
      `Bearer ${realm},scope="repository:${name}:${scope}",error="insufficient_scope"`,
    );
  });

  test('at the catalog', async () => {
    expect(await challengeOf('/v2/_catalog', { headers })).toBe(
      `Bearer ${realm},scope="registry:catalog:*",error="insufficient_scope"`,
    );
  });

  test('for the source of a mount', async () => {
    const path = `${uploads}?mount=sha256:abc&from=acme/base`;
    expect(await challengeOf(path, { method: 'POST', headers })).toBe(
      `Bearer ${realm},scope="repository:acme/shop:pull,push repository:acme/base:pull",error="insufficient_scope"`,
    );
  });
});

test('a mount from where the token was refused to pull goes on: it becomes an upload', async () => {
  const path = `${uploads}?mount=${digestOf(Buffer.from('a layer'))}&from=acme/none`;
  const answer = await ask(app, path, { method: 'POST', headers: bearer('known.to.us') });
  expect(answer.status).toBe(202);
});

describe('who may not is told the same, however they come and whether or not it exists', () => {
  const everyone = [bearer('known.to.us'), basic('right')];

  test.each([
    ['pull', 'acme/none', 404, 'NAME_UNKNOWN', /project.*Reporter.*read_registry/],
    ['push', 'acme/none', 403, 'DENIED', /POST \/api\/v4\/projects.*Developer.*write_registry/],
    ['delete', 'acme/none', 403, 'DENIED', /Developer.*write_registry/],
    ['delete', shop, 403, 'DENIED', /Developer.*write_registry/],
  ] as const)('to %s %s: %i %s', async (need, name, status, code, detail) => {
    for (const headers of everyone) {
      const answer = await answerTo(need, name, { headers });
      expect(answer).toEqual({ status, code, detail: expect.stringMatching(detail) });
    }
  });

  test('of virtual registries in their own words', async () => {
    const unknown = 'virtual_registries/container/2/library/alpine';
    expect(await answerTo('pull', unknown, { headers: basic('right') })).toEqual({
      status: 404,
      code: 'NAME_UNKNOWN',
      detail: expect.stringMatching(/virtual registry.*Guest.*read_virtual_registry/),
    });
  });
});

test.each(['push', 'delete'] as const)('nobody can %s a virtual registry', async (need) => {
  for (const headers of [bearer('known.to.us'), basic('right')]) {
    expect(await answerTo(need, alpine, { headers })).toEqual({
      status: 405,
      code: 'UNSUPPORTED',
      detail: expect.stringContaining('virtual registries are for pulling'),
    });
  }
});

describe('a token that was made for nobody', () => {
  const headers = bearer('made.for.nobody');

  test('pulls what it carries', async () => {
    expect(await answerTo('pull', alpine, { headers })).toMatchObject({ status: 200 });
  });

  test.each([
    ['pull', 'acme/none', 'pull'],
    ['push', 'acme/none', 'pull,push'],
    ['delete', shop, 'pull,delete'],
  ] as const)('is challenged to log in for what it was refused: %s %s', async (need, name, scope) => {
    expect(await challengeTo(need, name, { headers })).toBe(
      `Bearer ${realm},scope="repository:${name}:${scope}",error="insufficient_scope"`,
    );
  });
});

test('a token whose owner was blocked or revoked is challenged for another, and not told that there is nothing', async () => {
  owner = undefined;
  for (const need of ['pull', 'push'] as const) {
    expect(await challengeTo(need, 'acme/none', { headers: bearer('known.to.us') })).toBe(
      `Bearer ${realm},scope="repository:acme/none:${need === 'pull' ? need : 'pull,push'}",error="invalid_token"`,
    );
  }
});

describe('where another token service decides about hosted repositories', () => {
  const theirs = 'realm="https://auth.example.com/token",service="registry.example"';

  beforeEach(() => {
    app = serve({ isLoginRequired: true, isDelegated: true });
  });

  test.each([
    ['/v2/', `Bearer ${theirs}`],
    ['/v2/acme/shop/manifests/latest', `Bearer ${theirs},scope="repository:acme/shop:pull"`],
    ['/v2/_catalog', `Bearer ${theirs},scope="registry:catalog:*"`],
    [manifest, `Bearer ${realm},scope="repository:${alpine}:pull"`],
  ])('%s says where tokens are to be had', async (path, expected) => {
    expect(await challengeOf(path)).toBe(expected);
  });

  test.each(['external.and.known', 'external.but.new'])('its tokens are taken: %s', async (text) => {
    expect(await answerTo('pull', shop, { headers: bearer(text) })).toMatchObject({ status: 200 });
    expect(identity).toEqual(externalToken);
  });

  test('a token of its without the action is challenged for another', async () => {
    expect(await challengeTo('delete', shop, { headers: bearer('external.and.known') })).toBe(
      `Bearer ${theirs},scope="repository:${shop}:pull,delete",error="insufficient_scope"`,
    );
  });

  test('and ours as well', async () => {
    expect(await answerTo('pull', alpine, { headers: bearer('known.to.us') })).toMatchObject({ status: 200 });
  });
});

describe('where nobody needs to log in', () => {
  beforeEach(() => {
    app = serve({ isLoginRequired: false });
  });

  test.each(['/v2/', manifest, '/v2/_catalog'])('%s is answered without a challenge', async (path) => {
    expect((await ask(app, path)).status).toBe(200);
    expect(identity).toEqual({ kind: 'anonymous' });
  });

  test.each([
    ['nobody in particular', {}],
    ['a token that was refused it', bearer('known.to.us')],
    ['a user', basic('right')],
  ])('%s may do what everyone may', async (_who, headers) => {
    allowed = ['pull acme/none', 'pull other/image'];
    for (const name of ['acme/none', 'other/image'])
      expect(await answerTo('pull', name, { headers })).toMatchObject({ status: 200 });
    expect(await answerTo('push', 'acme/absent', { headers })).toMatchObject({ status: 403 });
    expect((await ask(app, '/v2/_catalog', { headers })).status).toBe(200);
  });

  test('credentials that are wrong are still refused', async () => {
    expect(await challengeOf('/v2/', { headers: basic('wrong') })).toBe(`Bearer ${realm}`);
    expect(await challengeOf('/v2/', { headers: bearer('made.it.up') })).toBe(
      `Bearer ${realm},error="invalid_token"`,
    );
  });

  test('what is protected is for who logs in, and says so', async () => {
    guarded = ['acme/guarded'];
    expect(await challengeTo('push', 'acme/guarded')).toBe(
      `Bearer ${realm},scope="repository:acme/guarded:pull,push"`,
    );
    expect((await answerTo('push', 'acme/guarded')).detail).toContain('Log in');
    expect(await answerTo('push', 'acme/guarded', { headers: basic('right') })).toMatchObject({
      status: 403,
    });
  });
});

describe('a protected repository', () => {
  test.each([
    ['push', 'Pushing to protected repository path forbidden'],
    ['delete', 'Deleting from protected repository path forbidden'],
  ] as const)('says that it is what keeps them from it: %s', async (action, message) => {
    guarded = ['acme/guarded'];
    expect(await answerTo(action, 'acme/guarded', { headers: basic('right') })).toEqual({
      status: 403,
      code: 'DENIED',
      detail: expect.stringContaining(message),
    });
  });
});
