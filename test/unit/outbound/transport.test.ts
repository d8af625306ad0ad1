/** On real sockets: connections, and what is sent over them. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen, startLoopbackRegistry } from '../upstreams/loopback-registry.ts';
import { untrusted } from '../upstreams/untrusted-certificate.ts';
import { createTransport, get } from './kit.ts';

/** A registry whose answers are held, and how many of them a transport asks for at a time. */
async function startHolding() {
  const held: ServerResponse[] = [];
  const registry = await startLoopbackRegistry((_request, response) => held.push(response));
  return { ...registry, held };
}

async function listenTls(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a request says who asks, and that it wants the bytes as they are, whatever its headers', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const { url } = await startLoopbackRegistry(({ headers }, response) => {
    seen.push(headers);
    response.end();
  });
  const headers = { 'accept-encoding': 'gzip', range: 'bytes=1-' };
  await (await createTransport().request(get(url, { headers }))).read(0);
  expect(seen).toMatchObject([
    { 'user-agent': 'entrepot/test', 'accept-encoding': 'identity', range: 'bytes=1-' },
  ]);
});

test('an answer has the bytes as they came, whatever content coding they are labelled with', async () => {
  const { url } = await startLoopbackRegistry((_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
  });
  const answer = await createTransport().request(get(url));
  expect(answer.codings).toHaveLength(1);
  expect((await answer.read(1)).toString()).toBe('x');
});

test('a server with HTTP/2 alone is spoken to by it, at once from then on, with its own trust', async () => {
  const offers: string[] = [];
  const sessions: ServerHttp2Session[] = [];
  let sockets = 0;
  const server = createSecureServer(untrusted, (_request, response) => response.end('h2'));
  server.on('connection', () => {
    sockets += 1;
  });
  server.on('secureConnection', ({ alpnProtocol }) => offers.push(String(alpnProtocol)));
  server.on('session', (session) => sessions.push(session));
  const port = await listenTls(server);
  const host = { hostname: '127.0.0.1', clientCertificate: undefined, isVerified: false };
  const transport = createTransport({ trust: { authorities: [], host } });
  for (let n = 0; n < 2; n++) {
    const answer = await transport.request(get(`https://127.0.0.1:${port}`));
    expect(String(await answer.read(2))).toBe('h2');
    const closed = new Promise((resolve) => sessions[n]?.on('close', resolve));
    sessions[n]?.close();
    await closed;
  }
  expect(offers).toEqual(['h2', 'h2']);
  // One more that found out.
  expect(sockets).toBe(3);
});

test('a server that does not speak TLS is connected to once', async () => {
  let sockets = 0;
  const server = createPlainServer((socket) => {
    sockets += 1;
    socket.on('error', () => undefined).end('220 mail\r\n');
  });
  const port = await listenTls(server);
  await expect(createTransport().request(get(`https://127.0.0.1:${port}`))).rejects.toMatchObject({
    unreachable: true,
  });
  expect(sockets).toBe(1);
});

test('what has a deadline by its signal has none besides', async () => {
  const { url, held } = await startHolding();
  const asked = createTransport({ answerMs: 1 }).request(get(url));
  await expect.poll(() => held).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  held[0]?.end('late');
  expect(String(await (await asked).read(4))).toBe('late');
});

test('HTTP/1.1 alone is offered, and HTTP/2 beside it where the server takes no other', async () => {
  const offered: string[] = [];
  const ALPNCallback = ({ protocols }: { protocols: string[] }) => {
    offered.push(...protocols);
    return undefined;
  };
  const { port } = await listen(createTlsServer({ ...untrusted, ALPNCallback }));
  await expect(createTransport().request(get(`https://127.0.0.1:${port}`))).rejects.toMatchObject({
    unreachable: true,
  });
  expect(offered).toEqual(['http/1.1', 'http/1.1', 'h2']);
});

describe('a request whose connection is closed before an answer', () => {
  test('is sent once more, and no third time', async () => {
    const { url, requests } = await startLoopbackRegistry(({ socket }) => socket.destroy());
    await expect(createTransport().request(get(url))).rejects.toThrow('closed the connection');
    expect(requests).toHaveLength(2);
  });

  test('is sent once where it is a POST, with its body', async () => {
    const bodies: string[] = [];
    const { url, requests } = await startLoopbackRegistry((request) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => request.socket.destroy());
    });
    const post = get(url, { method: 'POST', body: 'a=b' });
    await expect(createTransport().request(post)).rejects.toThrow('closed the connection');
    expect([requests, bodies]).toEqual([['POST /'], ['a=b']]);
  });

  test('is not sent once more where the answer is late', async () => {
    const { url, requests } = await startLoopbackRegistry(() => {});
    await expect(createTransport({ firstByteMs: 50 }).request(get(url))).rejects.toMatchObject({
      limit: 'upstreams.first_byte_seconds',
    });
    expect(requests).toHaveLength(1);
  });
});

test('a hundred answers that are none yet are waited through, and no more', async () => {
  const interim = vi.fn(() => 100);
  const { url } = await startLoopbackRegistry((_request, response) => {
    for (let n = interim(); n > 0; n--) response.writeEarlyHints({ link: '</x>; rel=preload' });
    response.end();
  });
  expect((await createTransport().request(get(url))).status).toBe(200);
  interim.mockReturnValue(101);
  await expect(createTransport().request(get(url))).rejects.toMatchObject({ kind: 'invalid' });
});

describe('of the connections to an origin', () => {
  test.each([
    [8, 2, 6],
    [5, 1, 4],
    [2, 1, 1],
    [1, 1, 1],
  ])('%d are %d for what is short and %d for transfers', async (maxConnections, short, long) => {
    const { url, held, connections } = await startHolding();
    const transport = createTransport({ maxConnections });
    const ask = (isTransfer: boolean, method: 'GET' | 'HEAD') => {
      for (let n = 0; n < 2 * maxConnections; n++)
        void transport
          .request(get(url, { method, isTransfer, repository: `team/app${n}` }))
          .catch(() => undefined);
    };
    ask(false, 'HEAD');
    await expect.poll(() => held).toHaveLength(short);
    ask(true, 'GET');
    await expect.poll(() => held).toHaveLength(short + long);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([held.length, connections()]).toEqual([short + long, short + long]);
  });

  test('none is kept for a HEAD among transfers, and some are among what is short', async () => {
    const { url, held } = await startHolding();
    const transport = createTransport({ maxConnections: 16 });
    const ask = (method: 'GET' | 'HEAD', isTransfer: boolean, repository: string) =>
      void transport.request(get(url, { method, isTransfer, repository })).catch(() => undefined);
    for (let n = 0; n < 4; n++) ask('GET', false, `team/app${n}`);
    await expect.poll(() => held).toHaveLength(3);
    ask('HEAD', false, 'team/other');
    await expect.poll(() => held).toHaveLength(4);
    for (let n = 0; n < 13; n++) ask('GET', true, `team/app${n}`);
    await expect.poll(() => held).toHaveLength(16);
  });

  test('each is free again once its answer is over, and waited for no longer than may be', async () => {
    const { url, held } = await startHolding();
    const transport = createTransport({ maxConnections: 1, queueMs: 100 });
    const first = transport.request(get(url));
    await expect.poll(() => held).toHaveLength(1);
    await expect(transport.request(get(url))).rejects.toMatchObject({
      busy: true,
      limit: 'upstreams.queue_seconds',
    });
    held[0]?.end('x');
    await (await first).read(1);
    const second = transport.request(get(url));
    await expect.poll(() => held).toHaveLength(2);
    held[1]?.destroy();
    await expect.poll(() => held).toHaveLength(3);
    held[2]?.destroy();
    await expect(second).rejects.toThrow('closed the connection');
    const third = transport.request(get(url));
    await expect.poll(() => held).toHaveLength(4);
    held[3]?.end();
    expect((await third).status).toBe(200);
  });

  test('those to one origin are not those to another', async () => {
    const [one, other] = [await startHolding(), await startHolding()];
    const transport = createTransport({ maxConnections: 1 });
    for (const { url } of [one, other]) void transport.request(get(url)).catch(() => undefined);
    await expect.poll(() => [one.held.length, other.held.length]).toEqual([1, 1]);
  });
});

test('closing ends what is under way, short or long', async () => {
  const { url, held } = await startHolding();
  const transport = createTransport();
  const asked = [false, true].map((isTransfer) =>
    transport.request(get(url, { isTransfer })).catch((error: unknown) => error),
  );
  await expect.poll(() => held).toHaveLength(2);
  await transport.close();
  expect(await Promise.all(asked)).toMatchObject([{ kind: 'unavailable' }, { kind: 'unavailable' }]);
});

test('who leaves gets the reason, and the answer that comes all the same ends', async () => {
  const closed = vi.fn();
  const leaving = new AbortController();
  const { url } = await startLoopbackRegistry(({ socket }, response) => {
    socket.on('close', closed);
    leaving.abort(new Error('left'));
    response.write('x');
  });
  await expect(createTransport().request(get(url), leaving.signal)).rejects.toThrow('left');
  await expect.poll(() => closed).toHaveBeenCalled();
});

test('what is for one origin alone is sent there, and no more once that has sent us on', async () => {
  const seen: string[] = [];
  const note = (
    { headers, url }: { headers: IncomingHttpHeaders; url?: string | undefined },
    where: string,
  ) => seen.push(`${where} ${url} ${headers['x-key']} ${headers['user-agent']}`);
  const other = await startLoopbackRegistry((request, response) => {
    note(request, 'other');
    response.writeHead(307, { location: `${origin}/back` }).end();
  });
  const { url: origin } = await startLoopbackRegistry((request, response) => {
    note(request, 'own');
    const location = request.url === '/there' ? '/on' : `${other.url}/away`;
    if (request.url === '/back') response.end();
    else response.writeHead(307, { location }).end();
  });
  const headers = { 'x-key': 'secret', 'user-agent': 'mine' };
  const transport = createTransport({ originHeaders: { origin, headers } });
  await (await transport.request(get(`${origin}/there`))).read(0);
  await (await transport.request(get(`${other.url}/`))).read(0);
  expect(seen).toEqual([
    'own /there secret mine',
    'own /on secret mine',
    'other /away undefined entrepot/test',
    'own /back undefined entrepot/test',
    'other / undefined entrepot/test',
    'own /back undefined entrepot/test',
  ]);
});
