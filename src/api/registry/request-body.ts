/**
 * The body of a request, for whoever stores it to read at their own pace. No parser touches it and it is never in memory as a
 * whole: a little is read ahead of a busy disk, and beyond that the client is held back.
 */
import type { IncomingMessage } from 'node:http';
import { OciError } from '../../oci/errors.ts';
import type { RequestContext } from '../state.ts';

/** Keeps the network busy while the disk is, and is little for each of many uploads. */
const maxAheadBytes = 256 * 1024;
/** As nginx has it. Nobody gets it for an answer. */
const clientLeft = 499;

/**
 * Hands on the body, and lets go of it afterwards, read or not.
 * @param stalledMs how long a client may send nothing while its bytes are waited for, before its connection is destroyed
 * @throws what `use` throws; where the body broke off that, whatever `use` made of it
 */
export async function withRequestBody<T>(
  { req, res }: RequestContext,
  stalledMs: number,
  use: (body: RequestBody) => Promise<T>,
): Promise<T> {
  // For the log, which is written as soon as the connection is closed. Whatever is answered has a status of its own.
  res.statusCode = clientLeft;
  const body = new RequestBody(req, stalledMs);
  try {
    return await use(body);
  } catch (error) {
    throw body.failure ?? error;
  } finally {
    body.release();
  }
}

/** Not a generator: one that waits for a chunk could not be ended before it came. */
export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined> {
  /** As the client says it, in bytes; undefined where it sends chunks until it is done. */
  readonly length: number | undefined;
  readonly #request: IncomingMessage;
  readonly #stalledMs: number;
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #isListening = false;
  #isOver = false;
  #failure: OciError | undefined;
  /** Of who waits for a chunk. */
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: IncomingMessage, stalledMs: number) {
    const { headers } = request;
    this.length =
      headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
    this.#request = request;
    this.#stalledMs = stalledMs;
  }

  /** Why it broke off; undefined where it did not. */
  get failure(): OciError | undefined {
    return this.#failure;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What came is handed out before it is said that no more will. @throws OciError SIZE_INVALID where the body breaks off */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#isListening) this.#listen();
    while (this.#chunks.length === 0 && !this.#isOver) await this.#more();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#waitingBytes -= chunk.length;
      if (this.#waitingBytes < maxAheadBytes && this.#request.isPaused()) this.#request.resume();
      return { done: false, value: chunk };
    }
    if (this.#failure) throw this.#failure;
    return { done: true, value: undefined };
  }

  /** Ends the reading at once, also for who waits for a chunk. The request stays as it is. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.release();
    return { done: true, value: undefined };
  }

  /** Safe to call more than once. */
  release(): void {
    const request = this.#request;
    request.off('data', this.#keep).off('end', this.#end).off('close', this.#leave);
    request.off('error', this.#leave);
    clearTimeout(this.#timer);
    this.#chunks.length = 0;
    this.#end();
  }

  #listen(): void {
    const request = this.#request;
    this.#isListening = true;
    if (request.destroyed) this.#leave();
    if (this.#isOver) return;
    request.on('error', this.#leave).on('close', this.#leave);
    request.on('end', this.#end).on('data', this.#keep);
  }

  /** The time runs while the client is the one to wait for; there is one timer for all of its chunks. */
  #more(): Promise<void> {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(this.#stall, this.#stalledMs);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= maxAheadBytes) this.#request.pause();
    this.#wakeReader();
  };

  readonly #end = (): void => {
    this.#isOver = true;
    this.#wakeReader();
  };

  readonly #leave = (): void => {
    if (!this.#isOver) this.#fail(clientLeft, 'the client left in the middle of the body');
  };

  readonly #stall = (): void => {
    if (!this.#wake) return;
    this.#fail(408, `the client sent nothing for ${this.#stalledMs / 1000} s in the middle of the body`);
    this.#request.destroy();
  };

  #fail(status: number, detail: string): void {
    this.#failure = new OciError('SIZE_INVALID', { status, detail });
    this.#end();
  }
}
