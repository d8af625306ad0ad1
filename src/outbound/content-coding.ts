/**
 * Content codings, which we ask nobody for and get all the same: as labels on bytes that were never coded, and on coded ones. Whoever
 * knows what the bytes should be decides which it is.
 */
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { isSystemError } from '../oci/system-error.ts';
import { OutboundError } from './outbound-error.ts';

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

export interface Coding {
  readonly decode: Decode;
  /** @param first bytes of what is to be decoded */
  readonly createDecoder: (first: Buffer) => Transform;
}

const gzip: Coding = { decode: promisify(zlib.gunzip), createDecoder: () => zlib.createGunzip() };
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);
/** By its specification within zlib's format, and without by many who send it. */
const deflate: Coding = {
  decode: (bytes, options) => (isZlib(bytes) ? inflate(bytes, options) : inflateRaw(bytes, options)),
  createDecoder: (first) => (isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw()),
};
const brotli: Coding = {
  decode: promisify(zlib.brotliDecompress),
  createDecoder: () => zlib.createBrotliDecompress(),
};
/** A frame may ask for a window of 128 MiB, over HTTP for 8 MiB. https://www.rfc-editor.org/rfc/rfc9659 */
const zstdOptions = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } };
const zstdDecompress = promisify(zlib.zstdDecompress);
const zstd: Coding = {
  decode: (bytes, options) => zstdDecompress(bytes, { ...zstdOptions, ...options }),
  createDecoder: () => zlib.createZstdDecompress(zstdOptions),
};
const codings: ReadonlyMap<string, Coding> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  ['deflate', deflate],
  ['br', brotli],
  ['zstd', zstd],
]);
/** Nobody means more, and each can be a bomb of its own. */
const maxCodings = 3;

/** The last one applied first, as they are undone. Labels that change no bytes, such as `identity` and `aws-chunked`, are left out. */
export function codingsIn(contentEncoding: string | undefined): readonly Coding[] {
  if (contentEncoding === undefined) return [];
  return contentEncoding
    .split(',')
    .flatMap((label) => codings.get(label.trim().toLowerCase()) ?? [])
    .reverse()
    .slice(0, maxCodings);
}

/**
 * The bytes as they came, then with one coding after the other undone, for as long as they are coded so.
 * @throws OutboundError 'invalid' where that makes more than `maxBytes`
 */
export async function* decodings(
  bytes: Buffer,
  applied: readonly Coding[],
  maxBytes: number,
): AsyncGenerator<Buffer, void> {
  yield bytes;
  let decoded = bytes;
  for (const { decode } of applied) {
    try {
      decoded = await decode(decoded, { maxOutputLength: maxBytes });
    } catch (error) {
      if (isSystemError(error) && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(maxBytes);
      return;
    }
    yield decoded;
  }
}

export function tooLong(maxBytes: number): OutboundError {
  return new OutboundError('invalid', `sent more than the ${maxBytes} bytes that are accepted here`);
}

/** https://www.rfc-editor.org/rfc/rfc1950#section-2.2 */
function isZlib(bytes: Buffer): boolean {
  return bytes.length > 1 && (bytes.readUInt8(0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}
