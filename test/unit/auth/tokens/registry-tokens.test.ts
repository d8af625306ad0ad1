import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, type JWTHeaderParameters, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { anonymous, nameOf, principalRefOf } from '../../../../src/auth/rights/identity.ts';
import { repositoryScope } from '../../../../src/auth/rights/scope.ts';
import { RegistryTokens } from '../../../../src/auth/tokens/registry-tokens.ts';
import { SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { tokenOfLength } from '../forging.ts';
import { dana, danaByPassword, deployToken, job, trustedJob } from '../identities.ts';
import { RecordedKeys } from '../recorded-keys.ts';

const start = Date.UTC(2026, 2, 4, 9, 15, 22, 481);
const seconds = Math.floor(start / 1000);
const secretBox = new SecretBox(randomBytes(32));
const access = [
  { type: 'repository', name: 'virtual_registries/container/1/library/alpine', actions: ['pull'] },
];
const refused = [{ type: 'repository', name: 'acme/shop', actions: ['push'] }];
const request = { service: 'container_registry', holder: dana, access, refused, omitted: 0 } as const;

let now = start;
const clock = () => now;
let keys: SigningKeys;
let tokens: RegistryTokens;

beforeEach(() => {
  now = start;
  keys = new SigningKeys({
    records: new RecordedKeys(),
    secretBox,
    lifetimeMs: async () => 300_000,
    now: clock,
  });
  tokens = new RegistryTokens({ keys, lifetimeMs: async () => 300_000, now: clock });
});

/** A token that is right in everything but what is given. */
async function forge(
  claims: Record<string, unknown> = {},
  header: Partial<JWTHeaderParameters> = {},
  key?: KeyObject | Uint8Array,
): Promise<string> {
  const { kid, privateKey } = await keys.current();
  return new SignJWT({
    iss: 'entrepot',
    aud: 'container_registry',
    sub: 'dana',
    iat: seconds,
    nbf: seconds - 5,
    exp: seconds + 300,
    jti: 'some-id',
    access,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid, ...header })
    .sign(key ?? privateKey);
}

test('an issued token says who it is for, for what and how long, and is signed with ES256', async () => {
  const issued = await tokens.issue(request);
  expect(issued).toMatchObject({ expiresInSeconds: 300, issuedAt: seconds * 1000 });
  expect(decodeProtectedHeader(issued.token)).toEqual({
    typ: 'JWT',
    alg: 'ES256',
    kid: (await keys.current()).kid,
  });
  expect(decodeJwt(issued.token)).toEqual({
    iss: 'entrepot',
    aud: 'container_registry',
    sub: 'dana',
    auth_type: 'personal_access_token',
    principal: { kind: 'user', userId: 7, tokenId: 70 },
    user_id: 7,
    iat: seconds,
    nbf: seconds - 5,
    exp: seconds + 300,
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    access,
    refused,
  });
});

test('a token that was refused nothing says nothing of it', async () => {
  const { token } = await tokens.issue({ ...request, refused: [] });
  expect(decodeJwt(token)).not.toHaveProperty('refused');
  expect(await tokens.verify(token)).toMatchObject({ access, refused: [] });
});

describe('a token for many repositories', () => {
  const scopes = (kind: string, count: number, length = 40) =>
    Array.from({ length: count }, (_, index) =>
      repositoryScope(
        `${kind}/${createHash('sha256').update(`${kind}${index}`).digest('hex')}`.slice(0, length),
        ['pull'],
      ),
    );

  test.each([1, 40, 100, 500])('carries all %s of them, in a header', async (count) => {
    const access = scopes('acme/mirror', count, 30);
    const issued = await tokens.issue({ ...request, access });
    expect(issued.token.length).toBeLessThan(15_360);
    expect(await tokens.verify(issued.token)).toMatchObject({ access, refused });
    expect(issued.access).toEqual(access);
  });

  test('leaves out refusals, then the first of what was granted, and says how many', async () => {
    const access = scopes('granted', 512, 70);
    const issued = await tokens.issue({ ...request, access, refused: scopes('refused', 512), omitted: 3 });
    expect(issued.token.length).toBeLessThan(15_360);
    const bearer = await tokens.verify(issued.token);
    const carried = bearer?.access.length ?? 0;
    expect(carried).toBeGreaterThan(100);
    expect(bearer).toMatchObject({ access: access.slice(-carried), refused: [], omitted: 3 + 512 - carried });
    expect(issued.access).toEqual(access.slice(-carried));
  });

  test('is as others expect it where it is for them, and as long', async () => {
    const ours = new RegistryTokens({
      keys,
      lifetimeMs: async () => 300_000,
      otherServices: ['mirror'],
      now: clock,
    });
    const access = scopes('acme', 500);
    const { token } = await ours.issue({ ...request, service: 'mirror', access, refused: [] });
    expect(token.length).toBeLessThan(15_360);
    const { access: listed, omitted } = decodeJwt<{ access: object[]; omitted: number }>(token);
    expect(listed).toEqual(access.slice(-listed.length));
    expect(listed.length + omitted).toBe(500);
  });
});

test.each(['container_registry', 'dependency_proxy'] as const)(
  'a token for %s is verified',
  async (service) => {
    const { token } = await tokens.issue({ ...request, service });
    expect(await tokens.verify(token)).toEqual({
      kind: 'registry-token',
      subject: 'dana',
      principal: { kind: 'user', userId: 7, tokenId: 70 },
      access,
      refused,
    });
  },
);

test.each([
  ['a password', danaByPassword, 'gitlab_or_ldap'],
  ['an access token', dana, 'personal_access_token'],
  ['a deploy token', deployToken, 'deploy_token'],
  ['a job', job, 'build'],
  ['a job by its ID token', trustedJob, 'build'],
] as const)('a token made for %s says so, and for whom', async (_who, holder, authType) => {
  const { token } = await tokens.issue({ ...request, holder });
  const subject = nameOf(holder);
  expect(decodeJwt(token)).toMatchObject({ auth_type: authType, sub: subject });
  expect(await tokens.verify(token)).toMatchObject({ subject, principal: principalRefOf(holder) });
});

test('a token made for nobody is one of nobody', async () => {
  const { token } = await tokens.issue({ ...request, holder: anonymous });
  const { auth_type, sub } = decodeJwt(token);
  expect([auth_type, sub]).toEqual(['none', '']);
  expect(await tokens.verify(token)).toMatchObject({ subject: '', principal: undefined });
});

test('a token is found without waiting once it was verified, and no longer when it has expired', async () => {
  const { token } = await tokens.issue(request);
  expect(tokens.findVerified(token)).toBeUndefined();
  const identity = await tokens.verify(token);
  expect(tokens.findVerified(token)).toBe(identity);
  expect(await tokens.verify(token)).toBe(identity);
  now = (seconds + 300) * 1000;
  expect(tokens.findVerified(token)).toBeUndefined();
  expect(await tokens.verify(token)).toBeUndefined();
});

test('a token is good until the second it expires', async () => {
  const { token } = await tokens.issue(request);
  now = (seconds + 300) * 1000 - 1;
  expect(await tokens.verify(token)).toBeDefined();
});

test('another process with the same records accepts the token', async () => {
  const records = new RecordedKeys();
  const of = () =>
    new RegistryTokens({
      keys: new SigningKeys({ records, secretBox, lifetimeMs: async () => 300_000, now: clock }),
      lifetimeMs: async () => 300_000,
      now: clock,
    });
  const other = of();
  const { token } = await of().issue(request);
  expect(await other.verify(token)).toMatchObject({ subject: 'dana' });
});

describe('what is refused', () => {
  test('nothing that is forged below is refused for being badly forged', async () => {
    expect(await tokens.verify(await forge())).toMatchObject({ subject: 'dana' });
  });

  test.each([
    ['another issuer', { iss: 'someone-else' }],
    ['another audience', { aud: 'gitlab' }],
    ['a token that has expired', { exp: seconds }],
    ['a token that is not good yet', { nbf: seconds + 60 }],
    ['no subject', { sub: undefined }],
    ['no id', { jti: undefined }],
    ['no expiry', { exp: undefined }],
    ['no time of issue', { iat: undefined }],
    ['no beginning', { nbf: undefined }],
    ['an expiry that is no number', { exp: 'never' }],
    ['a number of scopes without room that is none', { omitted: 'many' }],
    ['a holder of no known kind', { principal: { kind: 'martian' } }],
    ['a holder without a kind', { principal: {} }],
    ['a user without a number', { principal: { kind: 'user' } }],
    ['a user whose token has no number', { principal: { kind: 'user', userId: 7, tokenId: 'x' } }],
    [
      'a user whose password is marked by no text',
      { principal: { kind: 'user', userId: 7, passwordMark: 1 } },
    ],
    ['a deploy token without a number', { principal: { kind: 'deploy-token' } }],
    ['a job without a number', { principal: { kind: 'job', jobTokenId: 1.5 } }],
    ['a job of a trust that says no more', { principal: { kind: 'trust', trustId: 3 } }],
    ['a holder of another token service', { principal: { kind: 'external', issuer: 'auth.example.com' } }],
    ['no access list', { access: undefined }],
    ['a list of refusals that is none', { refused: 'everything' }],
    ['an access list that is none', { access: [{ type: 'repository', name: 'a', actions: 'pull' }] }],
  ])('%s', async (_what, claims) => {
    expect(await tokens.verify(await forge(claims))).toBeUndefined();
  });

  test('a token of more than 16384 characters', async () => {
    const make = (length: number) => tokenOfLength(length, (padding, typ) => forge({ padding }, { typ }));
    const [fitting, tooLong] = [await make(16_384), await make(16_385)];
    expect(await tokens.verify(fitting)).toMatchObject({ subject: 'dana' });
    expect(await tokens.verify(tooLong)).toBeUndefined();
  });

  test('but an error that says nothing of the token is not swallowed', async () => {
    const token = await forge();
    keys.find = async () => {
      throw new RangeError('a fault of ours');
    };
    await expect(tokens.verify(token)).rejects.toThrow('a fault of ours');
  });

  test('alg none', async () => {
    const { kid } = await keys.current();
    const [, payload] = (await forge()).split('.');
    for (const alg of ['none', 'None', '']) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT', kid })).toString('base64url');
      expect(await tokens.verify(`${header}.${payload}.`)).toBeUndefined();
    }
  });

  test('HS256 with our public key as the secret', async () => {
    const { kid, publicKey } = await keys.current();
    const [, payload] = (await forge()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid })).toString('base64url');
    for (const type of ['pem', 'der'] as const) {
      const secret = publicKey.export({ type: 'spki', format: type });
      const mac = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
      expect(await tokens.verify(`${header}.${payload}.${mac}`)).toBeUndefined();
    }
  });

  test('a key that the token brings along, under our key id or its own', async () => {
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = foreign.publicKey.export({ format: 'jwk' });
    const headers = [
      { jwk },
      { jwk, kid: 'foreign' },
      { jku: 'https://keys.example/jwks.json' },
      { x5u: 'https://keys.example/cert.pem' },
    ];
    for (const header of headers) {
      expect(await tokens.verify(await forge({}, header, foreign.privateKey))).toBeUndefined();
    }
  });

  test('a token without a key id, or with one that is not text of ours', async () => {
    for (const kid of [undefined, '', '__proto__', '../../etc/passwd']) {
      const token = await new SignJWT({ ...decodeJwt(await forge()) })
        .setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) })
        .sign((await keys.current()).privateKey);
      expect(await tokens.verify(token)).toBeUndefined();
    }
  });

  test('a token that was changed, cut or made up', async () => {
    const token = await forge();
    const [header, , signature] = token.split('.');
    const claims = { ...decodeJwt(token), sub: 'root' };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    for (const text of [
      `${header}.${payload}.${signature}`,
      token.slice(0, -8),
      'a.b.c',
      '',
      'x'.repeat(100_000),
    ]) {
      expect(await tokens.verify(text)).toBeUndefined();
    }
  });
});
