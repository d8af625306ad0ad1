/** GET /api/v4/openapi.json, for everyone: it says nothing of what is on this server. */
import type { TaggedEndpoint } from '../../management/endpoint/endpoint.ts';
import { etagOf, sendNamed } from './etag.ts';
import { openApiDocument } from './openapi.ts';
import type { RestMiddleware } from './router.ts';

export const openApiPath = '/api/v4/openapi.json';

/** @param version of this server */
export function serveOpenApi(endpoints: readonly TaggedEndpoint[], version: string): RestMiddleware {
  let written: { readonly text: string; readonly etag: string } | undefined;
  return async (ctx, next) => {
    if (ctx.path !== openApiPath || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    written ??= write(endpoints, version);
    ctx.set('Cache-Control', 'no-cache');
    sendNamed(ctx, written.text, written.etag);
  };
}

function write(endpoints: readonly TaggedEndpoint[], version: string) {
  const text = JSON.stringify(openApiDocument(endpoints, version));
  return { text, etag: etagOf(text) };
}
