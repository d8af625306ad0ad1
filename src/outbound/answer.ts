/** One HTTP answer of another server: read to an end, discarded or destroyed by whoever got it. */
import type { Dispatcher } from 'undici';
import { BodyChunks } from './body-chunks.ts';
import { type Coding, codingsIn, tooLong } from './content-coding.ts';
import { toOutboundError } from './network-error.ts';

/** Of an answer that nobody wants: read that far so that its connection can be used again. */
const maxDiscardedBytes = 64 * 1024;
const maxDiscardMs = 1000;

export class Answer {
  readonly status: number;
  /** What was asked last, after redirects. */
  readonly url: URL;
  readonly #data: Dispatcher.ResponseData;
  readonly #signal: AbortSignal | undefined;

  constructor(url: URL, data: Dispatcher.ResponseData, signal: AbortSignal | undefined) {
    this.url = url;
    this.status = data.statusCode;
    this.#data = data;
    this.#signal = signal;
  }

  /** Several headers of one name are joined by commas. */
  header(name: string): string | undefined {
    const value = this.#data.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The Content-Length in bytes. */
  get length(): number | undefined {
    const text = this.header('content-length');
    return text?.match(/^\d{1,15}$/) ? Number(text) : undefined;
  }

  /** What it says its body was coded with, the last first; it may not be true. */
  get codings(): readonly Coding[] {
    return codingsIn(this.header('content-encoding'));
  }

  /** The body as it came. @throws OutboundError 'invalid' when there are more than `maxBytes`. */
  async read(maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      if ((this.length ?? 0) > maxBytes) throw tooLong(maxBytes);
      for await (const chunk of this.#data.body) {
        size += chunk.length;
        if (size > maxBytes) throw tooLong(maxBytes);
        chunks.push(chunk);
      }
    } catch (error) {
      this.destroy();
      throw this.translate(error);
    }
    return Buffer.concat(chunks, size);
  }

  /** In big steps; each is given away. */
  chunks(): AsyncIterator<Buffer, undefined> {
    return new BodyChunks(this.#data.body);
  }

  /** The signal's reason where the caller gave up, else an OutboundError. */
  translate(error: unknown): unknown {
    return this.#signal?.aborted ? this.#signal.reason : toOutboundError(error);
  }

  discard(): void {
    const { body } = this.#data;
    if (body.closed) return;
    const timer = setTimeout(() => body.destroy(), maxDiscardMs);
    body.once('close', () => clearTimeout(timer));
    void body.dump({ limit: maxDiscardedBytes });
  }

  destroy(): void {
    this.#data.body.destroy();
  }
}
