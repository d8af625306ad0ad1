import { expect, test } from 'vitest';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { parseRealm } from '../../../src/upstreams/realm.ts';

const tokenHosts = [
  'registry-1.docker.io=auth.docker.io',
  'registry.corp.example=sso.other.example:8443',
  'plain.example:5000=plain.example:5001',
  'Shop.Example:443=bücher.example:443',
  '[::1]:5000=[::1]:5001',
  '[::2]=[::3]',
  ' spaced.example = sso.other.example:8443 ',
  'registry.example.com',
];

function judge(registry: string, realm: string | undefined, isConfidential = true): string {
  try {
    return parseRealm(realm, new URL(registry), { tokenHost: 'sso.own.example', tokenHosts, isConfidential })
      .href;
  } catch (error) {
    if (error instanceof OutboundError && error.kind === 'invalid') return error.message;
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
  [
    'the same host at the port of https',
    'https://registry.example.com:5000',
    'https://registry.example.com/auth',
  ],
  ["the registry's own token host", 'https://registry.example.com', 'https://sso.own.example:8443/token'],
  ['a configured pair', 'https://registry-1.docker.io', 'https://auth.docker.io/token'],
  [
    'a configured pair with a port',
    'https://registry.corp.example:5000',
    'https://sso.other.example:8443/token',
  ],
  ['the same origin by http', 'http://127.0.0.1:5000', 'http://127.0.0.1:5000/token'],
  [
    "a configured pair of one host's ports by http",
    'http://plain.example:5000',
    'http://plain.example:5001/t',
  ],
  ['a configured pair of an address', 'http://[::1]:5000', 'http://[::1]:5001/token'],
  ['a configured pair of addresses at any port', 'http://[::2]:5000', 'http://[::3]:5001/token'],
  ['a pair with white space', 'https://spaced.example', 'https://sso.other.example:8443/token'],
  ['a pair written otherwise', 'https://shop.example', 'https://xn--bcher-kva.example/token'],
])('%s is let through, credentials or not', (_what, registry, realm) => {
  expect(judge(registry, realm)).toBe(realm);
  expect(judge(registry, realm, false)).toBe(realm);
});

test('the origin is compared as URLs are: without the own port of the scheme, in lower case, in Punycode', () => {
  expect(judge('http://Registry.Example:80', 'http://registry.example/t')).toBe('http://registry.example/t');
  expect(judge('http://bücher.example', 'http://XN--bcher-kva.example:80/t')).toBe(
    'http://xn--bcher-kva.example/t',
  );
});

test.each([
  ['http at another port of the host', 'http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
  ['http at another port of an address', 'http://[::2]:5000', 'http://[::2]:5001/token'],
  ['http at the own port of the scheme', 'http://127.0.0.1:5000', 'http://127.0.0.1/token'],
  ['http elsewhere in the domain', 'http://registry.example.com', 'http://auth.example.com/token'],
  ['https for a registry that is http', 'http://registry.example.com', 'https://auth.example.com/token'],
  ['https of the same host for http', 'http://registry.example.com', 'https://registry.example.com/token'],
  ['the same local host', 'http://localhost:5000', 'http://localhost:5001/token'],
  ['the host with a dot at its end', 'http://plain.example:5000', 'http://plain.example.:5001/token'],
])('%s gets no credentials, and what to configure is said', (_what, registry, realm) => {
  const [from, to] = [new URL(registry).host, new URL(realm).host];
  expect(judge(registry, realm)).toMatch(/where credentials are not sent|on another domain/);
  expect(judge(registry, realm)).toContain(`add ${from}=${to} to upstreams.token_hosts`);
  if (!to.endsWith('.:5001')) expect(judge(registry, realm, false)).toBe(realm);
});

test.each([
  ['another domain', 'https://registry.example.com', 'https://evil.example.org/token'],
  ['another name below a public suffix', 'https://registry.co.uk', 'https://evil.co.uk/token'],
  ["another customer's name below a private suffix", 'https://us.github.io', 'https://them.github.io/token'],
  ['a name that only ends alike', 'https://example.com', 'https://evilexample.com/token'],
  ['another address', 'http://127.0.0.1:5000', 'http://127.0.0.2:5000/token'],
  ['a metadata service', 'https://registry.example.com', 'https://169.254.169.254/token'],
  ['the wrong way round of a pair', 'https://auth.other.example', 'https://registry.corp.example/token'],
  ['the wrong port of a pair with white space', 'https://spaced.example', 'https://sso.other.example/token'],
  ['the wrong port of a pair', 'https://registry.corp.example', 'https://sso.other.example/token'],
])('%s is refused, and what to configure is said', (_what, registry, realm) => {
  const [from, to] = [new URL(registry).host, new URL(realm).host];
  expect(judge(registry, realm)).toBe(
    `has its token service at ${to}, on another domain; if that is right, give the upstream the token_host ${to}, or add ${from}=${to} to upstreams.token_hosts`,
  );
});

test('a realm without https is refused for a registry with it, pair or not', () => {
  expect(judge('https://registry-1.docker.io', 'http://auth.docker.io/token')).toMatch(
    /without https, which is refused/,
  );
});

test.each([undefined, '', 'https://', 'ftp://registry.example.com/', 'file:///etc/passwd'])(
  '%s is no realm',
  (realm) => {
    expect(judge('https://registry.example.com', realm)).toMatch(/no usable token service/);
  },
);

test('a user name in the realm is dropped, and what is never sent', () => {
  expect(judge('https://ghcr.io', 'https://a:b@ghcr.io/token#c')).toBe('https://ghcr.io/token');
});

test.each([
  ['/token', 'https://registry.example.com/token'],
  ['auth', 'https://registry.example.com/v2/auth'],
  ['//auth.example.com/token', 'https://auth.example.com/token'],
  ['?x=1', 'https://registry.example.com/v2/?x=1'],
])('a realm may be relative to the registry: %s', (realm, url) => {
  expect(judge('https://registry.example.com/v2/', realm)).toBe(url);
});

test.each([
  [
    'https://registry.example.com/v2/',
    'http://registry.example.com/token',
    'https://registry.example.com/token',
  ],
  ['https://reg.example.com:8443/v2/', 'http://reg.example.com/token', 'https://reg.example.com:8443/token'],
  ['https://reg.example.com/v2/', 'http://reg.example.com:5001/token', 'https://reg.example.com:5001/token'],
  ['https://reg.example.com/v2/', 'http://REG.example.com:443/token', 'https://reg.example.com/token'],
])(
  'of a registry with https (%s) a realm without it on the same host (%s) is asked by https',
  (registry, realm, url) => {
    expect(judge(registry, realm)).toBe(url);
    expect(judge(registry, realm, false)).toBe(url);
  },
);
