import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { SecretBox } from '../../../src/auth/credentials/secret-box.ts';
import { anonymous } from '../../../src/auth/rights/identity.ts';
import { RegistryTokens } from '../../../src/auth/tokens/registry-tokens.ts';
import { SigningKeys } from '../../../src/auth/tokens/signing-keys.ts';
import { forgeries, type Genuine, sign } from './forging.ts';
import { RecordedKeys } from './recorded-keys.ts';

const seconds = Date.UTC(2026, 2, 4) / 1000;
const options = { lifetimeMs: async () => 300_000, now: () => seconds * 1000 };
const secretBox = new SecretBox(randomBytes(32));
const keys = new SigningKeys({ records: new RecordedKeys(), secretBox, ...options });

test('CVE-2023-22482: a token that another registry was shown is not good here', async () => {
  const tokens = new RegistryTokens({ keys, otherServices: ['mirror.example.com'], ...options });
  expect(tokens.serves('mirror.example.com')).toBe(true);
  expect(tokens.serves('elsewhere.example.com')).toBe(false);
  const access = [{ type: 'repository', name: 'acme/shop', actions: ['pull'] }];
  const request = { holder: anonymous, access, refused: [], omitted: 0 };
  const shown = await tokens.issue({ service: 'mirror.example.com', ...request });
  expect(decodeJwt(shown.token)).toMatchObject({ iss: 'entrepot', aud: 'mirror.example.com', access });
  expect(await tokens.verify(shown.token)).toBeUndefined();
  const ours = await tokens.issue({ service: 'container_registry', ...request });
  expect(await tokens.verify(ours.token)).toMatchObject({ access });
});

describe('refused as a token of ours:', async () => {
  const claims = {
    iss: 'entrepot',
    aud: 'container_registry',
    sub: 'dana',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 300,
    jti: 'some-id',
    access: [{ type: 'repository', name: 'acme/shop', actions: ['pull'] }],
  };
  const genuine: Genuine = { alg: 'ES256', claims, ...(await keys.current()) };

  for (const [fault, token] of await forgeries(genuine, seconds)) {
    test(fault, async () => {
      const tokens = new RegistryTokens({ keys, ...options });
      expect(await tokens.verify(await sign(genuine))).toMatchObject({ subject: 'dana' });
      expect(await tokens.verify(token)).toBeUndefined();
      expect(tokens.findVerified(token)).toBeUndefined();
    });
  }
});
