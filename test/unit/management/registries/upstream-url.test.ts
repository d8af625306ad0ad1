import { expect, test } from 'vitest';
import {
  demandAllowedAddress,
  parseUpstreamUrl,
} from '../../../../src/management/registries/upstream-url.ts';

test.each([
  ['https://registry-1.docker.io', 'https://registry-1.docker.io'],
  ['https://Registry.Example/', 'https://registry.example'],
  ['https://registry.example/v2/', 'https://registry.example'],
  ['http://registry.example:8080/cache', 'http://registry.example:8080/cache'],
  [' https://registry.example:443/a/v2 ', 'https://registry.example/a'],
  ['entrepot:acme', 'entrepot:acme'],
  ...[
    'docker.io',
    'https://docker.io',
    'https://DOCKER.io./',
    'http://www.docker.io/',
    'https://docker.io/v2/',
    'https://hub.docker.com',
    'hub.docker.com/',
    'https://registry.hub.docker.com/v2',
    'https://index.docker.io/v1/',
    'index.docker.io:443/v1',
    'registry-1.docker.io',
    'https://registry-1.docker.io//v2//',
  ].map((text) => [text, 'https://registry-1.docker.io']),
  ['https://ghcr.io/v2/', 'https://ghcr.io'],
  ['https://docker.io.example', 'https://docker.io.example'],
  ['https://mydocker.io', 'https://mydocker.io'],
  [' Entrepot:acme/sub-group/shop.web/ ', 'entrepot:acme/sub-group/shop.web'],
])('%s is kept as %s', (text, kept) => {
  expect(parseUpstreamUrl(text)).toBe(kept);
});

test.each([
  ['registry.example', 'must be a valid URL', 'begins with https://, as in https://registry.example'],
  ['ghcr.io/acme', 'must be a valid URL', 'begins with https://, as in https://ghcr.io'],
  [
    'registry:5000/v2/',
    'is blocked: Only allowed schemes are http, https',
    'begins with https://, as in https://registry:5000',
  ],
  ['x', 'must be a valid URL'],
  ...['https://hub.docker.com/r/acme/app', 'docker.io/library/alpine', 'https://hub.docker.com/_/alpine'].map(
    (text) => [
      text,
      'must have no path: Docker Hub is https://registry-1.docker.io, and images have their whole names there',
    ],
  ),
  ...['https://ghcr.io', 'https://quay.io', 'https://europe-docker.pkg.dev'].map((origin) => [
    `${origin}/acme/`,
    `must have no path: ${origin} is the registry, and images have their whole names there, or begin with its add_prefix`,
  ]),
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
])('%s is refused: %s', (text, ...faults) => {
  expect(() => parseUpstreamUrl(text)).toThrow(
    expect.objectContaining({ kind: 'invalid', faults: { url: faults } }),
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
  demandAllowedAddress({ url: parseUpstreamUrl(url) }, false, (host) => {
    judged.push(host);
    return undefined;
  });
  expect(judged).toEqual([address]);
});

test('a blocked address is a fault of the url', () => {
  expect(() => demandAllowedAddress({ url: 'http://10.0.0.1' }, false, () => 'no')).toThrow(
    expect.objectContaining({ faults: { url: ['is blocked: no'] } }),
  );
});
