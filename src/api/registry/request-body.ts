/**
 * The body of a request, for whoever stores it to read at their own pace. No parser touches it and it is never in memory as a
 * whole: a little is read ahead of a busy disk, and beyond that the client is held back.
 */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { OciError } from '../../oci/errors.ts';
import type { RequestContext } from '../state.ts';

/** How much is read ahead: it keeps the network busy while the disk is, and is little for each of many uploads. */
const maxAheadBytes = 256 * 1024;
/** nginx's status for a client that left. Nobody gets it for an answer. */
const clientLeft = 499;

/** How long a client may take while its bytes are waited for, in milliseconds. */
export interface BodyPatience {
  /** How long the next byte may take. */
  readonly stalledMs: number;
  /** How long all bytes may take; undefined for what may be large. */
  readonly totalMs?: number;
}

/** Patience with what is small, whoever sends it: manifests of the largest size come through a slow line in this time. */
export const smallBodyPatience: BodyPatience = { stalledMs: 30_000, totalMs: 60_000 };

/**
 * Hands on the body, and lets go of it afterwards, read or not.
 * @throws what `use` throws; where the body broke off that, whatever `use` made of it
 */
export async function withRequestBody<T>(
  { req, res }: RequestContext,
  patience: BodyPatience,
  use: (body: RequestBody) => Promise<T>,
): Promise<T> {
  // The status is for the log, which is written as soon as the connection is closed. Whatever is answered has a status of its own.
  res.statusCode = clientLeft;
  const body = new RequestBody(req, patience);
  try {
    return await use(body);
  } catch (error) {
    throw body.failure ?? error;
  } finally {
    body.release();
  }
}

/** This is no generator: one that waits for a chunk could not be ended before it came. */
export class RequestBody implements AsyncIterableIterator<Uint8Array, undefined> {
  /** The length that the client announces, in bytes; undefined where it sends chunks until it is done. */
  readonly length: number | undefined;
  readonly #request: Readable;
  readonly #patience: BodyPatience;
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #isListening = false;
  #isOver = false;
  #failure: OciError | undefined;
  /** Wakes whoever waits for a chunk. */
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #totalTimer: NodeJS.Timeout | undefined;

  constructor(request: Readable & Pick<IncomingMessage, 'headers'>, patience: BodyPatience) {
    const { headers } = request;
    this.length =
      headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
    this.#request = request;
    this.#patience = patience;
  }

  /** Why it broke off; undefined where it did not. */
  get failure(): OciError | undefined {
    return this.#failure;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Hands out what came before it says that no more will. @throws OciError SIZE_INVALID where the body breaks off */
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

  /** Ends the reading at once, also for whoever waits for a chunk. The request stays as it is. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.release();
    return { done: true, value: undefined };
  }

  /** Lets go of the request. It is safe to call this more than once. */
  release(): void {
    const request = this.#request;
    request.off('data', this.#keep).off('end', this.#end).off('close', this.#leave);
    request.off('error', this.#leave);
    clearTimeout(this.#timer);
    clearTimeout(this.#totalTimer);
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
    const { totalMs } = this.#patience;
    if (totalMs === undefined) return;
    this.#totalTimer = setTimeout(() => {
      if (!this.#isOver) this.#fail(408, `the body did not come within ${totalMs / 1000} s`);
    }, totalMs);
  }

  /** Waits for the next chunk. The time runs while the client is waited for, with one timer for all of its chunks. */
  #more(): Promise<void> {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(this.#stall, this.#patience.stalledMs);
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
    const seconds = this.#patience.stalledMs / 1000;
    this.#fail(408, `the client sent nothing for ${seconds} s in the middle of the body`);
  };

  #fail(status: number, detail: string): void {
    this.#failure = new OciError('SIZE_INVALID', { status, detail });
    this.#end();
  }
}
