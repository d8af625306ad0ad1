import { expect, test } from 'vitest';
import { UpstreamError } from '../../../src/upstreams/errors.ts';
import { parseRealm } from '../../../src/upstreams/realm.ts';

const pairs = ['registry-1.docker.io=auth.docker.io', 'registry.corp.example=sso.other.example:8443'];

function judge(registry: string, realm: string | undefined): string {
  try {
    return parseRealm(realm, new URL(registry), pairs).href;
  } catch (error) {
    if (error instanceof UpstreamError && error.kind === 'invalid') return error.message;
    throw error;
  }
}

test.each([
  ['the same host', 'https://ghcr.io', 'https://ghcr.io/token'],
  [
    'the same host at another port',
    'https://registry.example.com:5000',
    'https://registry.example.com:5001/auth',
  ],
  ['the same registrable domain', 'https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
  ['a registrable domain of two labels', 'https://registry.shop.co.uk', 'https://auth.shop.co.uk/token'],
  ['a configured pair', 'https://registry-1.docker.io', 'https://auth.docker.io/token'],
  [
    'a configured pair with a port',
    'https://registry.corp.example:5000',
    'https://sso.other.example:8443/token',
  ],
  ['http where the registry is http too', 'http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
  ['https for a registry that is http', 'http://registry.example.com', 'https://auth.example.com/token'],
  ['the same local host', 'http://localhost:5000', 'http://localhost:5001/token'],
])('%s is let through', (_what, registry, realm) => {
  expect(judge(registry, realm)).toBe(realm);
});

test.each([
  ['another domain', 'https://registry.example.com', 'https://evil.example.org/token'],
  ['another name below a public suffix', 'https://registry.co.uk', 'https://evil.co.uk/token'],
  ["another customer's name below a private suffix", 'https://us.github.io', 'https://them.github.io/token'],
  ['a name that only ends alike', 'https://example.com', 'https://evilexample.com/token'],
  ['another address', 'http://127.0.0.1:5000', 'http://127.0.0.2:5000/token'],
  ['a metadata service', 'https://registry.example.com', 'https://169.254.169.254/token'],
  ['the wrong way round of a pair', 'https://auth.other.example', 'https://registry.corp.example/token'],
  ['the wrong port of a pair', 'https://registry.corp.example', 'https://sso.other.example/token'],
])('%s is refused, and what to configure is said', (_what, registry, realm) => {
  const [from, to] = [new URL(registry).host, new URL(realm).host];
  expect(judge(registry, realm)).toBe(
    `has its token service at ${to}, on another domain; if that is right, add ${from}=${to} to upstreams.token_hosts`,
  );
});

test('a realm without https is refused for a registry with it, pair or not', () => {
  expect(judge('https://registry-1.docker.io', 'http://auth.docker.io/token')).toMatch(
    /without https, which is refused/,
  );
});

test.each([undefined, '', '/token', 'ftp://registry.example.com/', 'file:///etc/passwd'])(
  '%s is no realm',
  (realm) => {
    expect(judge('https://registry.example.com', realm)).toMatch(/no usable token service/);
  },
);

test('a user name in the realm is dropped', () => {
  expect(judge('https://ghcr.io', 'https://a:b@ghcr.io/token')).toBe('https://ghcr.io/token');
});
