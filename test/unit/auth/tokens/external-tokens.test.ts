import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { RemoteKeys } from '../../../../src/auth/oidc/remote-keys.ts';
import { CertificateKeys } from '../../../../src/auth/tokens/certificate-keys.ts';
import { ExternalTokens, type FindKeys } from '../../../../src/auth/tokens/external-tokens.ts';
import { createCertificate } from '../../../../src/auth/tokens/key-certificates.ts';
import { keyIdOf } from '../../../../src/auth/tokens/key-ids.ts';
import { KeptLog } from '../../api/registry/registry-server.ts';
import { forgeries, type Genuine, sign, tokenOfLength } from '../forging.ts';

const start = Date.UTC(2026, 2, 4, 9, 15, 22, 481);
const seconds = Math.floor(start / 1000);
let now: number;
const clock = () => now;
beforeEach(() => {
  now = start;
});

type KeyPair = Pick<Genuine, 'privateKey' | 'publicKey'>;

const access = [{ type: 'repository', name: 'acme/shop', actions: ['pull', 'push'] }];
const claims = {
  iss: 'auth.example.com',
  aud: 'entrepot.example.com',
  sub: 'dana',
  iat: seconds,
  nbf: seconds,
  exp: seconds + 300,
  access,
};
const rsaPair = (modulusLength: number): KeyPair => generateKeyPairSync('rsa', { modulusLength });
const [rsa, other, weak] = [rsaPair(2048), rsaPair(2048), rsaPair(1024)];
const ec: KeyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Who reads such a bundle takes the keys, so what a certificate is signed with makes no difference. */
const certify = (pair: KeyPair) => createCertificate({ ...pair, name: 'token service', from: start });
const genuine = (alg: Genuine['alg'], pair: KeyPair, kid = keyIdOf(pair.publicKey)): Genuine => ({
  alg,
  kid,
  ...pair,
  claims,
});

function trusting(keys: FindKeys): ExternalTokens {
  return new ExternalTokens({ service: claims.aud, issuer: claims.iss, keys, now: clock });
}

async function trustingCertificates(...pairs: KeyPair[]): Promise<ExternalTokens> {
  const bundle = (await Promise.all(pairs.map(certify))).join('');
  return trusting((await CertificateKeys.parse(bundle)).find);
}

/** What a JWKS address answers is the callers'. */
function trustingAddress(published: () => object): ExternalTokens {
  const remote = new RemoteKeys({
    issuer: claims.iss,
    jwksUrl: 'https://auth.example.com/jwks.json',
    fetchJson: async () => published(),
    log: new KeptLog(),
    now: clock,
  });
  return trusting(async (header) => [await remote.get(header)]);
}

function jwkOf({ kid, alg, publicKey }: Genuine): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

test('the bearer is who the token says, told apart from ours, and may do what it says', async () => {
  const tokens = await trustingCertificates(rsa);
  const token = await sign(genuine('RS256', rsa));
  const principal = { kind: 'external', issuer: 'auth.example.com' };
  const bearer = { kind: 'registry-token', subject: 'dana', principal };
  expect(await tokens.verify(token)).toEqual({ ...bearer, access, refused: [] });
  expect(tokens.findVerified(token)).toEqual({ ...bearer, access, refused: [] });
});

test.each([
  ["libtrust's key id", (pair: KeyPair) => keyIdOf(pair.publicKey)],
  ['the RFC 7638 thumbprint', (pair: KeyPair) => calculateJwkThumbprint(pair.publicKey)],
  ['a key id of its own', () => 'key-of-march'],
])('a certificate verifies a token under %s', async (_which, kidOf) => {
  const tokens = await trustingCertificates(other, ec, rsa);
  expect(await tokens.verify(await sign(genuine('RS256', rsa, await kidOf(rsa))))).toBeDefined();
  expect(await tokens.verify(await sign(genuine('ES256', ec, await kidOf(ec))))).toBeDefined();
});

test('of the keys of certificates a token is tried with the one that it names, else with all of its kind', async () => {
  const bundle = (await Promise.all([other, ec, rsa].map(certify))).join('');
  const { find } = await CertificateKeys.parse(bundle);
  const found = async (header: Parameters<FindKeys>[0]) => {
    const keys = await find(header);
    return [rsa, other, ec].filter(({ publicKey }) => keys.some((key) => publicKey.equals(key)));
  };
  expect(await found({ alg: 'RS256', kid: keyIdOf(rsa.publicKey) })).toEqual([rsa]);
  expect(await found({ alg: 'RS256', kid: await calculateJwkThumbprint(other.publicKey) })).toEqual([other]);
  expect(await found({ alg: 'RS256', kid: keyIdOf(ec.publicKey) })).toEqual([rsa, other]);
  expect(await found({ alg: 'RS256' })).toEqual([rsa, other]);
  expect(await found({ alg: 'ES256' })).toEqual([ec]);
  expect(await found({ alg: 'PS256' })).toEqual([]);
});

test.each(['HS256', 'PS256', undefined])(
  'of alg %s no token is tried, and nobody is asked for keys',
  async (alg) => {
    const asked: unknown[] = [];
    const tokens = trusting(async (header) => {
      asked.push(header);
      return [rsa.publicKey];
    });
    const [, payload, signature] = (await sign(genuine('RS256', rsa))).split('.');
    const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    expect(await tokens.verify(`${header}.${payload}.${signature}`)).toBeUndefined();
    expect(asked).toEqual([]);
  },
);

test('a token has up to 16384 characters', async () => {
  const tokens = await trustingCertificates(ec);
  const make = (changed: object, length: number) =>
    tokenOfLength(length, (padding, typ) => sign(genuine('ES256', ec), { ...changed, padding }, { typ }));
  expect(await tokens.verify(await make({}, 16_384))).toMatchObject({ subject: 'dana' });
  expect(await tokens.verify(await make({}, 16_385))).toBeUndefined();
  const expired = { exp: seconds - 300 };
  expect(await tokens.explain(await make(expired, 16_384))).toMatchObject({
    cause: expect.stringMatching(/^expired/),
  });
  expect(await tokens.explain(await make(expired, 16_385))).toBeUndefined();
});

test('every action, as Docker says it, is each of ours; an access list of null is nothing', async () => {
  const tokens = await trustingCertificates(rsa);
  const of = async (changed: object) =>
    (await tokens.verify(await sign(genuine('RS256', rsa), { access: changed })))?.access;
  expect(await of([{ type: 'repository', name: 'acme/shop', actions: ['*'] }])).toEqual([
    { type: 'repository', name: 'acme/shop', actions: ['pull', 'push', 'delete'] },
  ]);
  expect(await of([{ type: 'registry', name: 'catalog', actions: ['*'] }])).toEqual([
    { type: 'registry', name: 'catalog', actions: ['*'] },
  ]);
  const named = { type: 'repository', name: 'acme/shop', actions: ['pull'] };
  expect(
    await of([
      { ...named, meta: { project_path: 'acme/shop' } },
      { ...named, actions: null },
    ]),
  ).toEqual([
    { ...named, projectPath: 'acme/shop' },
    { ...named, actions: [] },
  ]);
  expect((await tokens.verify(await sign(genuine('RS256', rsa), { access: null, sub: '' })))?.access).toEqual(
    [],
  );
});

test('who is not named has no name, and the path of a project counts up to 255 characters', async () => {
  const tokens = await trustingCertificates(rsa);
  const verify = async (changed: object) => tokens.verify(await sign(genuine('RS256', rsa), { ...changed }));
  expect((await verify({ sub: undefined }))?.subject).toBe('');
  expect((await verify({ sub: 'x'.repeat(255) }))?.subject).toBe('x'.repeat(255));
  expect(await verify({ sub: 'x'.repeat(256) })).toBeUndefined();
  const inProject = (path: unknown) =>
    verify({ access: [{ type: 'repository', name: 'a', actions: [], meta: { project_path: path } }] });
  const grant = { type: 'repository', name: 'a', actions: [] };
  expect((await inProject('x'.repeat(255)))?.access).toStrictEqual([
    { ...grant, projectPath: 'x'.repeat(255) },
  ]);
  for (const path of ['x'.repeat(256), 7]) expect((await inProject(path))?.access).toStrictEqual([grant]);
});

test('a token that is known is not verified again', async () => {
  let searches = 0;
  const tokens = trusting(async () => {
    searches += 1;
    return [ec.publicKey];
  });
  const token = await sign(genuine('ES256', ec));
  expect(await tokens.verify(token)).toBe(await tokens.verify(token));
  expect(searches).toBe(1);
});

test('a clock that differs by a minute does not matter, and a token is not remembered beyond its end', async () => {
  const tokens = await trustingCertificates(rsa);
  const token = await sign(genuine('RS256', rsa));
  now = start - 59_000;
  expect(await tokens.verify(token)).toBeDefined();
  now = start + 359_000;
  expect(tokens.findVerified(token)).toBeUndefined();
  expect(await tokens.verify(token)).toBeDefined();
  now = start + 361_000;
  expect(await tokens.verify(token)).toBeUndefined();
});

test('a bundle must be of certificates with keys that are of use', async () => {
  const expected = 'expected 1 to 32 certificates in PEM, found';
  await expect(CertificateKeys.parse('')).rejects.toThrow(`${expected} 0`);
  const certificate = await certify(ec);
  expect(await CertificateKeys.parse(certificate.repeat(32))).toBeDefined();
  await expect(CertificateKeys.parse(certificate.repeat(33))).rejects.toThrow(`${expected} 33`);
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  await expect(CertificateKeys.parse(broken)).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be read/),
    cause: expect.any(Error),
  });
  const otherCurve = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const otherPadding = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  for (const useless of [weak, otherCurve, otherPadding])
    await expect(trustingCertificates(rsa, useless)).rejects.toThrow(
      'the key of the certificate of CN=token service is neither RSA with at least 2048 bits nor EC P-256',
    );
});

test('keys at an address are found by their ids, new ones and those of one algorithm too', async () => {
  const published: object[] = [jwkOf(genuine('RS256', rsa, 'one'))];
  const tokens = trustingAddress(() => ({ keys: published }));
  expect(await tokens.verify(await sign(genuine('RS256', rsa, 'one')))).toBeDefined();
  now += 10_000;
  published.push(jwkOf(genuine('ES256', ec, 'two')));
  expect(await tokens.verify(await sign(genuine('ES256', ec, 'two')))).toBeDefined();
  expect(await tokens.verify(await sign(genuine('RS256', other, 'one')))).toBeUndefined();
});

test('a weak key at an address, or none, verifies nothing', async () => {
  const published = trustingAddress(() => ({ keys: [jwkOf(genuine('RS256', weak, 'weak'))] }));
  expect(await published.verify(await sign(genuine('RS256', rsa, 'weak')))).toBeUndefined();
  const down = trustingAddress(() => {
    throw new Error('down');
  });
  expect(await down.verify(await sign(genuine('RS256', rsa)))).toBeUndefined();
});

describe.each([
  ['a certificate with an RSA key', 'RS256', rsa],
  ['a certificate with an EC key', 'ES256', ec],
] as const)('refused, trusting %s:', async (_what, alg, pair) => {
  const real = genuine(alg, pair);
  for (const [fault, token] of await forgeries(real, seconds)) {
    test(fault, async () => {
      const tokens = await trustingCertificates(pair);
      expect(await tokens.verify(await sign(real))).toBeDefined();
      expect(await tokens.verify(token)).toBeUndefined();
      expect(tokens.findVerified(token)).toBeUndefined();
    });
  }
});

describe('refused, trusting keys at an address:', async () => {
  const real = genuine('RS256', rsa, 'one');
  for (const [fault, token] of await forgeries(real, seconds)) {
    test(fault, async () => {
      const tokens = trustingAddress(() => ({ keys: [jwkOf(real)] }));
      expect(await tokens.verify(await sign(real))).toBeDefined();
      expect(await tokens.verify(token)).toBeUndefined();
    });
  }
});
