import { buffer } from 'node:stream/consumers';
import * as zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { codingsIn, decodings } from '../../../src/outbound/content-coding.ts';

const bytes = Buffer.from('{"tags":["a","b"]}'.repeat(20));

async function decoded(coded: Buffer, label: string, maxBytes = 10_000): Promise<readonly Buffer[]> {
  return Array.fromAsync(decodings(coded, codingsIn(label), maxBytes));
}

/** By the decoder of a stream. */
async function streamed(coded: Buffer, label: string): Promise<readonly Buffer[]> {
  return Promise.all(
    codingsIn(label).map(({ createDecoder }) => {
      const decoder = createDecoder(coded);
      decoder.end(coded);
      return buffer(decoder);
    }),
  );
}

/** Deflated without compression, and without zlib's format. @param first byte, of which three bits count */
function storedRaw(first: number, content: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(first, 0);
  header.writeUInt16LE(content.length, 1);
  header.writeUInt16LE(~content.length & 0xffff, 3);
  return Buffer.concat([header, content, Buffer.from([1, 0, 0, 0xff, 0xff])]);
}

const zlibLikeLength = bytes.subarray(0, 31);

test.each([
  ['gzip', zlib.gzipSync(bytes), bytes],
  ['x-gzip', zlib.gzipSync(bytes), bytes],
  [' GZIP ', zlib.gzipSync(bytes), bytes],
  ['br', zlib.brotliCompressSync(bytes), bytes],
  ['zstd', zlib.zstdCompressSync(bytes), bytes],
  ['deflate', zlib.deflateSync(bytes), bytes],
  ['deflate', zlib.deflateRawSync(bytes), bytes],
  // What begins as zlib's format does in one of two ways is not in it.
  ['deflate', storedRaw(0x08, bytes), bytes],
  ['deflate', storedRaw(0x00, zlibLikeLength), zlibLikeLength],
])('%s is undone, at once and in a stream', async (label, coded, expected) => {
  expect(await decoded(coded, label)).toEqual([coded, expected]);
  expect(await streamed(coded, label)).toEqual([expected]);
});

test.each([Buffer.alloc(0), Buffer.from([8]), Buffer.from([0x78])])(
  'a stream that has hardly begun has a decoder: %o',
  (first) => {
    for (const { createDecoder } of codingsIn('deflate')) expect(() => createDecoder(first)).not.toThrow();
  },
);

test('codings are undone in the order opposite to that of their labels, three at most', async () => {
  const twice = zlib.brotliCompressSync(zlib.gzipSync(bytes));
  expect(await decoded(twice, 'gzip, br')).toEqual([twice, zlib.gzipSync(bytes), bytes]);
  expect(codingsIn('gzip, gzip, gzip, br')).toEqual([
    ...codingsIn('br'),
    ...codingsIn('gzip'),
    ...codingsIn('gzip'),
  ]);
});

test.each([undefined, '', 'identity', 'aws-chunked', 'gzipped'])('%j is no coding', (label) => {
  expect(codingsIn(label)).toEqual([]);
});

test('bytes that are not coded as their label says are those that came', async () => {
  for (const label of ['gzip', 'deflate', 'br', 'zstd']) expect(await decoded(bytes, label)).toEqual([bytes]);
  const once = zlib.gzipSync(bytes);
  expect(await decoded(once, 'gzip, gzip')).toEqual([once, bytes]);
});

test('what becomes more than is accepted is refused', async () => {
  const coded = zlib.gzipSync(bytes);
  await expect(decoded(coded, 'gzip', bytes.length - 1)).rejects.toMatchObject({ kind: 'invalid' });
  expect(await decoded(coded, 'gzip', bytes.length)).toHaveLength(2);
});

test('no more memory than HTTP allows is given to a window of zstd', async () => {
  const withWindow = async (log: number) => {
    const coder = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: log } });
    coder.write(bytes);
    coder.end();
    return buffer(coder);
  };
  const [small, large] = [await withWindow(23), await withWindow(24)];
  expect(await decoded(small, 'zstd')).toEqual([small, bytes]);
  expect(await decoded(large, 'zstd')).toEqual([large]);
  expect(await streamed(small, 'zstd')).toEqual([bytes]);
  await expect(streamed(large, 'zstd')).rejects.toThrow();
});
