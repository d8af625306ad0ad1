/** Behind Debian's squid, which wants a login, and refuses what is not allowed. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pair } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { TlsFront } from '../support/tls-front.ts';
import { Entrepot, rootToken } from './support/entrepot.ts';
import { missing, type RunningProgram, run, start } from './support/processes.ts';

const absent = await missing('squid', 'openssl');
if (absent.length > 0) console.log(`skipped: behind squid, since ${absent.join(', ')} is not installed`);

const authority = new URL('../fixtures/authority/authority.crt', import.meta.url).pathname;
const layer = seededBlob(3_000_000, 7);

describe.skipIf(absent.length > 0)('behind squid', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-squid-'));
  const inDirectory = (name: string) => join(directory, name);
  const upstream = new FakeRegistry();
  let squid: RunningProgram;
  let front: TlsFront;
  let proxy: string;

  beforeAll(async () => {
    await upstream.start();
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    front = await TlsFront.before(upstream.url, pair('server'));
    proxy = `127.0.0.1:${await freePort()}`;
    const password = await run('openssl', ['passwd', '-apr1', 's3cr@t']);
    writeFileSync(inDirectory('passwords'), `robot:${password}`);
    const lines = [
      `http_port ${proxy}`,
      `pid_filename ${inDirectory('squid.pid')}`,
      `access_log stdio:${inDirectory('access.log')}`,
      `cache_log ${inDirectory('cache.log')}`,
      `coredump_dir ${directory}`,
      'cache deny all',
      'shutdown_lifetime 0 seconds',
      `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${inDirectory('passwords')}`,
      'acl known proxy_auth REQUIRED',
      'acl refused dstdomain refused.example',
      'http_access deny refused',
      'http_access allow known',
      'http_access deny all',
    ];
    writeFileSync(inDirectory('squid.conf'), `${lines.join('\n')}\n`);
    // squid gives up root's rights.
    chmodSync(directory, 0o777);
    squid = await start('squid', ['-N', '-f', inDirectory('squid.conf')], {
      logFile: inDirectory('output'),
      isReady: async () => (await fetch(`http://${proxy}/`)).status >= 400,
    });
  });

  afterAll(async () => {
    await squid?.stop();
    await front?.[Symbol.asyncDispose]();
    await upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function startServer(name: string, login: string) {
    const server = await Entrepot.start({
      directory: inDirectory(name),
      env: {
        HTTPS_PROXY: `http://${login}${proxy}`,
        HTTP_PROXY: `http://${login}${proxy}`,
        NO_PROXY: '',
        SSL_CERT_FILE: authority,
      },
    });
    const ask = (path: string) =>
      fetch(`${server.url}/v2/virtual_registries/container/1/team/app/${path}`, {
        headers: { authorization: `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}` },
      });
    return Object.assign(ask, { server, [Symbol.asyncDispose]: () => server.program.stop() });
  }

  test('images are pulled from registries with TLS, and without', async () => {
    await using ask = await startServer('known', 'robot:s3cr%40t@');
    for (const url of [front.url, upstream.url]) {
      await ask.server.setUpstreams(1, [{ url, name: 'upstream' }]);
      expect((await ask('manifests/v1')).status).toBe(200);
      const blob = await ask(`blobs/${layer.digest}`);
      expect((await blob.arrayBuffer()).byteLength).toBe(3_000_000);
    }
    // Of a tunnel it writes once that is over.
    await ask.server.program.stop();
    await eventually(() => {
      const log = readFileSync(inDirectory('access.log'), 'utf8');
      expect(log).toMatch(new RegExp(`CONNECT 127.0.0.1:${front.port} robot`));
      expect(log).toMatch(new RegExp(`GET ${upstream.url}/v2/team/app/manifests/v1 robot`));
    });
    expect(readFileSync(ask.server.logFile, 'utf8')).not.toContain('s3cr');
  });

  test.each([
    ['', 'https://registry.example', 'wants a login (407)'],
    ['robot:wrong@', 'https://registry.example', 'refused its user or password (407)'],
    ['robot:s3cr%40t@', 'https://refused.example', 'would not connect to it (403)'],
    ['robot:s3cr%40t@', 'http://refused.example', 'would not connect to it (403)'],
    ['robot:s3cr%40t@', 'https://127.0.0.1:1', 'would not connect to it (503)'],
  ])('with the login "%s", %s is not reached, and it is said why', async (login, url, text) => {
    await using ask = await startServer(`${text} ${new URL(url).protocol}`, login);
    await ask.server.setUpstreams(1, [{ url, name: 'upstream' }]);
    const answer = await ask('manifests/v1');
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringContaining(
        `the proxy ${proxy} (outbound.${new URL(url).protocol.slice(0, -1)}_proxy) ${text}`,
      ),
    ]);
  });
});
