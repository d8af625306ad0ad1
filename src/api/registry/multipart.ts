/** Several ranges in one body. https://www.rfc-editor.org/rfc/rfc9110#section-14.6 */
import { randomUUID } from 'node:crypto';
import { octetStream } from '../../oci/media-types.ts';
import { type ByteRange, contentRange } from './range.ts';

interface Part {
  readonly head: Buffer;
  readonly range: ByteRange;
}

export class Multipart {
  readonly contentType: string;
  /** Length of the whole body in bytes. */
  readonly length: number;
  readonly #parts: readonly Part[];
  readonly #tail: Buffer;

  /** @param size of the blob that the ranges are of */
  constructor(ranges: readonly ByteRange[], size: number) {
    const boundary = randomUUID();
    this.contentType = `multipart/byteranges; boundary=${boundary}`;
    this.#parts = ranges.map((range) => ({
      range,
      head: Buffer.from(
        `\r\n--${boundary}\r\nContent-Type: ${octetStream}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
      ),
    }));
    this.#tail = Buffer.from(`\r\n--${boundary}--\r\n`);
    const partLengths = this.#parts.map(({ head, range }) => head.length + range.end - range.start);
    this.length = partLengths.reduce((sum, length) => sum + length, this.#tail.length);
  }

  async *body(
    read: (range: ByteRange) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (const { head, range } of this.#parts) {
      yield head;
      yield* read(range);
    }
    yield this.#tail;
  }
}
