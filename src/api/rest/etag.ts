/** States of a body have names, so that clients need not take again what they have: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3 */
import { createHash } from 'node:crypto';
import { isNotModified } from '../conditions.ts';
import type { RequestContext } from '../state.ts';

/** Sends the body, or nothing but its name where the client has it already. */
export function sendOnce(ctx: RequestContext, body: unknown): void {
  const text = JSON.stringify(body);
  sendNamed(ctx, text, etagOf(text));
}

export function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url')}"`;
}

export function sendNamed(
  ctx: RequestContext,
  text: string,
  etag: string,
  type: 'application/json' | 'text/plain' = 'application/json',
): void {
  ctx.set('ETag', etag);
  ctx.type = type;
  ctx.body = text;
  if (isNotModified(ctx)) ctx.status = 304;
}
