import { randomBytes, X509Certificate } from 'node:crypto';
import Koa from 'koa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Listener } from '../../../../src/api/server/server.ts';
import { keyRoutes } from '../../../../src/api/tokens/keys.ts';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';
import { SigningKeys } from '../../../../src/auth/tokens/signing-keys.ts';
import { RecordedKeys } from '../../auth/recorded-keys.ts';
import { KeptLog } from '../registry/registry-server.ts';

let keys: SigningKeys;
let listener: Listener;
const get = (path: string, method = 'GET') => fetch(`${listener.url}${path}`, { method });

beforeEach(async () => {
  const secretBox = new SecretBox(randomBytes(32));
  keys = new SigningKeys({
    records: new RecordedKeys(),
    secretBox,
    lifetimeMs: async () => 300_000,
    now: Date.now,
  });
  await keys.current();
  await keys.rotate();
  const app = new Koa();
  app.use(keyRoutes({ keys }));
  const handler = app.callback();
  listener = await Listener.open({ address: '127.0.0.1:0', handler, shutdownMs: 100, log: new KeptLog() });
});
afterEach(() => listener.close());

test('every public key is published, with what it is for, and nothing private', async () => {
  const answer = await get('/.well-known/jwks.json');
  expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
  expect(answer.headers.get('cache-control')).toBe('public, max-age=60');
  const text = expect.any(String);
  const known = (await keys.list()).map(({ kid }) => kid);
  expect(await answer.json()).toEqual({
    keys: known.map((kid) => ({ kty: 'EC', crv: 'P-256', x: text, y: text, kid, use: 'sig', alg: 'ES256' })),
  });
  expect(known).toHaveLength(2);
});

test('every certificate is in the bundle', async () => {
  const answer = await get('/.well-known/token-certificates.pem');
  expect(answer.headers.get('content-type')).toBe('application/x-pem-file');
  const bundle = await answer.text();
  const certificates = bundle
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((pem) => new X509Certificate(pem));
  const known = await keys.list();
  expect(certificates).toHaveLength(known.length);
  for (const [index, certificate] of certificates.entries()) {
    expect(known[index]?.publicKey.equals(certificate.publicKey)).toBe(true);
  }
  expect(bundle).not.toContain('PRIVATE');
});

test('the keys are there to be read, and nothing else is there', async () => {
  expect((await get('/.well-known/jwks.json', 'HEAD')).status).toBe(200);
  const refused = await get('/.well-known/jwks.json', 'PUT');
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  expect((await get('/.well-known/other.json')).status).toBe(404);
  expect((await get('/constructor')).status).toBe(404);
});
