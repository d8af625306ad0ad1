import { expect, test } from 'vitest';
import { demandAllowedAddress, parseUpstreamUrl } from '../../../src/management/upstream-url.ts';

test.each([
  ['https://registry-1.docker.io', 'https://registry-1.docker.io'],
  ['https://Registry.Example/', 'https://registry.example'],
  ['https://registry.example/v2/', 'https://registry.example'],
  ['http://registry.example:8080/cache', 'http://registry.example:8080/cache'],
  [' https://registry.example:443/a/v2 ', 'https://registry.example/a'],
  ['entrepot:acme', 'entrepot:acme'],
  [' Entrepot:acme/sub-group/shop.web/ ', 'entrepot:acme/sub-group/shop.web'],
])('%s is kept as %s', (text, kept) => {
  expect(parseUpstreamUrl(text)).toBe(kept);
});

test.each([
  ['registry.example', 'must be a valid URL'],
  ['https://', 'must be a valid URL'],
  ['ftp://registry.example', 'is blocked: Only allowed schemes are http, https'],
  ['file:///etc/passwd', 'is blocked: Only allowed schemes are http, https'],
  ['https://me:secret@registry.example', 'must not have credentials: they have fields of their own'],
  ['https://registry.example?x=1', 'must not have a query or a fragment'],
  ['https://registry.example/?', 'must not have a query or a fragment'],
  ['https://registry.example#x', 'must not have a query or a fragment'],
  ...[
    '',
    '/',
    'Acme',
    '//acme/shop',
    '/acme',
    'acme//shop',
    'acme shop',
    'acme?x',
    'acme/../b',
    'a'.repeat(256),
  ].map((path) => [
    `entrepot:${path}`,
    'must be entrepot: and the full path of a group or project, as in entrepot:acme/shop',
  ]),
  [`https://registry.example/${'a'.repeat(255)}`, 'is too long (maximum is 255 characters)'],
])('%s is refused: %s', (text, fault) => {
  expect(() => parseUpstreamUrl(text)).toThrow(
    expect.objectContaining({ kind: 'invalid', faults: { url: [fault] } }),
  );
});

test.each([
  ['http://127.0.0.1:5000', '127.0.0.1'],
  ['http://[::1]:5000', '::1'],
  ['http://0x7f.1', '127.0.0.1'],
  ['http://2130706433', '127.0.0.1'],
  ['http://localhost', '127.0.0.1'],
  ['http://LOCALHOST.', '127.0.0.1'],
  ['http://my.localhost:5000', '127.0.0.1'],
  ['http://10.1.2.3', '10.1.2.3'],
  ['http://10.1.2.3.', '10.1.2.3'],
  ['https://registry.example', 'registry.example'],
])('%s is judged as %s', (url, address) => {
  const judged: string[] = [];
  demandAllowedAddress(parseUpstreamUrl(url), false, (host) => {
    judged.push(host);
    return undefined;
  });
  expect(judged).toEqual([address]);
});

test('a blocked address is a fault of the url', () => {
  expect(() => demandAllowedAddress('http://10.0.0.1', false, () => 'no')).toThrow(
    expect.objectContaining({ faults: { url: ['is blocked: no'] } }),
  );
});
