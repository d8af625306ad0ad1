import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { CertificateKeys } from '../../../../src/auth/tokens/certificate-keys.ts';
import { ExternalTokens, type FindKeys } from '../../../../src/auth/tokens/external-tokens.ts';
import { createCertificate } from '../../../../src/auth/tokens/key-certificates.ts';
import { RegistryTokens } from '../../../../src/auth/tokens/registry-tokens.ts';
import { SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { tokenFaultOf } from '../../../../src/auth/tokens/token-faults.ts';
import { type Genuine, sign } from '../forging.ts';
import { RecordedKeys } from '../recorded-keys.ts';

const seconds = Date.UTC(2026, 2, 4) / 1000;
const options = { lifetimeMs: async () => 300_000, now: () => seconds * 1000 };
const keys = new SigningKeys({
  records: new RecordedKeys(),
  secretBox: new SecretBox(randomBytes(32)),
  ...options,
});
const ours: Genuine = {
  alg: 'ES256',
  ...(await keys.current()),
  claims: {
    iss: 'entrepot',
    aud: 'container_registry',
    sub: 'dana',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 300,
    jti: 'some-id',
    access: [],
  },
};
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const fetchNew =
  'the registry token is not one of this registry, or its key is not used any more: fetch a new one';
const hasExpired = 'the registry token has expired: fetch a new one';
const tooEarly = 'the registry token is not valid yet: fetch a new one, and see that the clocks agree';
const unreadable = 'Invalid Compact JWS';

describe('why a token of ours is not believed', () => {
  const tokens = new RegistryTokens({ keys, ...options });
  const kid = JSON.stringify(ours.kid);

  test.each<[string, () => Promise<string>, string, string]>([
    [
      'an end in the past is told with its time',
      () => sign(ours, { exp: seconds - 300 }),
      'expired: exp is 2026-03-03T23:55:00.000Z',
      hasExpired,
    ],
    [
      'so is a beginning in the future',
      () => sign(ours, { nbf: seconds + 300 }),
      'not yet valid: nbf is 2026-03-04T00:05:00.000Z',
      tooEarly,
    ],
    [
      'a missing beginning is no time',
      () => sign(ours, { nbf: undefined }),
      'not yet valid: nbf is no time',
      tooEarly,
    ],
    [
      'nor is one that nobody can reach',
      () => sign(ours, { nbf: 1e300 }),
      'not yet valid: nbf is no time',
      tooEarly,
    ],
    ['nor is one that is a text', () => sign(ours, { nbf: '0' }), 'not yet valid: nbf is no time', tooEarly],
    ['another issuer is named', () => sign(ours, { iss: 'else' }), 'issuer: iss is "else"', fetchNew],
    ['another audience is named', () => sign(ours, { aud: 'else' }), 'audience: aud is "else"', fetchNew],
    ['a missing claim is named', () => sign(ours, { jti: undefined }), 'claim: jti is missing', fetchNew],
    [
      'what it says is shown on one line, and not at length',
      () => sign(ours, { iss: `\u202e${'x'.repeat(500)}` }),
      `issuer: iss is "\ufffd${'x'.repeat(98)}`,
      fetchNew,
    ],
    [
      'a key that nobody knows is named',
      () => sign(ours, {}, { kid: 'foreign' }),
      'key: no key is known with the kid "foreign"',
      fetchNew,
    ],
    [
      'so is that there is none',
      () => sign(ours, {}, { kid: undefined as unknown as string }),
      'key: no key is known with the kid missing',
      fetchNew,
    ],
    [
      "another's signature is told from that",
      () => sign(ours, {}, {}, foreign.privateKey),
      `key: the signature is not of the key with the kid ${kid}`,
      fetchNew,
    ],
    ['what is no token is said to be none', async () => 'a.b', unreadable, fetchNew],
    [
      'claims of another kind are said to be',
      () => sign(ours, { access: 'all' }),
      'its claims are not those of a registry token',
      fetchNew,
    ],
    [
      'one that is too long is not read',
      async () => 'x'.repeat(16_385),
      'it is longer than 16384 characters',
      fetchNew,
    ],
    ['at the limit it is', async () => 'x'.repeat(16_384), unreadable, fetchNew],
  ])('%s', async (_what, make, cause, remedy) => {
    const token = await make();
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await tokens.explain(token)).toEqual({ cause, remedy });
  });
});

test('whatever a verification ended with, there is a cause', () => {
  expect(tokenFaultOf('a.b.c', 'no error')).toEqual({ cause: 'it cannot be read', remedy: fetchNew });
});

describe('why a token of the service that we delegate to is not believed', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const theirs: Genuine = {
    ...ours,
    ...pair,
    kid: 'theirs',
    claims: { ...ours.claims, iss: 'auth.example.com', aud: 'entrepot.example.com' },
  };
  const trusting = (find: FindKeys) =>
    new ExternalTokens({
      service: 'entrepot.example.com',
      issuer: 'auth.example.com',
      keys: find,
      ...options,
    });
  const certified = async (...pairs: (typeof pair)[]) => {
    const of = (each: typeof pair) => createCertificate({ ...each, name: 'service', from: seconds * 1000 });
    return trusting((await CertificateKeys.parse((await Promise.all(pairs.map(of))).join(''))).find);
  };

  test.each<[string, () => Promise<string>, string, string]>([
    [
      'an end in the past',
      () => sign(theirs, { exp: seconds - 300 }),
      'expired: exp is 2026-03-03T23:55:00.000Z',
      hasExpired,
    ],
    ['another audience', () => sign(theirs, { aud: 'else' }), 'audience: aud is "else"', fetchNew],
    ['no end', () => sign(theirs, { exp: undefined }), 'claim: exp is missing', fetchNew],
    [
      'a key of nobody',
      () => sign(theirs, {}, {}, foreign.privateKey),
      'key: the signature is not of the key with the kid "theirs"',
      fetchNew,
    ],
    [
      'claims of another kind',
      () => sign(theirs, { access: 'all' }),
      'its claims are not those of a registry token',
      fetchNew,
    ],
    [
      'an algorithm that is not taken, for which no key is looked for',
      async () => {
        const [, payload] = (await sign(theirs)).split('.');
        return `${Buffer.from('{"alg":"none","kid":"theirs"}').toString('base64url')}.${payload}.`;
      },
      'key: no key is known with the kid "theirs"',
      fetchNew,
    ],
  ])('%s', async (_what, make, cause, remedy) => {
    const token = await make();
    const tokens = await certified(pair);
    expect(await tokens.verify(token)).toBeUndefined();
    expect(await tokens.explain(token)).toEqual({ cause, remedy });
  });

  test('its key is not among those that are found', async () => {
    const token = await sign(theirs);
    expect((await trusting(async () => []).explain(token))?.cause).toBe(
      'key: no key is known with the kid "theirs"',
    );
  });

  test('is not asked of tokens that say to come from elsewhere, of what is no token, and of what is too long', async () => {
    const tokens = await certified(pair);
    const padding = 'x'.repeat(16_384);
    for (const token of [await sign(ours), 'a.b.c', await sign(theirs, { padding })])
      expect(await tokens.explain(token)).toBeUndefined();
  });

  test('an error that says nothing of the token is not swallowed', async () => {
    const broken = trusting(async () => {
      throw new RangeError('a fault of ours');
    });
    const token = await sign(theirs);
    await expect(broken.verify(token)).rejects.toThrow('a fault of ours');
    await expect(broken.explain(token)).rejects.toThrow('a fault of ours');
  });
});
