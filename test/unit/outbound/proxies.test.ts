/** Through a proxy on real sockets. registry.corp.test is known to the proxy alone. */
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFindProxy, type FindProxy, proxyHeaders } from '../../../src/outbound/proxies.ts';
import type { Transport } from '../../../src/outbound/transport.ts';
import { type Dial, dialProxy } from '../../../src/outbound/tunnel.ts';
import { pair, pem } from '../../support/certificates.ts';
import { HttpProxy, type HttpProxyOptions } from '../../support/http-proxy.ts';
import { listen, startLoopbackRegistry } from '../upstreams/loopback-registry.ts';
import { createTransport, get } from './kit.ts';

const trust = { authorities: [pem('authority.crt')] };

function findProxyAt(url: string, noProxy: readonly string[] = []): FindProxy {
  const proxy = { url: new URL(url), setting: 'outbound.https_proxy' };
  return createFindProxy({ https: proxy, http: proxy, noProxy });
}

/** A registry with and without TLS, and a proxy that finds it by any name. */
async function start(options: HttpProxyOptions = {}) {
  const seen: (string | undefined)[] = [];
  const plain = await startLoopbackRegistry(({ headers }, response) => {
    seen.push(headers.host, headers['proxy-authorization']);
    response.end('plain');
  });
  const tls = await listen(createTlsServer(pair('server'), (_request, response) => void response.end('tls')));
  const route = (authority: string) => {
    const port = authority.endsWith(':443') ? tls.port : Number(authority.split(':')[1] ?? plain.port);
    return { host: '127.0.0.1', port };
  };
  const proxy = await HttpProxy.start({ route, ...options });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { plain, tls, proxy, seen };
}

async function read(transport: Transport, url: string): Promise<string> {
  return String(await (await transport.request(get(url))).read(100));
}

describe('through a proxy', () => {
  test('https is tunnelled, and the certificate is that of the registry', async () => {
    const { proxy } = await start();
    const findProxy = findProxyAt(proxy.url());
    const transport = createTransport({ findProxy, trust, allowedNetworks: [], maxConnections: 1 });
    expect(await read(transport, 'https://registry.corp.test/v2/')).toBe('tls');
    expect(await read(transport, 'https://registry.corp.test/v2/')).toBe('tls');
    expect(proxy.requests).toEqual(['CONNECT registry.corp.test:443']);
    await expect(transport.request(get('https://other.corp.test/'))).rejects.toThrow('for other host names');
  });

  test('http is asked for by the whole URL, over connections that are kept', async () => {
    const { proxy, seen, plain } = await start();
    const transport = createTransport({ findProxy: findProxyAt(proxy.url()), allowedNetworks: [] });
    expect(await read(transport, 'http://registry.corp.test/v2/?n=1')).toBe('plain');
    expect(await read(transport, `http://registry.corp.test:${plain.port}/v2/`)).toBe('plain');
    expect(proxy.requests).toEqual([
      'GET http://registry.corp.test/v2/?n=1',
      `GET http://registry.corp.test:${plain.port}/v2/`,
    ]);
    expect(seen).toEqual(['registry.corp.test', undefined, `registry.corp.test:${plain.port}`, undefined]);
  });

  test('that speaks TLS itself, of an authority that is known', async () => {
    const { proxy } = await start({ tls: pair('server') });
    const findProxy = findProxyAt(proxy.url());
    const transport = createTransport({ findProxy, trust });
    expect(await read(transport, 'https://registry.corp.test/')).toBe('tls');
    expect(await read(transport, 'http://registry.corp.test/')).toBe('plain');
    await expect(createTransport({ findProxy }).request(get('https://registry.corp.test/'))).rejects.toThrow(
      /^was not reached: the proxy \S+ \(outbound.https_proxy\) has a certificate of an authority/,
    );
  });

  test.each(['robot:s%40cret', 'robot:', 's%40cret'])(
    'it is told the login %s, and no registry is',
    async (login) => {
      const [user = '', password = ''] = decodeURIComponent(login).split(':');
      const { proxy, seen } = await start({ login: `${user}:${password}` });
      const transport = createTransport({ findProxy: findProxyAt(proxy.url(login)), trust });
      expect(await read(transport, 'https://registry.corp.test/')).toBe('tls');
      expect(await read(transport, 'http://registry.corp.test/')).toBe('plain');
      expect(seen).toEqual(['registry.corp.test', undefined]);
    },
  );

  test.each(['http://proxy.corp.test', 'http://proxy.corp.test:3128/'])(
    'it is told no login where %s has none',
    (url) => {
      expect(proxyHeaders({ url: new URL(url), setting: 'x' })).toEqual({});
    },
  );

  test('hosts that need none are asked without it', async () => {
    const { proxy, plain } = await start();
    const transport = createTransport({ findProxy: findProxyAt(proxy.url(), ['127.0.0.1']) });
    expect(await read(transport, plain.url)).toBe('plain');
    expect(proxy.requests).toEqual([]);
  });

  test('each scheme has its own', async () => {
    const { proxy } = await start();
    const https = { url: new URL(proxy.url()), setting: 'outbound.https_proxy' };
    const findProxy = createFindProxy({ https, http: undefined, noProxy: [] });
    expect(findProxy(new URL('https://registry.corp.test'))).toBe(https);
    expect(findProxy(new URL('http://registry.corp.test'))).toBeUndefined();
    expect(createFindProxy({ https: undefined, http: https, noProxy: [] })(new URL('http://x'))).toBe(https);
  });
});

describe('what a proxy does not let through is told with what to do', () => {
  test.each([
    ['robot:wrong', 'refused its user or password (407)'],
    [undefined, 'wants a login (407); give it as user:password@ before its host'],
  ])('the login %s', async (login, text) => {
    const { proxy } = await start({ login: 'robot:secret' });
    const transport = createTransport({ findProxy: findProxyAt(proxy.url(login)), trust });
    for (const url of ['https://registry.corp.test/', 'http://registry.corp.test/']) {
      const message = `was not reached: the proxy ${proxy.host} (outbound.https_proxy) ${text}`;
      await expect(transport.request(get(url))).rejects.toMatchObject({ message, unreachable: true });
    }
  });

  test.each([
    [403, 'would not connect to it (403); allow it there, or name the host in NO_PROXY'],
    [503, 'would not connect to it (503)'],
    [300, 'would not connect to it (300)'],
    [302, 'would not connect to it (302)'],
    [401, 'wants a login (401); give it as user:password@ before its host'],
  ])('by a status %d', async (connectStatus, text) => {
    const { proxy } = await start({ connectStatus });
    const transport = createTransport({ findProxy: findProxyAt(proxy.url()) });
    await expect(transport.request(get('https://registry.corp.test/'))).rejects.toMatchObject({
      message: `was not reached: the proxy ${proxy.host} (outbound.https_proxy) ${text}`,
      kind: 'unavailable',
      unreachable: true,
      timedOut: false,
    });
  });

  test.each([
    [400, 'x-squid-error', 'ERR_INVALID_URL 0'],
    [403, 'server', 'tinyproxy/1.11.1'],
    [403, 'proxy-status', 'proxy.corp; error=http_request_denied'],
    [502, 'proxy-status', 'proxy.corp;  error=destination_unavailable'],
    [504, 'proxy-status', 'proxy.corp;error=connection_timeout'],
  ])('by its own answer %d to http, which says so by %s', async (status, name, value) => {
    const proxy = await startLoopbackRegistry((_request, response) => {
      response.writeHead(status, { [name]: value }).end('no');
    });
    const transport = createTransport({ findProxy: findProxyAt(proxy.url) });
    await expect(transport.request(get('http://registry.corp.test/'))).rejects.toThrow(
      `would not connect to it (${status})`,
    );
  });

  test('but not by an answer that is the registry’s', async () => {
    const statuses: [number, string, string][] = [
      [200, 'proxy-status', 'proxy.corp; error=x'],
      [403, 'proxy-status', 'proxy.corp; received-status=403'],
      [403, 'server', 'no tinyproxy/1'],
    ];
    for (const [status, name, value] of statuses) {
      const proxy = await startLoopbackRegistry((_request, response) => {
        response.writeHead(status, { [name]: value }).end();
      });
      const transport = createTransport({ findProxy: findProxyAt(proxy.url) });
      const answer = await transport.request(get('http://registry.corp.test/'));
      expect(answer.status).toBe(status);
      answer.discard();
    }
  });

  test('where it does not answer in time', async () => {
    const { proxy } = await start({ connectStatus: 0 });
    const transport = createTransport({ findProxy: findProxyAt(proxy.url()), connectMs: 100 });
    await expect(transport.request(get('https://registry.corp.test/'))).rejects.toMatchObject({
      message: expect.stringMatching(/did not begin to answer in time \(upstreams.connect_seconds\)$/),
      timedOut: true,
      unreachable: true,
    });
  });

  test.each(['https', 'http'])('where it is not there, for %s', async (scheme) => {
    const findProxy = findProxyAt('http://robot:secret@127.0.0.1:1');
    const transport = createTransport({ findProxy });
    await expect(transport.request(get(`${scheme}://registry.corp.test/`))).rejects.toMatchObject({
      message: 'was not reached: the proxy 127.0.0.1:1 (outbound.https_proxy) refused the connection',
      unreachable: true,
      timedOut: false,
    });
  });

  test('where it is no proxy', async () => {
    const server = createTcpServer((socket) => void socket.on('error', () => {}).end('220 mail\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const transport = createTransport({ findProxy: findProxyAt(`http://127.0.0.1:${port}`) });
    await expect(transport.request(get('https://registry.corp.test/'))).rejects.toThrow(
      `was not reached: the proxy 127.0.0.1:${port} (outbound.https_proxy)`,
    );
  });
});

test('a proxy may be anywhere, by whatever name or address', async () => {
  const { proxy } = await start();
  const findProxy = findProxyAt(proxy.url().replace('127.0.0.1', 'localhost'));
  const transport = createTransport({ findProxy, trust, allowedNetworks: [] });
  expect(await read(transport, 'https://registry.corp.test/')).toBe('tls');
  expect(await read(transport, 'http://registry.corp.test/')).toBe('plain');
});

test('a proxy at an IPv6 address is dialled there, and its faults are its own', async () => {
  const dialled: unknown[] = [];
  const proxy = { url: new URL('http://[::1]:3128'), setting: 'outbound.https_proxy' };
  const cause = Object.assign(new Error(), { code: 'UND_ERR_CONNECT_TIMEOUT' });
  const dial: Dial = (target) => {
    dialled.push(target);
    return Promise.reject(cause);
  };
  await expect(dialProxy(proxy, dial)).rejects.toMatchObject({
    message: expect.stringMatching(
      /^was not reached: the proxy \[::1\]:3128 \(outbound.https_proxy\) could not/,
    ),
    timedOut: true,
    cause,
  });
  expect(dialled).toEqual([{ protocol: 'http:', host: '[::1]:3128', hostname: '::1', port: '3128' }]);
});

test('without a proxy it is the address that counts, and no name', async () => {
  const { url } = await startLoopbackRegistry((_request, response) => response.end('here'));
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const transport = createTransport({ resolve });
  expect(await read(transport, url.replace('127.0.0.1', 'metadata.google.internal'))).toBe('here');
});

describe('behind a proxy, which looks names up itself,', () => {
  test.each([
    'https://127.0.0.2/',
    'http://0x7f.2/',
    'https://[::ffff:127.0.0.2]/',
    'https://[::1]/',
    'https://169.254.169.254/',
    'http://localhost/',
    'https://registry.LOCALHOST./',
    'http://metadata.google.internal/',
    'http://metadata/',
  ])('%s is refused, and no connection made', async (url) => {
    const { proxy } = await start();
    const transport = createTransport({ findProxy: findProxyAt(proxy.url()), allowedNetworks: [] });
    await expect(transport.request(get(url))).rejects.toMatchObject({
      message: expect.stringContaining('allow it with upstreams.allowed_networks'),
      unreachable: true,
    });
    expect(proxy.requests).toEqual([]);
  });

  test('what is allowed is not', async () => {
    const { proxy } = await start();
    const transport = createTransport({ findProxy: findProxyAt(proxy.url()) });
    expect(await read(transport, 'http://localhost/')).toBe('plain');
  });
});
