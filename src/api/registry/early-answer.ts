/**
 * Answers that are there before the whole body of their request is: refusals, mostly. A client that goes on writing to a closed
 * connection loses its answer to a reset. So the answer goes out, and what still comes is read and thrown away for a while
 * before the connection is closed. https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 * A small body, such as a manifest's, is awaited instead: containerd 1.6 waits for ever for the end of a manifest that was
 * refused before it was read, and the connection can be used again.
 */
import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Middleware } from 'koa';
import type { RequestContext, RequestState } from '../state.ts';

/** How much is thrown away: enough for a client that looks for its answer after a layer of usual size, and cheap whoever sends it. */
const maxDrainedBytes = 64 * 1024 * 1024;
const maxDrainMs = 10_000;

/** How much is awaited before the answer: manifests of the largest size that is usual. */
const maxAwaitedBytes = 4 * 1024 * 1024;

/** Middleware around everything that answers, errors included. Bodies are texts or null here. */
export const answerEarly: Middleware<RequestState> = async (ctx, next) => {
  await next();
  // A body that came together with the head is only parsed after this.
  if (!ctx.req.complete) await setImmediate();
  if (!ctx.req.complete && isSmall(ctx.req) && !isLate(ctx)) await drain(ctx.req);
  // What is left of a body that has come is in memory; left there, it would keep the connection from its next request.
  if (ctx.req.complete) ctx.req.resume();
  else if (ctx.writable) await sendAndClose(ctx);
};

function isSmall({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? Infinity) <= maxAwaitedBytes;
}

async function sendAndClose(ctx: RequestContext): Promise<void> {
  const { req, res, body } = ctx;
  ctx.respond = false;
  ctx.set('Connection', 'close');
  if (typeof body === 'string') {
    res.write(body);
  } else {
    if (ctx.status !== 204) ctx.length = 0;
    res.flushHeaders();
  }
  if (!isLate(ctx)) await drain(req);
  res.end();
}

/** Whether the body came too late: nobody waits for the rest of it. */
function isLate({ status }: RequestContext): boolean {
  return status === 408;
}

function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.destroyed) return resolve();
    const timer = setTimeout(resolve, maxDrainMs);
    let drained = 0;
    request.on('data', (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > maxDrainedBytes) resolve();
    });
    // Without a listener for errors none is emitted: a client that has left is only gone.
    request.once('end', resolve).once('close', resolve).resume();
    request.once('close', () => clearTimeout(timer));
  });
}
