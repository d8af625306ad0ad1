/** On real sockets: whose certificates are believed, and to whom ours are shown. */
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFindProxy } from '../../../src/outbound/proxies.ts';
import type { Transport } from '../../../src/outbound/transport.ts';
import { pair, pem } from '../../support/certificates.ts';
import { HttpProxy } from '../../support/http-proxy.ts';
import { listen } from '../upstreams/loopback-registry.ts';
import { createTransport, get } from './kit.ts';

const authority = pem('authority.crt');
const clientCertificate = { certificate: pem('client.crt'), key: pem('client.key') };
const resolve = async () => [{ address: '127.0.0.1', family: 4 }];

/** Answers with the name in the client's certificate. @returns its port */
async function startTls(certificate = 'server', more: object = {}): Promise<number> {
  const server = createServer({ ...pair(certificate), ...more }, ({ socket }, response) => {
    const { subject } = (socket as TLSSocket).getPeerCertificate();
    response.end(subject?.CN ?? 'nobody');
  });
  return (await listen(server)).port;
}

async function ask(transport: Transport, url: string): Promise<string> {
  return String(await (await transport.request(get(url))).read(100));
}

describe('a registry', () => {
  test('whose authority is known is spoken to, and no other', async () => {
    const url = `https://127.0.0.1:${await startTls()}`;
    expect(await ask(createTransport({ trust: { authorities: [authority] } }), url)).toBe('nobody');
    await expect(ask(createTransport(), url)).rejects.toThrow('authority that is not known here');
    const other = createTransport({ trust: { authorities: [pem('intermediate.crt')] } });
    await expect(ask(other, url)).rejects.toThrow('authority that is not known here');
  });

  test('is spoken to where the authority in between is known, or the certificate itself', async () => {
    const url = `https://127.0.0.1:${await startTls('issued')}`;
    for (const known of ['intermediate.crt', 'issued.crt'])
      expect(await ask(createTransport({ trust: { authorities: [pem(known)] } }), url)).toBe('nobody');
    const root = createTransport({ trust: { authorities: [authority] } });
    await expect(ask(root, url)).rejects.toThrow('authority that is not known here');
  });

  test.each([
    ['expired', 'has expired'],
    ['elsewhere', 'for other host names'],
  ])('with the certificate %s is not', async (certificate, text) => {
    const transport = createTransport({ trust: { authorities: [authority] } });
    await expect(ask(transport, `https://127.0.0.1:${await startTls(certificate)}`)).rejects.toThrow(text);
  });
});

describe('what holds for one host', () => {
  const wanting = { ca: authority, requestCert: true };

  test('its client certificate is shown there, and to no other', async () => {
    const required = await startTls('server', wanting);
    const host = { hostname: 'registry.corp.test', clientCertificate, isVerified: true };
    const transport = createTransport({ resolve, trust: { authorities: [authority], host } });
    expect(await ask(transport, `https://registry.corp.test:${required}`)).toBe('entrepot');
    const lenient = await startTls('server', { ...wanting, rejectUnauthorized: false });
    expect(await ask(transport, `https://registry.corp.test:${lenient}`)).toBe('entrepot');
    expect(await ask(transport, `https://localhost:${lenient}`)).toBe('nobody');
  });

  test('its certificate is not looked at where that is said, and that of any other is', async () => {
    const port = await startTls();
    const host = { hostname: 'registry.corp.test', clientCertificate: undefined, isVerified: false };
    const transport = createTransport({ resolve, trust: { authorities: [], host } });
    expect(await ask(transport, `https://registry.corp.test:${port}`)).toBe('nobody');
    await expect(ask(transport, `https://localhost:${port}`)).rejects.toThrow('authority that is not known');
  });

  test.each(['TLSv1.2', 'TLSv1.3'])(
    'where it wants a client certificate in %s, that is told',
    async (maxVersion) => {
      const url = `https://127.0.0.1:${await startTls('server', { ...wanting, maxVersion })}`;
      const transport = createTransport({ trust: { authorities: [authority] } });
      await expect(ask(transport, url)).rejects.toMatchObject({
        message: expect.stringMatching(/wants? a client certificate/),
        unreachable: true,
      });
    },
  );

  test('a key that belongs to another certificate is told, not thrown', async () => {
    const mixed = { certificate: pem('client.crt'), key: pem('server.key') };
    const host = { hostname: '127.0.0.1', clientCertificate: mixed, isVerified: true };
    const transport = createTransport({ trust: { authorities: [], host } });
    await expect(ask(transport, `https://127.0.0.1:${await startTls()}`)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('ERR_OSSL_X509_KEY_VALUES_MISMATCH'),
    });
  });
});

describe('a registry that has HTTP/2 alone', () => {
  async function startHttp2() {
    const server = createSecureServer(pair('server'));
    let sessions = 0;
    server.on('session', () => {
      sessions += 1;
    });
    server.on('request', ({ httpVersion }, response) => void response.end(httpVersion));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return { port: typeof address === 'object' ? address?.port : 0, sessions: () => sessions };
  }
  const trust = { authorities: [authority] };

  test('is spoken to in it', async () => {
    const { port, sessions } = await startHttp2();
    const transport = createTransport({ trust });
    for (let n = 0; n < 3; n++) expect(await ask(transport, `https://127.0.0.1:${port}`)).toBe('2.0');
    expect(sessions()).toBe(1);
  });

  test('through a proxy too', async () => {
    const { port } = await startHttp2();
    const proxy = await HttpProxy.start();
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const https = { url: new URL(proxy.url()), setting: 'outbound.https_proxy' };
    const findProxy = createFindProxy({ https, http: undefined, noProxy: [] });
    const transport = createTransport({ trust, findProxy });
    expect(await ask(transport, `https://127.0.0.1:${port}`)).toBe('2.0');
    expect(proxy.requests).toEqual([`CONNECT 127.0.0.1:${port}`, `CONNECT 127.0.0.1:${port}`]);
  });
});

test('a registry with both is asked in HTTP/1.1', async () => {
  const server = createSecureServer({ ...pair('server'), allowHTTP1: true });
  server.on('request', ({ httpVersion }, response) => void response.end(httpVersion));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  expect(
    await ask(createTransport({ trust: { authorities: [authority] } }), `https://127.0.0.1:${port}`),
  ).toBe('1.1');
});
