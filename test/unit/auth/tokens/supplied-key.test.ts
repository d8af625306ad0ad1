import { randomBytes, X509Certificate } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { RegistryTokens } from '../../../../src/auth/tokens/registry-tokens.ts';
import { SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { parseSuppliedKey } from '../../../../src/auth/tokens/supplied-key.ts';
import { pair, pem } from '../../../support/certificates.ts';
import { dana } from '../identities.ts';
import { RecordedKeys } from '../recorded-keys.ts';

const now = () => Date.UTC(2026, 2, 4);
const { cert, key } = pair('issued');
const chain = `${cert}${pem('intermediate.crt')}`;
const access = [{ type: 'repository', name: 'acme/shop', actions: ['pull'] }];
const request = { holder: dana, access, refused: [], omitted: 0 } as const;

function tokensWith(options: object = {}) {
  const records = new RecordedKeys();
  const keys = new SigningKeys({
    records,
    secretBox: new SecretBox(randomBytes(32)),
    lifetimeMs: async () => 300_000,
    now,
  });
  return new RegistryTokens({
    keys,
    lifetimeMs: async () => 300_000,
    otherServices: ['theirs'],
    now,
    ...options,
  });
}

test('tokens for another registry are signed with it, name its certificates and the issuer, and no key id', async () => {
  const tokens = tokensWith({ otherIssuer: 'gitlab-issuer', otherSigner: parseSuppliedKey(key, chain) });
  const { token } = await tokens.issue({ ...request, service: 'theirs' });
  const { alg, x5c, kid } = decodeProtectedHeader(token);
  expect([alg, kid]).toEqual([
    new X509Certificate(cert).publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256',
    undefined,
  ]);
  const given = (x5c ?? []).map((text) => new X509Certificate(Buffer.from(text, 'base64')).fingerprint256);
  expect(given).toEqual(
    [cert, pem('intermediate.crt')].map((text) => new X509Certificate(text).fingerprint256),
  );
  const { payload } = await jwtVerify(token, new X509Certificate(cert).publicKey, {
    currentDate: new Date(now()),
  });
  expect(payload).toMatchObject({ iss: 'gitlab-issuer', aud: 'theirs', sub: 'dana', access });
});

test('tokens for ourselves are signed with keys of ours, and are good here alone', async () => {
  const tokens = tokensWith({ otherIssuer: 'gitlab-issuer', otherSigner: parseSuppliedKey(key, cert) });
  const own = await tokens.issue({ ...request, service: 'container_registry' });
  expect(decodeProtectedHeader(own.token)).toMatchObject({ alg: 'ES256', kid: expect.any(String) });
  expect(decodeJwt(own.token).iss).toBe('entrepot');
  expect(await tokens.verify(own.token)).toMatchObject({ subject: 'dana' });
  const theirs = await tokens.issue({ ...request, service: 'theirs' });
  expect(await tokens.verify(theirs.token)).toBeUndefined();
});

test('without one, another issuer is named all the same, and keys of ours sign', async () => {
  const { token } = await tokensWith({ otherIssuer: 'gitlab-issuer' }).issue({
    ...request,
    service: 'theirs',
  });
  expect(decodeJwt(token).iss).toBe('gitlab-issuer');
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', kid: expect.any(String) });
  expect(decodeJwt((await tokensWith().issue({ ...request, service: 'theirs' })).token).iss).toBe('entrepot');
});

test.each([
  ['no key', 'nothing', cert, /^the key cannot be read: expected a private key in PEM, without a password/],
  ['a key with a password', pem('client-encrypted.key'), cert, /^the key cannot be read/],
  ['no certificate', key, key, /^expected 1 to 4 certificates in PEM, found 0/],
  ['too many certificates', key, cert.repeat(5), /^expected 1 to 4 certificates in PEM, found 5/],
  [
    'a certificate of another key',
    key,
    pem('elsewhere.crt'),
    /^the certificate of .* is not that of the key/,
  ],
  ['certificates in another order', key, `${pem('intermediate.crt')}${cert}`, /is not that of the key/],
  [
    'a certificate that is none',
    key,
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    /^a certificate in the bundle cannot be read/,
  ],
])('%s is refused with what is wrong', (_what, keyText, bundle, message) => {
  expect(() => parseSuppliedKey(keyText, bundle)).toThrow(message);
});
