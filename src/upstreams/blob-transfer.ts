/** A blob on its way from an upstream: what part of it this is, and its bytes, which end early only with an error. */
import type { Answer } from '../outbound/answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { BlobRange } from './upstream.ts';

/** Arrived bytes are told in lots, not one chunk at a time. */
const lotBytes = 4 * 1024 * 1024;

export interface BlobPart {
  /** Position of the first byte. */
  readonly start: number;
  /** Of this part in bytes, where it is said. */
  readonly length: number | undefined;
  /** Of the whole blob in bytes, where it is said. */
  readonly size: number | undefined;
}

export function rangeHeader({ start, last }: BlobRange): Record<string, string> {
  return start === 0 && last === undefined ? {} : { range: `bytes=${start}-${last ?? ''}` };
}

/** @throws OutboundError 'invalid' where the part is not the one asked for. */
export function parsePart(answer: Answer, asked: BlobRange): BlobPart {
  const said = answer.header('content-range');
  const isPart = answer.status === 206 && (said !== undefined || asked.start > 0 || asked.last !== undefined);
  if (!isPart) return { start: 0, length: answer.length, size: answer.length };
  const text = said ?? '';
  const [, first, last, size] = /^\s*bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)\s*$/i.exec(text) ?? [];
  const part = { start: Number(first), end: Number(last) + 1, size: size === '*' ? undefined : Number(size) };
  const isAsked =
    part.start === asked.start &&
    part.end > part.start &&
    part.end <= (asked.last ?? Number.MAX_SAFE_INTEGER) + 1 &&
    (answer.length ?? part.end - part.start) === part.end - part.start;
  if (!isAsked || part.end > (part.size ?? Number.POSITIVE_INFINITY) || !isSameBlob(answer, part.size, asked))
    throw new OutboundError(
      'invalid',
      `answered bytes ${asked.start}-${asked.last ?? ''} with "${text.slice(0, 80)}"`,
      {
        status: answer.status,
      },
    );
  return { start: part.start, length: part.end - part.start, size: part.size };
}

/** Of coded bytes, a part would be another one. */
function isSameBlob(answer: Answer, size: number | undefined, asked: BlobRange): boolean {
  if (size === undefined || asked.size === undefined) return answer.codings.length === 0;
  return size === asked.size;
}

export interface BlobBodyOptions {
  readonly answer: Answer;
  /** In bytes, where it is known. */
  readonly expected: number | undefined;
  /** How slow it may be, on average over so much waiting: time in which nobody asks for more does not count. */
  readonly minBytesPerSecond: number;
  readonly windowMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onBytes: (count: number) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Written out as an iterator and not as a generator, to add nothing to each chunk but a count. */
export class BlobBody implements AsyncIterableIterator<Buffer, undefined> {
  readonly #options: BlobBodyOptions;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #arrived = 0;
  #told = 0;
  #askedAt = 0;
  #waitedMs = 0;
  /** What had arrived when the window began. */
  #before = 0;
  #isClosed = false;

  constructor(options: BlobBodyOptions) {
    this.#options = options;
    this.#chunks = options.answer.chunks();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    this.#askedAt = this.#options.now();
    return this.#chunks.next().then(this.#took, this.#failed);
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the transfer; that it breaks off then is nobody's failure. */
  close(): void {
    this.#isClosed = true;
    this.#tell();
    this.#options.answer.destroy();
  }

  readonly #took = (result: IteratorResult<Buffer, undefined>): IteratorResult<Buffer, undefined> => {
    const { expected } = this.#options;
    if (result.done) {
      this.#tell();
      if (this.#arrived < (expected ?? 0))
        return this.#failed(new OutboundError('unavailable', `sent ${this.#arrived} of ${expected} bytes`));
      return result;
    }
    this.#arrived += result.value.length;
    if (this.#arrived > (expected ?? Number.POSITIVE_INFINITY))
      return this.#failed(
        new OutboundError('unavailable', `sent more than the ${expected} bytes it announced`),
      );
    if (this.#arrived - this.#told >= lotBytes) this.#tell();
    this.#checkPace();
    return result;
  };

  /** A byte now and then is no progress, and keeps a connection from others. */
  #checkPace(): void {
    const { minBytesPerSecond, windowMs, now } = this.#options;
    this.#waitedMs += now() - this.#askedAt;
    if (this.#waitedMs < windowMs) return;
    const seconds = this.#waitedMs / 1000;
    if (this.#arrived - this.#before < minBytesPerSecond * seconds) {
      const message = `sent ${this.#arrived - this.#before} bytes in ${Math.round(seconds)} s`;
      this.#failed(new OutboundError('unavailable', message, { limit: 'upstreams.min_bytes_per_second' }));
    }
    this.#waitedMs = 0;
    this.#before = this.#arrived;
  }

  readonly #failed = (cause: unknown): never => {
    const error = this.#options.answer.translate(cause);
    if (!this.#isClosed) this.#options.onFailure(error);
    this.close();
    throw error;
  };

  #tell(): void {
    if (this.#arrived > this.#told) this.#options.onBytes(this.#arrived - this.#told);
    this.#told = this.#arrived;
  }
}
