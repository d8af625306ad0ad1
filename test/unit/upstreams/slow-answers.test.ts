/** On real sockets: upstreams that go on sending a little, for ever. However they do it, they are given up, by a limit that is named. */
import { createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { UpstreamOptions } from '../../../src/upstreams/registry.ts';
import type { RemoteUpstream } from '../../../src/upstreams/remote-upstream.ts';
import { testConnection } from '../../../src/upstreams/test-connection.ts';
import { createKit, image, type Kit, latest, optionsOf, settingsOf } from './kit.ts';
import { startLoopbackRegistry } from './loopback-registry.ts';

const digest = digestOf(Buffer.from('blob'));
const allowedNetworks = ['127.0.0.1/32'];
const kits: Kit[] = [];
const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

function kitFor(url: string, options: Partial<UpstreamOptions> = {}): Kit {
  const kit = createKit({ url }, { allowedNetworks, ...options });
  kits.push(kit);
  return kit;
}

afterEach(async () => {
  for (const { upstream } of kits.splice(0)) await upstream.close();
});

/** Answers each connection with `first`, and then with `drop` every few milliseconds. Ends with the test. */
async function startDripping(first: string, drop: string) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let timer: NodeJS.Timeout | undefined;
    socket.once('data', () => {
      socket.write(first);
      timer = setInterval(() => socket.write(drop), 5);
    });
    socket.on('close', () => {
      clearInterval(timer);
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, sockets };
}

const answerLimit = 'upstreams.answer_seconds';
const ways = [
  [
    'a manifest',
    `${head}content-length: 4000\r\n\r\n`,
    'x',
    answerLimit,
    (it: RemoteUpstream) => it.getManifest(image, latest),
  ],
  [
    'a manifest without a length',
    `${head}\r\n`,
    'x',
    answerLimit,
    (it: RemoteUpstream) => it.getManifest(image, latest),
  ],
  [
    'the head of a manifest',
    head,
    'x: y\r\n',
    answerLimit,
    (it: RemoteUpstream) => it.getManifest(image, latest),
  ],
  [
    'the head of a HEAD',
    head,
    'x: y\r\n',
    'upstreams.probe_seconds',
    (it: RemoteUpstream) => it.headManifest(image, latest),
  ],
  [
    'the head of the HEAD of a blob',
    head,
    'x: y\r\n',
    answerLimit,
    (it: RemoteUpstream) => it.headBlob(image, digest),
  ],
  [
    'the head of a blob',
    head,
    'x: y\r\n',
    answerLimit,
    (it: RemoteUpstream) => it.openBlob(image, digest, { start: 0 }),
  ],
  [
    'answers that are none yet',
    '',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    answerLimit,
    (it: RemoteUpstream) => it.getManifest(image, latest),
  ],
  [
    'a list of tags',
    `${head}content-length: 4000\r\n\r\n`,
    ' ',
    answerLimit,
    (it: RemoteUpstream) => it.listTags(image),
  ],
  [
    'a list of referrers',
    `${head}content-length: 4000\r\n\r\n`,
    ' ',
    answerLimit,
    (it: RemoteUpstream) => it.listReferrers(image, digest),
  ],
] as const;

describe('an upstream that drips', () => {
  test.each(ways)('%s is given up', async (_what, first, drop, limit, ask) => {
    const { url, sockets } = await startDripping(first, drop);
    const { upstream, observer, log } = kitFor(url, {
      answerMs: 100,
      probeMs: 100,
      idleMs: 60_000,
      firstByteMs: 60_000,
    });
    await expect(ask(upstream)).rejects.toMatchObject({
      kind: 'unavailable',
      timedOut: true,
      busy: false,
      limit,
    });
    await vi.waitFor(() => expect(sockets.size).toBe(0), 30_000);
    expect(observer.timeOuts).toEqual([limit]);
    expect(log.lines.join()).toMatch(`"upstream":7,"name":"seven","limit":"${limit}"`);
  });

  test('page after page of a list is given up', async () => {
    const link = (n: number) => ({ link: `</v2/team/app/tags/list?n=1000&last=${n}>; rel="next"` });
    const { url, requests } = await startLoopbackRegistry((_request, response) => {
      setTimeout(() => response.writeHead(200, link(requests.length)).end('{"tags":["a"]}'), 20);
    });
    await expect(kitFor(url, { listMs: 100 }).upstream.listTags(image)).rejects.toMatchObject({
      limit: 'upstreams.list_seconds',
    });
  });

  test('its token is given up, and everyone who waits for it', async () => {
    const tokens = await startDripping(`${head}content-length: 4000\r\n\r\n`, ' ');
    const challenge = `WWW-Authenticate: Bearer realm="${tokens.url}/token",service="x"`;
    const registry = await startDripping(
      `HTTP/1.1 401 Unauthorized\r\n${challenge}\r\ncontent-length: 0\r\n\r\n`,
      '',
    );
    const { upstream } = kitFor(registry.url, { answerMs: 100 });
    const asked = [
      upstream.listTags(image),
      upstream.getManifest(image, latest),
      upstream.openBlob(image, digest, { start: 0 }),
    ].map((each) => each.catch((error) => error.limit));
    expect(await Promise.all(asked)).toEqual([answerLimit, answerLimit, answerLimit]);
    await vi.waitFor(() => expect(tokens.sockets.size).toBe(0), 30_000);
  });

  test('the bodies of redirects holds up nobody', async () => {
    const { url } = await startDripping(
      'HTTP/1.1 307 Temporary Redirect\r\nlocation: /again\r\ncontent-length: 4000\r\n\r\n',
      'x',
    );
    const { upstream } = kitFor(url, { maxConnections: 64 });
    await expect(upstream.getManifest(image, latest)).rejects.toThrow('redirected more than 5 times');
  });

  test('a test of the connection ends in the documented words', async () => {
    const { url } = await startDripping(head, 'x: y\r\n');
    const options = optionsOf({ allowedNetworks, answerMs: 100 });
    expect(await testConnection(settingsOf({ url }), 'a/manifests/b', options)).toEqual({
      success: false,
      result: 'Error: Connection timeout',
    });
  });
});

test('an upstream that sends 1xx without end is given up at once', async () => {
  const { url, sockets } = await startDripping('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000));
  const { upstream } = kitFor(url);
  await expect(upstream.getManifest(image, latest)).rejects.toMatchObject({
    kind: 'invalid',
    message: 'sent more than 100 answers that are none yet',
  });
  await vi.waitFor(() => expect(sockets.size).toBe(0), 30_000);
});

describe('connections to an upstream that drips', () => {
  test('are free again for others as soon as who asked has left', async () => {
    const { url, sockets } = await startDripping(`${head}content-length: 4000\r\n\r\n`, 'x');
    const { upstream } = kitFor(url, { maxConnections: 4, answerMs: 60_000 });
    const leaving = new AbortController();
    const slow = upstream.getManifest(image, latest, leaving.signal).catch((error: unknown) => error);
    await vi.waitFor(() => expect(sockets.size).toBe(1), 30_000);
    const [first] = sockets;
    const next = upstream.getManifest(image, latest).catch((error: unknown) => error);
    leaving.abort('left');
    expect(await slow).toBe('left');
    await vi.waitFor(() => expect([sockets.size, sockets.has(first as Socket)]).toEqual([1, false]), 30_000);
    await upstream.close();
    expect(await next).toMatchObject({ kind: 'unavailable' });
  });

  test('are not waited for by who has left: the answer comes at once though none was free', async () => {
    const { url, sockets } = await startDripping(`${head}content-length: 4000\r\n\r\n`, 'x');
    const { upstream, observer } = kitFor(url, {
      maxConnections: 4,
      answerMs: 60_000,
      probeMs: 100,
      breakerFailures: 1,
    });
    const slow = upstream.getManifest(image, latest).catch(() => {});
    await vi.waitFor(() => expect(sockets.size).toBe(1), 30_000);
    const late = upstream.headManifest(image, latest);
    await expect(late).rejects.toMatchObject({ busy: true, limit: 'upstreams.probe_seconds' });
    // That none was free for a request says nothing about the upstream.
    expect(observer.breakers).toEqual([]);
    await upstream.close();
    await slow;
  });
});

test('a blob that is too slow is broken off, and one whose reader is slow is not', async () => {
  const { url, sockets } = await startDripping(`${head}content-length: 40000\r\n\r\n`, '');
  const { upstream, clock } = kitFor(url, { idleMs: 60_000, minBytesPerSecond: 1024 });
  const { body } = await upstream.openBlob(image, digest, { start: 0 });
  const chunks = body[Symbol.asyncIterator]();
  const arrive = async (bytes: number, afterMs: number) => {
    const next = chunks.next();
    clock.ms += afterMs;
    for (const socket of sockets) socket.write('x'.repeat(bytes));
    return (await next).value?.length;
  };
  expect(await arrive(5, 1000)).toBe(5);
  clock.ms += 3_600_000;
  expect(await arrive(5, 1000)).toBe(5);
  expect(await arrive(1, 57_000)).toBe(1);
  await expect(arrive(1, 1000)).rejects.toMatchObject({
    limit: 'upstreams.min_bytes_per_second',
    message: 'sent 12 bytes in 60 s (upstreams.min_bytes_per_second)',
  });
});
