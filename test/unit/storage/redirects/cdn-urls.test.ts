import { generateKeyPairSync, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { CdnUrls, CloudFrontSigner } from '../../../../src/storage/redirects/cdn-urls.ts';

const pathOf = (key: string) => (key === 'file' ? undefined : `root/${key}`);

test.each(['https://cdn.example', 'https://cdn.example//'])(
  'a URL of %s has the path of the object, and nothing else where nobody signs it',
  async (baseUrl) => {
    const urls = new CdnUrls({ baseUrl, pathOf, signer: undefined });
    expect(await urls.urlOf('key', 1)).toBe('https://cdn.example/root/key');
    expect(await urls.urlOf('file', 1)).toBeUndefined();
  },
);

test('a URL for CloudFront is signed by its canned policy', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signer = new CloudFrontSigner('K123', String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const urls = new CdnUrls({ baseUrl: 'https://cdn.example/blobs', pathOf, signer });
  const url = new URL((await urls.urlOf('key', 1_700_000_000_999)) ?? '');
  const { Expires, Signature = '', ...rest } = Object.fromEntries(url.searchParams);
  expect(url.origin + url.pathname).toBe('https://cdn.example/blobs/root/key');
  expect({ Expires, ...rest }).toEqual({ Expires: '1700000000', 'Key-Pair-Id': 'K123' });
  // 256 bytes, with what fills the last four characters.
  expect(Signature).toMatch(/^[A-Za-z0-9~-]{342}__$/);
  const policy =
    '{"Statement":[{"Resource":"https://cdn.example/blobs/root/key","Condition":{"DateLessThan":{"AWS:EpochTime":1700000000}}}]}';
  const base64 = Signature.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/');
  expect(verify('sha1', Buffer.from(policy), publicKey, Buffer.from(base64, 'base64'))).toBe(true);
});

test('what is no private key is refused at once', () => {
  expect(() => new CloudFrontSigner('K123', 'no key')).toThrow();
});
