import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { RemoteKeys } from '../../../../src/auth/oidc/remote-keys.ts';
import { silentLog } from '../../../support/silent-log.ts';

/** Whether a token of the issuer is good, and what it was asked for. @param jwksUri in its discovery document */
async function ask(issuer: string, jwksUri: string): Promise<{ isGood: boolean; asked: string[] }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const asked: string[] = [];
  const keys = new RemoteKeys({
    issuer,
    jwksUrl: undefined,
    fetchJson: async ({ href }) => {
      asked.push(href);
      return href.includes('.well-known')
        ? { issuer, jwks_uri: jwksUri }
        : { keys: [await exportJWK(publicKey)] };
    },
    log: silentLog,
    now: () => 0,
  });
  const isGood = await jwtVerify(token, keys.get).then(
    () => true,
    () => false,
  );
  return { isGood, asked };
}

test.each([
  ['https://issuer.example', 'https://issuer.example/.well-known/openid-configuration'],
  ['https://issuer.example/', 'https://issuer.example/.well-known/openid-configuration'],
  ['https://issuer.example/realms/ci', 'https://issuer.example/realms/ci/.well-known/openid-configuration'],
])('the keys of %s are discovered', async (issuer, document) => {
  const keys = 'https://keys.example/jwks';
  expect(await ask(issuer, keys)).toEqual({ isGood: true, asked: [document, keys] });
});

test.each(['http://issuer.example/jwks', 'file:///etc/passwd', 'jwks'])(
  'an issuer on https does not lead to %s',
  async (jwksUri) => {
    const { isGood, asked } = await ask('https://issuer.example', jwksUri);
    expect({ isGood, count: asked.length }).toEqual({ isGood: false, count: 1 });
  },
);
