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
    ['has no port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['has no port as IPv6 either', '10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
  ])('%s', (_, peer, forwarded, client) => {
    expect(proxies.clientAddress(peer, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })).toBe(
      client,
    );
  });

  test.each([
    ['is what Forwarded says', 'for=198.51.100.1', '198.51.100.1'],
    ['may be quoted', 'For="198.51.100.1:4711"; proto=https', '198.51.100.1'],
    ['may be IPv6', 'proto=https;for="[2001:db8::7]:4711"', '2001:db8::7'],
    ['may have an obfuscated port', 'for="198.51.100.1:_port"', '198.51.100.1'],
    ['is the last before the trusted ones', 'for=1.2.3.4,for=198.51.100.1 , for=10.0.0.2', '198.51.100.1'],
    ['ends at one that is hidden', 'for=1.2.3.4, for=_hidden, for=10.0.0.2', '10.0.0.2'],
    ['ends at one that is unknown', 'for=1.2.3.4, for=unknown', '10.0.0.1'],
    ['ends at a proxy that says nothing', 'for=1.2.3.4, proto=https', '10.0.0.1'],
    ['has escapes', 'for="\\1\\98.51.100.1"', '198.51.100.1'],
    ['is not in a comma of a text', 'for=198.51.100.1;host="a,for=1.2.3.4"', '198.51.100.1'],
    ['is the proxy where the header is malformed', 'for=198.51.100.1;host="a', '10.0.0.1'],
    ['is the proxy where there is no header', '', '10.0.0.1'],
  ])('%s: %s', (_, header, client) => {
    expect(proxies.clientAddress('10.0.0.1', { forwarded: header })).toBe(client);
    expect(proxies.clientAddress('203.0.113.9', { forwarded: header })).toBe('203.0.113.9');
  });

  test('is what X-Forwarded-For says where both are there, and none of Forwarded is believed beside any X-Forwarded header', () => {
    const forwarded = 'for=1.2.3.4;host=invented.example.com;proto=https';
    const headers = { forwarded, 'x-forwarded-for': '198.51.100.1' };
    expect(proxies.clientAddress('10.0.0.1', headers)).toBe('198.51.100.1');
    expect(proxies.claims('10.0.0.1', headers)).toEqual({});
    expect(proxies.clientAddress('10.0.0.1', { forwarded, 'x-forwarded-proto': 'http' })).toBe('10.0.0.1');
  });

  test('costs no more than its header is long', () => {
    for (const part of ['"', ' ', '\\"', 'a=', ',', ';', 'a="\\']) {
      const before = process.cpuUsage();
      proxies.clientAddress('10.0.0.1', { forwarded: `for="${part.repeat(64 * 1024)}` });
      const { user } = process.cpuUsage(before);
      expect(user).toBeLessThan(1_000_000);
    }
  });

  test('is unknown where the socket is gone', () => {
    expect(proxies.clientAddress(undefined, {})).toBeUndefined();
  });

  test('is nobody to trust for an empty list', () => {
    expect(new TrustedProxies([]).trusts('127.0.0.1')).toBe(false);
  });
});

describe('the external URL', () => {
  const trusting = new TrustedProxies(['10.0.0.0/8']);
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
    ['has no host that is no name', { host: 'a'.repeat(254) }, true, 'http://127.0.0.1:5000'],
    ['has no prefix that is none', { host: 'a', 'x-forwarded-prefix': '/"x' }, true, 'http://a'],
  ])('%s', (_, headers, isTrusted, url) => {
    const claims = trusting.claims(isTrusted ? '10.0.0.1' : '203.0.113.9', headers);
    expect(externalUrlOf({ ...arrival, headers }, claims)).toBe(url);
  });

  test.each([
    ['for=198.51.100.1;proto=https;host=registry.example.com', 'https://registry.example.com'],
    ['host="registry.example.com:8443";PROTO=HTTPS', 'https://registry.example.com:8443'],
    ['for=198.51.100.1;host="[2001:db8::1]:5000"', 'http://[2001:db8::1]:5000'],
    ['for=_hidden;proto=https;host=a', 'https://a'],
    // What the proxy next to the client says, not what the client does, nor a proxy behind it.
    ['for=1.2.3.4;host=invented, for=198.51.100.1;host=a;proto=https, for=10.0.0.2;host=b', 'https://a'],
    ['for=198.51.100.1;host="a\\"b"', 'http://backend:5000'],
    ['proto=gopher', 'http://backend:5000'],
  ])('is what Forwarded says: %s', (forwarded, url) => {
    const headers = { host: 'backend:5000', forwarded };
    expect(externalUrlOf({ ...arrival, headers }, trusting.claims('10.0.0.1', headers))).toBe(url);
    const untrusted = trusting.claims('203.0.113.9', headers);
    expect(externalUrlOf({ ...arrival, headers }, untrusted)).toBe('http://backend:5000');
  });

  test('is https over TLS', () => {
    expect(externalUrlOf({ ...arrival, isEncrypted: true, headers: { host: 'a' } }, {})).toBe('https://a');
  });
});
