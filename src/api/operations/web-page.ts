/**
 * The web page: at `/`, for browsers, and its files at /ui/…, as `npm run build:ui` makes them. It asks the API as any client does. Where it
 * was not built, a page in its place says how that is done.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Middleware } from 'koa';
import { isNotModified } from '../conditions.ts';
import type { RequestContext, RequestState } from '../state.ts';
import { answerPage } from './front-page.ts';

/** Where the page is built to. */
export const builtPage = fileURLToPath(new URL('../../../ui/dist/', import.meta.url));

const indexName = 'index.html';

const policy = [
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
].join('; ');

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** What a file is sent as, by what the client accepts. */
interface PageFile {
  readonly identity: Buffer;
  readonly br: Buffer | undefined;
  readonly gzip: Buffer | undefined;
  readonly etag: string;
}

type PageFiles = ReadonlyMap<string, PageFile>;

/** @param directory with index.html, and the files that it names in `ui/`, whose names change with what they hold */
export function webPage(directory: string): Middleware<RequestState> {
  let reading: Promise<PageFiles> | undefined;
  const read = (): Promise<PageFiles> => {
    reading ??= readPage(directory).catch(() => {
      reading = undefined; // it may be built yet
      return new Map();
    });
    return reading;
  };
  return async (ctx, next) => {
    const isIndex = ctx.path === '/' && ctx.get('Accept').includes('text/html');
    const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (!isRead || !(isIndex || ctx.path.startsWith('/ui/'))) return next();
    const name = isIndex ? indexName : ctx.path.slice(1);
    const file = (await read()).get(name);
    if (!file && isIndex) return answerUnbuilt(ctx);
    if (!file) return next();
    ctx.set({
      'Content-Security-Policy': policy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': isIndex ? 'no-cache' : 'public, max-age=31536000, immutable',
    });
    send(ctx, file);
    ctx.type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    ctx.vary(isIndex ? 'Accept, Accept-Encoding' : 'Accept-Encoding');
  };
}

function answerUnbuilt(ctx: RequestContext): void {
  ctx.status = 200;
  answerPage(
    ctx,
    'This is a registry of container images.',
    'Its web page was not built. <code>npm ci</code> in its folder does that where development dependencies are installed, too; then look again. <code>http.page: false</code> does without it.',
  );
}

function send(ctx: RequestContext, file: PageFile): void {
  const coded = (['br', 'gzip'] as const).filter((coding) => file[coding] !== undefined);
  const coding = ctx.acceptsEncodings(...coded, 'identity');
  const chosen = coded.find((each) => each === coding);
  ctx.status = 200;
  ctx.set('ETag', `"${file.etag}${chosen ? `-${chosen}` : ''}"`);
  if (chosen) ctx.set('Content-Encoding', chosen);
  if (isNotModified(ctx)) ctx.status = 304;
  else ctx.body = (chosen && file[chosen]) ?? file.identity;
}

/** All of it, some hundred kilobytes, by their names: what nobody asked to see is never looked for on the disk. */
async function readPage(directory: string): Promise<PageFiles> {
  const names = [indexName, ...(await readdir(`${directory}/ui`)).map((name) => `ui/${name}`)];
  const bytes = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(`${directory}/${name}`)] as const)),
  );
  const plain = [...bytes].filter(([name]) => !/\.(?:br|gz)$/.test(name));
  return new Map(
    plain.map(([name, identity]) => {
      const etag = createHash('sha256').update(identity).digest('base64url').slice(0, 22);
      return [name, { identity, br: bytes.get(`${name}.br`), gzip: bytes.get(`${name}.gz`), etag }];
    }),
  );
}
