import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import Koa from 'koa';
import { expect, onTestFinished, test } from 'vitest';
import { builtPage, webPage } from '../../../../src/api/operations/web-page.ts';
import type { RequestState } from '../../../../src/api/state.ts';
import { ask } from '../ask.ts';

const html = '<!doctype html><title>Entrepot</title>';
const script = `console.log('${'a'.repeat(2000)}')`;
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** A page that is built, and what answers after it. */
async function setUp() {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-page-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const build = async () => {
    await mkdir(join(directory, 'ui'));
    await writeFile(join(directory, 'ui/index-1a2b.js'), script);
    await writeFile(join(directory, 'ui/index-1a2b.js.br'), brotliCompressSync(script));
    await writeFile(join(directory, 'ui/index-1a2b.js.gz'), gzipSync(script));
    await writeFile(join(directory, 'ui/index-3c4d.css'), 'body{}');
    await writeFile(join(directory, 'ui/mark-5e6f.svg'), '<svg/>');
    await writeFile(join(directory, 'ui/font-7a8b.woff2'), 'font');
    await writeFile(join(directory, 'index.html'), html);
  };
  const app = new Koa<RequestState>();
  app.use((ctx, next) => {
    ctx.state.externalUrl = 'https://registry.example/below';
    return next();
  });
  app.use(webPage(directory));
  app.use((ctx) => {
    ctx.status = 404;
    ctx.body = 'the rest';
  });
  return { app, build };
}

async function startBuilt() {
  const { app, build } = await setUp();
  await build();
  return app;
}

test('browsers get the page at /, which they ask for again each time', async () => {
  const app = await startBuilt();
  const { status, headers, body } = await ask(app, '/', { headers: browser });
  expect([status, body]).toEqual([200, html]);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    vary: 'Accept, Accept-Encoding',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
  });
});

test('no script, style, frame or form of others is let into it', async () => {
  const app = await startBuilt();
  const { headers } = await ask(app, '/', { headers: browser });
  const policy = String(headers['content-security-policy']).split('; ');
  expect(policy).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
});

test.each([
  ['/ui/index-1a2b.js', 'text/javascript; charset=utf-8', script],
  ['/ui/index-3c4d.css', 'text/css; charset=utf-8', 'body{}'],
  ['/ui/mark-5e6f.svg', 'image/svg+xml', '<svg/>'],
  ['/ui/font-7a8b.woff2', 'application/octet-stream', 'font'],
])('%s is kept for ever, as its name changes with what it holds', async (path, type, text) => {
  const app = await startBuilt();
  const { status, headers, body } = await ask(app, path);
  expect([status, body]).toEqual([200, text]);
  expect(headers).toMatchObject({
    'content-type': type,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'Accept-Encoding',
  });
});

test.each([
  ['br, gzip', 'br'],
  ['gzip', 'gzip'],
  ['gzip, deflate;q=0.5', 'gzip'],
  ['identity', undefined],
  ['', undefined],
])('who accepts "%s" is sent %s', async (accepted, coding) => {
  const app = await startBuilt();
  const headers = { 'accept-encoding': accepted };
  const answer = await ask(app, '/ui/index-1a2b.js', { headers });
  expect(answer.headers['content-encoding']).toBe(coding);
  const length = { br: brotliCompressSync(script).length, gzip: gzipSync(script).length }[coding ?? ''];
  expect(answer.headers['content-length']).toBe(String(length ?? script.length));
  // What has no coded form is sent as it is.
  expect((await ask(app, '/ui/index-3c4d.css', { headers })).headers['content-encoding']).toBeUndefined();
});

test('who has it is told that it is the same, in each coding apart', async () => {
  const app = await startBuilt();
  const read = (headers: Record<string, string>) => ask(app, '/ui/index-1a2b.js', { headers });
  const [plain, coded] = [await read({}), await read({ 'accept-encoding': 'br' })];
  expect(plain.headers['etag']).not.toBe(coded.headers['etag']);
  const again = await read({ 'if-none-match': String(plain.headers['etag']) });
  expect([again.status, again.body]).toEqual([304, '']);
  const other = await read({ 'if-none-match': String(coded.headers['etag']) });
  expect(other.status).toBe(200);
});

test.each([
  ['GET', '/', {}],
  ['GET', '/', { accept: '*/*' }],
  ['POST', '/', browser],
  ['POST', '/ui/index-1a2b.js', {}],
  ['GET', '/index.html', browser],
  ['GET', '/ui/', browser],
  ['GET', '/ui/none.js', {}],
  ['GET', '/ui/index-1a2b.js.br', {}],
  ['GET', '/ui/../index.html', {}],
  ['GET', '/ui/%2e%2e/index.html', {}],
  ['GET', '/uix/index-1a2b.js', {}],
  ['GET', '/v2/', browser],
])('%s %s is left to others (%o)', async (method, path, headers) => {
  const app = await startBuilt();
  expect(await ask(app, path, { method, headers })).toMatchObject({ status: 404, body: 'the rest' });
});

test('HEAD is answered as GET, without the page', async () => {
  const app = await startBuilt();
  const { status, headers, body } = await ask(app, '/', { method: 'HEAD', headers: browser });
  expect([status, headers['content-length'], body]).toEqual([200, String(html.length), '']);
});

test('in place of a page that is not built yet is said how to build it, and it is there as soon as it is', async () => {
  const { app, build } = await setUp();
  const { status, headers, body } = await ask(app, '/', { headers: browser });
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  expect(body).toContain('Its web page was not built. <code>npm ci</code>');
  expect(body).toContain('docker login registry.example</code>');
  expect(body).toContain('href="https://registry.example/below/api/docs"');
  await build();
  expect((await ask(app, '/', { headers: browser })).body).toBe(html);
});

test('the page that is built is below 150 kB for whoever opens it, compressed', async () => {
  const app = new Koa<RequestState>();
  app.use(webPage(builtPage));
  const index = await ask(app, '/', { headers: browser });
  expect(index.status, 'npm run build:ui makes it').toBe(200);
  const named = [...index.body.matchAll(/(?:src|href)="\.\/(ui\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  expect(named.length).toBeGreaterThan(1);
  const lengths = await Promise.all(
    named.map(async (path) => {
      const { status, headers } = await ask(app, path, { headers: { 'accept-encoding': 'gzip' } });
      expect(status).toBe(200);
      return Number(headers['content-length']);
    }),
  );
  const all = index.body.length + lengths.reduce((sum, length) => sum + length, 0);
  expect(all).toBeLessThan(150_000);
  // And nothing of it comes from elsewhere.
  expect(index.body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
});
