/**
 * A body in big steps: whoever handles the chunks does so once for what came within a moment. They come as they are read from the
 * network, a thousand a second and more of a fast one, and each handling has its price.
 */
import { finished, type Readable } from 'node:stream';
import { freeMemory } from '../oci/free-memory.ts';

const maxBytes = 256 * 1024;
const momentMs = 5;

/** The first bytes come at once. A chunk is given away: nobody else has its memory. */
export class BodyChunks implements AsyncIterator<Buffer, undefined> {
  readonly #body: Readable;
  readonly #timer: NodeJS.Timeout;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** The parts are given to whoever asks. */
  #isDue = true;
  #isOver = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(body: Readable) {
    this.#body = body;
    this.#timer = setTimeout(this.#makeDue, momentMs);
    finished(body, (error) => {
      this.#isOver = true;
      this.#failure = error ?? undefined;
      clearTimeout(this.#timer);
      this.#makeDue();
    });
    body.on('data', this.#keep);
  }

  /** What came before it broke off comes before its error. @throws the error of the body */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    while (!this.#isOver && !(this.#isDue && this.#bytes > 0))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#bytes > 0) return { done: false, value: this.#take() };
    if (this.#failure !== undefined) throw this.#failure;
    return { done: true, value: undefined };
  }

  readonly #keep = (part: Buffer): void => {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes >= maxBytes) this.#body.pause();
    if (this.#isDue || this.#bytes >= maxBytes) this.#makeDue();
  };

  readonly #makeDue = (): void => {
    this.#isDue = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  };

  #take(): Buffer {
    const parts = this.#parts;
    const chunk = joined(parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#isDue = false;
    this.#timer.refresh();
    this.#body.resume();
    return chunk;
  }
}

function joined(parts: readonly Buffer[], bytes: number): Buffer {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  // Of the pool that Buffer.concat takes small ones from, nothing can be freed.
  const chunk = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const part of parts) {
    chunk.set(part, at);
    at += part.length;
    freeMemory(part);
  }
  return chunk;
}
