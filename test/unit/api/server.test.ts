import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type RequestListener, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Listener } from '../../../src/api/server.ts';
import { KeptLog } from './registry/registry-server.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/tls');
const otherKey = readFileSync(join(fixtures, 'second.key'), 'utf8');
const log = new KeptLog();

function open(handler: RequestListener, shutdownMs = 5000): Promise<Listener> {
  return Listener.open({ address: '127.0.0.1:0', handler, shutdownMs, log });
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

  function openTls(): Promise<Listener> {
    const handler: RequestListener = (_, response) => response.end('ok');
    return Listener.open({
      address: '127.0.0.1:0',
      tls: files(),
      handler,
      shutdownMs: 100,
      log,
      tlsIntervalMs: 20,
    });
  }

  test('a new certificate is used without a restart, and a bad one is not', async () => {
    const listener = await openTls();
    expect(listener.url).toMatch(/^https:/);
    expect(await subjectAt(listener.url)).toBe('first');
    await install('second');
    await expect.poll(() => subjectAt(listener.url), { timeout: 5000 }).toBe('second');
    log.lines.splice(0);
    await writeFile(files().certificate, 'no certificate');
    await expect
      .poll(() => log.lines.map(({ message }) => message), { timeout: 5000 })
      .toContain('new certificate not used');
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

  test('plain HTTP on it is not answered', async () => {
    const listener = await openTls();
    const answer = new Promise((done, reject) => {
      get(listener.url.replace('https', 'http'), done).on('error', reject);
    });
    await expect(answer).rejects.toThrow();
    await listener.close();
  });
});
