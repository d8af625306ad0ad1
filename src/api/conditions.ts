/** If-None-Match, for an answer whose status and headers are set. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
import type { RequestContext } from './state.ts';

/** Whether the client has what it would get. No other condition, such as a Cache-Control of the request, has a say. */
export function isNotModified(ctx: RequestContext): boolean {
  const header = ctx.req.headers['if-none-match'];
  if (header === undefined) return false;
  const etag = ctx.response.get('ETag');
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
