import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Patience } from '../../../../src/api/server/doorkeeper.ts';
import { Listener, type ListenerOptions } from '../../../../src/api/server/server.ts';
import { KeptLog } from '../registry/registry-server.ts';

const fixtures = resolve(import.meta.dirname, '../../../fixtures/tls');
const otherKey = readFileSync(join(fixtures, 'second.key'), 'utf8');
const log = new KeptLog();

function open(
  handler: RequestListener,
  shutdownMs = 5000,
  options: Partial<ListenerOptions> = {},
): Promise<Listener> {
  return Listener.open({ address: '127.0.0.1:0', handler, shutdownMs, log, ...options });
}

function dial({ url }: Listener): Socket {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
  socket.on('error', () => undefined);
  return socket.setEncoding('latin1');
}

/** All that comes until the server closes the connection. */
async function exchange(listener: Listener, sent: string): Promise<string> {
  const socket = dial(listener);
  socket.write(sent, 'latin1');
  let received = '';
  socket.on('data', (text) => {
    received += text;
  });
  await new Promise((done) => socket.once('close', done));
  return received;
}

function answerOf(received: string): { status: number; errors: { code: string; message: string }[] } {
  const [head = '', body = ''] = received.split('\r\n\r\n');
  expect(head).toMatch(/^content-type: application\/json\r?$/im);
  return { status: Number(head.slice(9, 12)), ...JSON.parse(body) };
}

describe('a listener that closes', () => {
  test('says where it listens, and refuses an address that is taken', async () => {
    const listener = await open((_, response) => response.end('ok'));
    expect(listener.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    const address = new URL(listener.url).host;
    const other = Listener.open({ address, handler: () => undefined, shutdownMs: 0, log });
    await expect(other).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await listener.close();
    await expect(fetch(listener.url)).rejects.toThrow('fetch failed');
  });

  test('lets a transfer end', async () => {
    let answer: ServerResponse | undefined;
    const listener = await open((_, response) => {
      answer = response;
      response.write('first ');
    });
    const transfer = await fetch(listener.url);
    const closing = listener.close();
    setTimeout(() => answer?.end('last'), 100);
    expect(await transfer.text()).toBe('first last');
    await closing;
  });

  test('waits neither for connections that ask for nothing nor for ones that may ask again', async () => {
    const listener = await open((_, response) => response.end('ok'));
    const port = Number(new URL(listener.url).port);
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((done) => silent.once('connect', done));
    await (await fetch(listener.url)).text();
    await listener.close();
    silent.destroy();
  });

  test('cuts what takes longer than the limit', async () => {
    const listener = await open((_, response) => response.write('for ever'), 100);
    const transfer = await fetch(listener.url);
    await listener.close();
    await expect(transfer.text()).rejects.toThrow('terminated');
  });
});

describe('TLS', () => {
  let directory = '';
  const files = () => ({ certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entrepot-tls-'));
    await install('first');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function install(name: string): Promise<void> {
    await copyFile(join(fixtures, `${name}.key`), files().key);
    await copyFile(join(fixtures, `${name}.crt`), files().certificate);
  }

  /** Whose certificate a new connection is shown. */
  function subjectAt(url: string): Promise<string | undefined> {
    return new Promise((done, reject) => {
      const port = Number(new URL(url).port);
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        done([socket.getPeerCertificate().subject.CN].flat()[0]);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  function openTls(patience: Partial<Patience> = {}): Promise<Listener> {
    const handler: RequestListener = (_, response) => response.end('ok');
    return Listener.open({
      address: '127.0.0.1:0',
      tls: files(),
      handler,
      shutdownMs: 100,
      log,
      patience,
      tlsIntervalMs: 20,
    });
  }

  test('a new certificate is used without a restart, and a bad one is not', async () => {
    const listener = await openTls();
    expect(listener.url).toMatch(/^https:/);
    expect(await subjectAt(listener.url)).toBe('first');
    await install('second');
    await expect.poll(() => subjectAt(listener.url)).toBe('second');
    log.lines.splice(0);
    await writeFile(files().certificate, 'no certificate');
    await expect.poll(() => log.lines.map(({ message }) => message)).toContain('new certificate not used');
    expect(await subjectAt(listener.url)).toBe('second');
    await listener.close();
  });

  test.each([
    ['certificate', 'no certificate', 'has no certificate in PEM'],
    ['key', 'no key', 'has no private key in PEM'],
    ['key', otherKey, 'is not the key of'],
  ] as const)('a %s that is no good stops the start, which says so', async (file, text, message) => {
    await writeFile(files()[file], text);
    await expect(openTls()).rejects.toMatchObject({ file, message: expect.stringContaining(message) });
  });

  test('plain HTTP on it is told to use TLS, and the log says so', async () => {
    const listener = await openTls();
    log.lines.splice(0);
    const answer = await exchange(listener, 'GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 400 .*"this port speaks TLS.*https:\/\//s);
    expect(log.lines).toMatchObject([
      { level: 'warn', fields: { reason: expect.stringContaining('https://'), address: '127.0.0.1' } },
    ]);
    await listener.close();
  });

  test('what begins as TLS and is none ends with an alert, and a line', async () => {
    const listener = await openTls();
    log.lines.splice(0);
    const received = await exchange(listener, '\x16\x03\x01\x00\x05hello');
    expect(received.startsWith('\x15')).toBe(true);
    expect(log.lines).toMatchObject([{ message: 'a TLS handshake failed' }]);
    await listener.close();
  });

  test('a handshake that does not go on ends', async () => {
    const listener = await openTls({ headerMs: 50 });
    expect(await exchange(listener, '')).toBe('');
    expect(await exchange(listener, '\x16\x03')).toBe('');
    await listener.close();
  });
});

describe('what is no request is answered in the shape of /v2 and closed', () => {
  const host = 'Host: a\r\n';
  test.each([
    ['no HTTP', 400, 'hello\r\n\r\n', /not HTTP\/1.1/],
    ['an unknown method', 400, `FETCH / HTTP/1.1\r\n${host}\r\n`, /method/],
    ['a character that no header has', 400, `GET / HTTP/1.1\r\n${host}a: \x01\r\n\r\n`, /header/],
    ['two lengths', 400, `PUT / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, /./],
    ['no Host', 400, 'GET / HTTP/1.1\r\n\r\n', /Host/],
    [
      'a chunk of no size',
      400,
      `PUT / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      /chunk/,
    ],
    ['TLS', 400, '\x16\x03\x01\x00\xa5\x01\x00', /plain HTTP.*http:\/\//],
    ['HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /HTTP\/1.1/],
    [
      'a header that is too large',
      431,
      `GET / HTTP/1.1\r\n${host}a: ${'a'.repeat(66_000)}\r\n\r\n`,
      /65536 bytes.*scopes/,
    ],
    ['a path that is too long', 431, `GET /${'a'.repeat(66_000)} HTTP/1.1\r\n${host}\r\n`, /65536 bytes/],
    ['an expectation that is none', 417, `PUT / HTTP/1.1\r\n${host}Expect: more\r\n\r\n`, /100-continue/],
    ['a tunnel', 405, `CONNECT a:443 HTTP/1.1\r\n${host}\r\n`, /proxy/],
  ])('%s: %i', async (_, status, sent, message) => {
    const listener = await open((request) => request.resume());
    const answer = answerOf(await exchange(listener, sent));
    expect(answer).toMatchObject({ status, errors: [{ message: expect.stringMatching(message) }] });
    await listener.close();
  });

  test('a header that fits is read', async () => {
    const listener = await open((_, response) => response.end());
    const sent = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${'a'.repeat(24_000)}\r\n\r\n`;
    expect(await exchange(listener, sent)).toMatch(/^HTTP\/1.1 200 /);
    await listener.close();
  });

  test('many of them are a line or two in the log', async () => {
    const listener = await open(() => undefined);
    log.lines.splice(0);
    for (let round = 0; round < 20; round += 1) await exchange(listener, 'hello\r\n\r\n');
    expect(log.lines.length).toBeGreaterThan(0);
    expect(log.lines.length).toBeLessThan(10);
    await listener.close();
  });
});

describe('a client that does not go on does not stay', () => {
  test.each([
    ['with nothing', ''],
    ['in the middle of a header', 'GET / HTTP/1.1\r\nHost: a\r\nA'],
  ])('%s', async (_, sent) => {
    const listener = await open((_request, response) => response.end(), 5000, { patience: { headerMs: 50 } });
    expect(answerOf(await exchange(listener, sent)).status).toBe(408);
    await listener.close();
  });

  test('with a body that nobody reads, after its answer', async () => {
    const listener = await open((_, response) => response.end('ok'), 5000, { patience: { restMs: 50 } });
    for (const framing of ['Content-Length: 6000', 'Transfer-Encoding: chunked']) {
      expect(await exchange(listener, `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`)).toMatch(/ 200 /);
    }
    await listener.close();
  });

  test('between two requests', async () => {
    const listener = await open((_, response) => response.end('ok'), 5000, { patience: { keepAliveMs: 50 } });
    expect(await exchange(listener, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/ 200 /);
    await listener.close();
  });

  test('with an answer that it does not read', async () => {
    const left = Promise.withResolvers<boolean>();
    const listener = await open(
      (_, response) => {
        response.on('close', () => left.resolve(response.writableFinished));
        response.end(Buffer.alloc(64 * 1024 * 1024));
      },
      5000,
      { patience: { idleMs: 100 } },
    );
    const socket = dial(listener).pause();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await left.promise).toBe(false);
    socket.destroy();
    await listener.close();
  });

  test('but one that waits for us does', async () => {
    const listener = await open((_, response) => void setTimeout(() => response.end('late'), 500), 5000, {
      patience: { idleMs: 50 },
    });
    expect(await (await fetch(listener.url)).text()).toBe('late');
    await listener.close();
  });
});

describe('connections over a limit', () => {
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  /** A request that is not over, and its connection. */
  async function occupy(listener: Listener): Promise<Socket> {
    const socket = dial(listener);
    socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((done) => socket.once('data', done));
    return socket;
  }
  const handler: RequestListener = (asked, response) => {
    if (asked.url === '/held') response.write('held');
    else response.end('ok');
  };

  test('are answered 503 and closed, with a line in the log, until there is room', async () => {
    const connections = { max: 2, maxPerAddress: 2, isProxy: () => false };
    const listener = await open(handler, 5000, { connections });
    const [first, second] = [await occupy(listener), await occupy(listener)];
    log.lines.splice(0);
    const refused = await exchange(listener, request);
    expect(answerOf(refused)).toMatchObject({ status: 503, errors: [{ code: 'UNAVAILABLE' }] });
    expect(refused).toMatch(/^Retry-After: 1\r$/m);
    expect(log.lines).toMatchObject([{ message: 'a connection was refused' }]);
    first.destroy();
    await expect.poll(async () => (await fetch(listener.url).catch(() => undefined))?.status).toBe(200);
    second.destroy();
    await listener.close();
  });

  test('are for each address, and a trusted proxy is none', async () => {
    for (const [isProxy, status] of [
      [false, 503],
      [true, 200],
    ] as const) {
      const connections = { max: 10, maxPerAddress: 1, isProxy: () => isProxy };
      const listener = await open(handler, 0, { connections });
      const held = await occupy(listener);
      expect((await fetch(listener.url)).status).toBe(status);
      held.destroy();
      await listener.close();
    }
  });

  test('get the place of one that asks for nothing', async () => {
    const connections = { max: 2, maxPerAddress: 2, isProxy: () => false };
    const listener = await open(handler, 5000, { connections });
    const idle = dial(listener);
    const closed = new Promise((done) => idle.once('close', done));
    idle.write(request);
    await new Promise((done) => idle.once('data', done));
    const held = await occupy(listener);
    await expect.poll(async () => (await fetch(listener.url).catch(() => undefined))?.status).toBe(200);
    await closed;
    held.destroy();
    await listener.close();
  });
});
