/**
 * What one process sends another, in frames: bytes, what is said of them, and from time to time that there is somebody. One who sends
 * nothing at all is taken for dead.
 */

/** `beat` has no bytes, `said` is JSON; the bytes of `bytes` are a part of what is asked for, as it came. */
export type FrameKind = 'beat' | 'said' | 'bytes';

export interface Frame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
}

const kinds: readonly FrameKind[] = ['beat', 'said', 'bytes'];
const headerBytes = 5;
/** Of what is said: a manifest of 4 MiB in base64, or a long list of tags. */
export const maxSaidBytes = 64 * 1024 * 1024;

/** Its kind and how many bytes follow. */
export function frameHeader(kind: FrameKind, length: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(kinds.indexOf(kind));
  header.writeUInt32BE(length, 1);
  return header;
}

/** What another process sent is no frame, or ended within one. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Without beats; bytes come as they arrive, be they a part of a frame. @throws FrameError, and what reading throws */
export async function* readFrames(
  chunks: AsyncIterator<Buffer, undefined>,
): AsyncGenerator<Frame, void, undefined> {
  const reader = new ChunkReader(chunks);
  while (await reader.hasMore()) {
    const header = await reader.take(headerBytes);
    const kind = kinds[header.readUInt8()];
    let left = header.readUInt32BE(1);
    if (kind === undefined || (kind === 'beat' && left > 0)) throw new FrameError('sent what is no frame');
    if (kind === 'said') {
      if (left > maxSaidBytes) throw new FrameError(`said more than ${maxSaidBytes} bytes`);
      yield { kind, bytes: await reader.take(left) };
      continue;
    }
    while (left > 0) {
      const bytes = await reader.takeSome(left);
      left -= bytes.length;
      yield { kind, bytes };
    }
  }
}

class ChunkReader {
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterator<Buffer, undefined>) {
    this.#chunks = chunks;
  }

  /** False at the end. */
  async hasMore(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#chunk = value;
    }
    return true;
  }

  /** At least one byte, without copying it. */
  async takeSome(max: number): Promise<Buffer> {
    if (!(await this.hasMore())) throw new FrameError('ended within a frame');
    const some = this.#chunk.subarray(0, max);
    this.#chunk = this.#chunk.subarray(max);
    return some;
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.takeSome(left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, count);
  }
}
