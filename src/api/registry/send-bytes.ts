/**
 * Bytes to a client at the client's pace. Not as koa's body: koa destroys bodies of clients that leave, and chunks here are
 * only lent until the next one is asked for.
 */
import type { ServerResponse } from 'node:http';
import type { RequestContext } from '../state.ts';

export interface SendOptions {
  /** Of the body, as announced; undefined where it is sent chunked. */
  readonly length: number | undefined;
  /** How long a client may take nothing at all before it is let go, in milliseconds. */
  readonly stalledMs: number;
}

/**
 * Status and headers are set, and go with the first chunk: until then an error can still be answered as one.
 * A client that leaves is no error.
 * @throws what reading throws, Error where the bytes are not as many as announced
 */
export async function sendBytes(
  ctx: RequestContext,
  read: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  { length, stalledMs }: SendOptions,
): Promise<void> {
  const { res, state } = ctx;
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  res.once('close', leave);
  if (res.destroyed) leave();
  let sent = 0;
  try {
    for await (const chunk of read(leaving.signal)) {
      if (length !== undefined && sent + chunk.length > length)
        throw new Error(`more than ${length} bytes were read`);
      ctx.respond = false;
      await write(res, chunk, leaving, stalledMs);
      sent += chunk.length;
      state.sentBytes = sent;
    }
    if (length !== undefined && sent < length) throw new Error(`only ${sent} of ${length} bytes were read`);
    ctx.respond = false;
    res.end();
  } catch (error) {
    const hasLeft = leaving.signal.aborted;
    leave();
    if (!hasLeft) throw error;
  } finally {
    res.off('close', leave);
  }
}

/**
 * Until the system has taken the chunk. Node's own time-out sees slow progress; it runs only while it is the client that is
 * waited for. Writing fails for no other reason than that the client left.
 */
function write(
  res: ServerResponse,
  chunk: Uint8Array,
  leaving: AbortController,
  stalledMs: number,
): Promise<void> {
  const { signal } = leaving;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    res.socket?.setTimeout(stalledMs);
    res.write(chunk, (error) => {
      if (error) return leaving.abort(error);
      signal.removeEventListener('abort', leave);
      res.socket?.setTimeout(0);
      resolve();
    });
  });
}
