/** The recipes of docs/proxies.md, as they stand there but for names of hosts and files: clients pull and push through each of them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing, run, start } from '../e2e/support/processes.ts';
import { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { pair, pem } from '../support/certificates.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { freePort } from '../support/free-port.ts';
import { root } from './support/container.ts';
import { nginxAround } from './support/nginx.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-proxies-'));
afterAll(() => rmSync(directory, { recursive: true }));
const files = {
  certificate: join(directory, 'server.crt'),
  key: join(directory, 'server.key'),
  both: join(directory, 'server.pem'),
};
const authorities = join(directory, 'authorities');
/** More than any proxy lets through by default. */
const layerBytes = 3 * 1024 * 1024;

interface Ports {
  readonly plain: number;
  readonly secure: number;
  /** host:port of the server. */
  readonly server: string;
}

/** Of each program, what it is started with: the recipe is what its section of the document shows, one text for each file. */
const programs: Readonly<
  Record<string, (recipe: readonly string[], ports: Ports, home: string) => readonly string[]>
> = {
  Caddy: ([text = ''], { plain, secure, server }, home) => [
    ...['run', '--adapter', 'caddyfile', '--config'],
    written(
      home,
      'Caddyfile',
      `{\n admin off\n auto_https disable_redirects\n storage file_system ${home}\n}\n${text}`
        .replace('http://registry.example.com', `http://localhost:${plain}`)
        .replace(
          /^registry\.example\.com \{/m,
          `localhost:${secure} {\n tls ${files.certificate} ${files.key}`,
        )
        .replace('127.0.0.1:5000', server),
    ),
  ],
  nginx: ([text = ''], { plain, secure, server }, home) => [
    ...['-e', 'stderr', '-c'],
    written(
      home,
      'nginx.conf',
      nginxAround(
        home,
        text
          .replace(/\S+fullchain\.pem/, files.certificate)
          .replace(/\S+privkey\.pem/, files.key)
          .replace('listen 443', `listen 127.0.0.1:${secure}`)
          .replace('listen 80', `listen 127.0.0.1:${plain}`)
          .replaceAll('registry.example.com', 'localhost')
          .replace('127.0.0.1:5000', server),
      ),
    ),
  ],
  HAProxy: ([text = ''], { plain, secure, server }, home) => [
    ...['-db', '-f'],
    written(
      home,
      'haproxy.cfg',
      text
        .replace(/\S+registry\.example\.com\.pem/, files.both)
        .replace('bind :443', `bind 127.0.0.1:${secure}`)
        .replace('bind :80', `bind 127.0.0.1:${plain}`)
        .replace('127.0.0.1:5000', server),
    ),
  ],
  Traefik: ([settings = '', rules = ''], { plain, secure, server }, home) => {
    const certificate = `tls:\n  certificates:\n    - certFile: ${files.certificate}\n      keyFile: ${files.key}\n`;
    const file = written(
      home,
      'entrepot.yaml',
      `${rules
        .replace(/tls:\n\s+certResolver: .*/, 'tls: {}')
        .replaceAll('registry.example.com', 'localhost')
        .replace('127.0.0.1:5000', server)}\n${certificate}`,
    );
    const [own = ''] = settings.split('certificatesResolvers');
    return [
      `--configFile=${written(
        home,
        'traefik.yaml',
        own
          .replace(/filename: .*/, `filename: ${file}`)
          .replace('":80"', `"127.0.0.1:${plain}"`)
          .replace('":443"', `"127.0.0.1:${secure}"`),
      )}`,
    ];
  },
};

function written(home: string, name: string, text: string): string {
  const file = join(home, name);
  writeFileSync(file, text);
  return file;
}

function recipeOf(program: string): readonly string[] {
  const document = readFileSync(join(root, 'docs/proxies.md'), 'utf8');
  const [, section = ''] = document.split(`\n## ${program}\n`);
  const blocks = section.split('\n## ')[0]?.matchAll(/^```\w+\n(.*?)^```$/gms) ?? [];
  return [...blocks].map(([, text = '']) => text);
}

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string;
}

function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const request = url.startsWith('https:') ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    request(url, { agent: false, ca: pem('authority.crt'), headers }, (answer) => {
      answer.resume();
      resolve({
        status: answer.statusCode ?? 0,
        header: (name) => String(answer.headers[name] ?? ''),
      });
    })
      .on('error', reject)
      .end();
  });
}

const skopeo = await missing('skopeo');
if (skopeo.length > 0) console.log('reverse proxies are not tried: no skopeo');

describe.each(Object.entries(programs))('%s', async (name, argumentsOf) => {
  const program = name.toLowerCase();
  const absent = await missing(program);
  if (absent.length > 0) console.log(`the recipe for ${name} is not tried: no ${program}`);

  describe.skipIf(skopeo.length > 0 || absent.length > 0)('in front of the server', () => {
    const closing = new AsyncDisposableStack();
    let app: TestApp;
    let secure = '';
    let plain = '';
    let layer = '';
    beforeAll(async () => {
      const home = join(directory, program);
      for (const folder of [home, authorities]) mkdirSync(folder, { recursive: true });
      const { cert, key } = pair('server');
      written(directory, 'server.crt', cert);
      written(directory, 'server.key', key);
      written(directory, 'server.pem', `${cert}\n${key}`);
      written(authorities, 'ca.crt', pem('authority.crt'));
      const upstream = closing.use(await new FakeRegistry().start());
      const blob = seededBlob(layerBytes, 1);
      layer = blob.digest;
      upstream.repository('team/app').addImage({ tag: 'v1', layers: [blob] });
      app = closing.use(
        await TestApp.start({
          upstreams: [upstream],
          environment: { ENTREPOT_HTTP__TRUSTED_PROXIES: '127.0.0.0/8' },
        }),
      );
      const ports = { plain: await freePort(), secure: await freePort(), server: new URL(app.url).host };
      secure = `https://localhost:${ports.secure}`;
      plain = `http://localhost:${ports.plain}`;
      const proxy = await start(program, argumentsOf(recipeOf(name), ports, home), {
        cwd: home,
        env: { HOME: home },
        logFile: join(home, 'log'),
        isReady: async () => (await ask(`${secure}/v2/`)).status === 401,
      });
      closing.defer(() => proxy.stop());
    });
    afterAll(() => closing.disposeAsync());

    test('a client is sent for a token to the name that it knows', async () => {
      const { header } = await ask(`${secure}/v2/`);
      expect(header('www-authenticate')).toContain(`realm="${secure}/jwt/auth"`);
    });

    test('an image is pulled, and pushed again', async () => {
      const made = await app.api('POST', '/groups', { name: 'acme', path: 'acme' });
      const { id } = await jsonOf<{ id: number }>(made);
      await app.api('POST', '/projects', { name: 'shop', namespace_id: id });
      const host = new URL(secure).host;
      const login = `root:${app.token}`;
      const to = `docker://${host}/acme/shop/app:v1`;
      await run('skopeo', [
        ...['copy', '-q', '--preserve-digests', '--src-creds', login, '--dest-creds', login],
        ...['--src-cert-dir', authorities, '--dest-cert-dir', authorities],
        `docker://${host}/virtual_registries/container/1/team/app:v1`,
        to,
      ]);
      const raw = await run('skopeo', ['inspect', '--raw', '--creds', login, '--cert-dir', authorities, to]);
      expect(raw).toContain(layer);
    });

    test('browsers that come by plain HTTP are led to https, and clients are not', async () => {
      const led = await ask(`${plain}/groups?tab=1`);
      expect([301, 308]).toContain(led.status);
      expect(led.header('location')).toMatch(/^https:\/\/localhost(:\d+)?\/groups\?tab=1$/);
      for (const path of ['/v2/', '/jwt/auth', '/api/v4/version', '/oauth/token']) {
        const { status, header } = await ask(plain + path);
        expect([403, 404]).toContain(status);
        expect(header('location')).toBe('');
      }
    });
  });
});
