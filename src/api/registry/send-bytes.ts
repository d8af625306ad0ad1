/**
 * Sends bytes at the client's pace. They are no body of koa's, which destroys bodies of clients that leave, and chunks here are
 * only lent until the next one is asked for.
 */
import type { ServerResponse } from 'node:http';
import type { RequestContext } from '../state.ts';

export interface SendOptions {
  /** The body's length, as announced; undefined where it is sent chunked. */
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
  const client = new Client(res, stalledMs);
  let sent = 0;
  try {
    for await (const chunk of read(client.signal)) {
      if (length !== undefined && sent + chunk.length > length)
        throw new Error(`more than ${length} bytes were read`);
      ctx.respond = false;
      await client.take(chunk);
      sent += chunk.length;
      state.sentBytes = sent;
    }
    if (length !== undefined && sent < length) throw new Error(`only ${sent} of ${length} bytes were read`);
    ctx.respond = false;
    res.end();
  } catch (error) {
    if (!client.signal.aborted && !res.destroyed) throw error;
  } finally {
    client.release();
  }
}

/** A response with one listener for all of its chunks: many clients with many chunks would be many listeners. */
class Client {
  readonly #res: ServerResponse;
  readonly #stalledMs: number;
  readonly #leaving = new AbortController();
  #waiting: ((error: unknown) => void) | undefined;

  constructor(res: ServerResponse, stalledMs: number) {
    this.#res = res;
    this.#stalledMs = stalledMs;
    res.once('close', this.#leave);
    if (res.destroyed) this.#leave();
  }

  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Waits until the system has taken the chunk. Node's own time-out sees slow progress; it runs only while the client is waited for. */
  take(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(this.signal.reason);
      this.#waiting = reject;
      this.#res.socket?.setTimeout(this.#stalledMs);
      this.#res.write(chunk, (error) => {
        if (error) return this.#leave();
        this.#waiting = undefined;
        this.#res.socket?.setTimeout(0);
        resolve();
      });
    });
  }

  release(): void {
    this.#res.off('close', this.#leave);
  }

  /** Runs before anything else: whoever reads may be waiting for bytes, and is told to stop. */
  readonly #leave = (): void => {
    this.#leaving.abort();
    this.#waiting?.(this.signal.reason);
  };
}
