/**
 * Answers what nothing else does: below /v2, however it is written, in the shape that clients of registries show, and below /api in that of the
 * REST API; for people a page that says who answers and how to go on.
 */
import type { Middleware } from 'koa';
import { OciError } from '../../oci/errors.ts';
import { routeUnknown } from '../rest/errors.ts';
import type { RequestContext, RequestState } from '../state.ts';

const docsPath = '/api/docs';

export const answerTheRest: Middleware<RequestState> = (ctx) => {
  const area = areaOf(ctx.path);
  if (area === 'v2' || area === 'gitlab') {
    ctx.set('Docker-Distribution-Api-Version', 'registry/2.0');
    throw new OciError('UNSUPPORTED', {
      status: 404,
      detail: 'there is nothing at this path: the registry is at /v2/, written like this',
    });
  }
  if (area === 'api') {
    ctx.status = routeUnknown.status;
    ctx.body = routeUnknown.body;
    return;
  }
  const isFront = ctx.path === '/';
  const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
  if (isFront && !isRead) ctx.set('Allow', 'GET, HEAD');
  ctx.status = isRead ? (isFront ? 200 : 404) : isFront ? 405 : 404;
  answerPage(ctx, isFront ? 'This is a registry of container images.' : 'There is no page here.');
};

/** The path's first segment as proxies and file systems would read it: decoded, without dots and empty segments, in lower case. */
function areaOf(path: string): string | undefined {
  const segments: string[] = [];
  for (const segment of decode(path).split(/[/\\]+/)) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments[0]?.toLowerCase();
}

/** The decoded segment; what is no encoding stays as it is. */
function decode(path: string): string {
  return path.replace(/%([0-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

/** @param greeting a text. @param hint a sentence more for who looks at it, as HTML */
export function answerPage(ctx: RequestContext, greeting: string, hint = ''): void {
  const { host, href: docs } = new URL(`${ctx.state.externalUrl}${docsPath}`);
  ctx.set('Cache-Control', 'no-cache');
  if (!ctx.get('Accept').includes('text/html')) {
    ctx.type = 'text/plain';
    ctx.body = `Entrepot. ${greeting}\nLog in: docker login ${host}\nThe API: ${docs}\n`;
    return;
  }
  ctx.set('Content-Security-Policy', "default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
  ctx.type = 'text/html';
  ctx.body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Entrepot</title></head>
<body>
<h1>Entrepot</h1>
<p>${escaped(greeting)}</p>
${hint && `<p>${hint}</p>\n`}<ul>
<li>To pull and push, log in: <code>docker login ${host}</code>, with your user name and an access token.</li>
<li>To manage it: <a href="${docs}">the API</a>.</li>
</ul>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
