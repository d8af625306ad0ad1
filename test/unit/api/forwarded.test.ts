import { describe, expect, test } from 'vitest';
import { externalUrlOf, TrustedProxies } from '../../../src/api/forwarded.ts';

describe('the address of the client', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', 'fd00::/8']);

  test.each([
    ['is the peer without proxies', '203.0.113.9', undefined, '203.0.113.9'],
    ['is not what an untrusted peer says', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is what a trusted proxy says', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is the last before the trusted ones', '10.0.0.1', '1.2.3.4, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['is the first where all are trusted', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['is the last that makes sense', '10.0.0.1', '198.51.100.1, nonsense, 10.0.0.2', '10.0.0.2'],
    ['is the proxy where it says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['is IPv4 over an IPv6 socket', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['may be IPv6', 'fd00::1', '2001:db8::7', '2001:db8::7'],
  ])('%s', (_, peer, forwarded, client) => {
    expect(proxies.clientAddress(peer, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })).toBe(
      client,
    );
  });

  test('is unknown where the socket is gone', () => {
    expect(proxies.clientAddress(undefined, {})).toBeUndefined();
  });

  test('is nobody to trust for an empty list', () => {
    expect(new TrustedProxies([]).trusts('127.0.0.1')).toBe(false);
  });
});

describe('the external URL', () => {
  const arrival = { isEncrypted: false, localAddress: '127.0.0.1', localPort: 5000 };
  const forwarded = {
    host: 'backend:5000',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'registry.example.com',
    'x-forwarded-port': '8443',
    'x-forwarded-prefix': '/registry/',
  };

  test.each([
    ['is the Host', { host: 'localhost:5000' }, true, 'http://localhost:5000'],
    ['is what a trusted proxy says', forwarded, true, 'https://registry.example.com:8443/registry'],
    ['is not what others say', forwarded, false, 'http://backend:5000'],
    [
      'has no default port',
      { ...forwarded, 'x-forwarded-port': '443' },
      true,
      'https://registry.example.com/registry',
    ],
    ['keeps a port of the host', { host: 'a:1', 'x-forwarded-port': '2' }, true, 'http://a:1'],
    ['takes the first of several', { host: 'a', 'x-forwarded-proto': 'https, http' }, true, 'https://a'],
    ['may be IPv6', { host: '[::1]:5000' }, true, 'http://[::1]:5000'],
    ['is the socket without a Host', {}, true, 'http://127.0.0.1:5000'],
    ['cannot break out of a header', { host: 'a"evil' }, true, 'http://127.0.0.1:5000'],
    ['has no prefix that is none', { host: 'a', 'x-forwarded-prefix': '/"x' }, true, 'http://a'],
  ])('%s', (_, headers, isTrusted, url) => {
    expect(externalUrlOf({ ...arrival, headers }, isTrusted)).toBe(url);
  });

  test('is https over TLS', () => {
    expect(externalUrlOf({ ...arrival, isEncrypted: true, headers: { host: 'a' } }, false)).toBe('https://a');
  });
});
