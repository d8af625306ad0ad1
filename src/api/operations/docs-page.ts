/** /api/docs: the API document for people, shown by Swagger UI from node_modules. The page loads and asks nothing outside. */
import { fileURLToPath } from 'node:url';
import type { Middleware } from 'koa';
import { isNotModified } from '../conditions.ts';
import { openApiPath } from '../rest/openapi-route.ts';
import type { RequestState } from '../state.ts';

const path = '/api/docs';

/** Relative to the page, as all that it names is: a proxy may have put the server below a path. */
const fromPage = (target: string) => target.replace(/^\/api\//, '');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Entrepot API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${fromPage(path)}/swagger-ui.css">
</head>
<body>
<div id="api"><p>The document itself is at <a href="${fromPage(openApiPath)}">${openApiPath}</a>.</p></div>
<script src="${fromPage(path)}/swagger-ui-bundle.js"></script>
<script src="${fromPage(path)}/start.js"></script>
</body>
</html>
`;

/** There is no validator's badge, which would tell a server of others where this one is. */
const start = `SwaggerUIBundle({
  url: '${fromPage(openApiPath)}',
  dom_id: '#api',
  validatorUrl: null,
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  tryItOutEnabled: false,
  defaultModelsExpandDepth: 0,
});
`;

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const packaged: Readonly<Record<string, string>> = {
  [`${path}/swagger-ui.css`]: 'text/css',
  [`${path}/swagger-ui-bundle.js`]: 'text/javascript',
};

/**
 * Answers GET and HEAD at /api/docs and below, and leaves the others alone. Each file is read once: slow readers share its bytes and
 * hold no file open.
 * @param readFile rejects with an UnavailableError where the system refuses
 */
export function docsPage(readFile: (path: string) => Promise<Buffer>): Middleware<RequestState> {
  const files = new Map<string, Buffer>();
  const read = async (name: string): Promise<Buffer> => {
    const bytes =
      files.get(name) ?? (await readFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`))));
    files.set(name, bytes);
    return bytes;
  };
  return async (ctx, next) => {
    if (!ctx.path.startsWith(path) || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    const packagedType = packaged[ctx.path];
    if (packagedType === undefined && ctx.path !== path && ctx.path !== `${path}/start.js`) return next();
    ctx.set({
      'Content-Security-Policy': policy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-cache',
    });
    if (packagedType === undefined) {
      ctx.type = ctx.path === path ? 'text/html' : 'text/javascript';
      ctx.body = ctx.path === path ? page : start;
      return;
    }
    const version = versionOf((await read('package.json')).toString());
    const bytes = await read(ctx.path.slice(path.length + 1));
    ctx.set('ETag', `"${version}"`);
    ctx.status = 200;
    if (isNotModified(ctx)) ctx.status = 304;
    else ctx.body = bytes;
    ctx.type = packagedType;
  };
}

function versionOf(packageFile: string): string {
  const { version } = JSON.parse(packageFile);
  return String(version);
}
