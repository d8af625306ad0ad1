import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { codingsIn } from '../../../src/outbound/content-coding.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { openCoded } from '../../../src/upstreams/coded-blob.ts';

const mebibyte = 1024 * 1024;
const text = Buffer.from('{"architecture":"amd64"}'.repeat(100));

interface Sent {
  readonly digest: Digest;
  readonly label: string;
  readonly length?: number | undefined;
  readonly size?: number | undefined;
  /** After the bytes. */
  readonly breaks?: Error;
}

/** In chunks, as they come from the network. */
async function* chunksOf(bytes: Buffer, breaks: Error | undefined): AsyncGenerator<Buffer, undefined> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
  if (breaks) throw breaks;
}

async function open(bytes: Buffer, { digest, label, length, size, breaks }: Sent) {
  const blob = { digest, codings: codingsIn(label), length, size };
  const opened = await openCoded(chunksOf(bytes, breaks), blob);
  const chunks: Buffer[] = [];
  let error: unknown;
  try {
    for await (const chunk of opened.body) chunks.push(Buffer.from(chunk));
  } catch (thrown) {
    error = thrown;
  }
  return { size: opened.size, bytes: Buffer.concat(chunks), error };
}

describe('a short blob that is labelled with a content coding', () => {
  test('is as it came where that has its digest', async () => {
    for (const bytes of [text, gzipSync(text), Buffer.alloc(0)]) {
      const found = await open(bytes, { digest: digestOf(bytes), label: 'gzip', length: bytes.length });
      expect(found).toEqual({ size: bytes.length, bytes, error: undefined });
    }
  });

  test.each([
    ['gzip', gzipSync(text)],
    ['deflate', deflateRawSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['gzip, gzip', gzipSync(text)],
  ])('is decoded where that has its digest: %s', async (label, bytes) => {
    for (const digest of [digestOf(text), digestOf(text, 'sha512')])
      expect(await open(bytes, { digest, label })).toEqual({
        size: text.length,
        bytes: text,
        error: undefined,
      });
  });

  test('is as it came where nothing has its digest', async () => {
    const bytes = gzipSync(text);
    const found = await open(bytes, { digest: digestOf(Buffer.from('other')), label: 'gzip', length: 7 });
    expect(found).toEqual({ size: 7, bytes, error: undefined });
  });

  test.each(['gzip', 'deflate', 'br', 'gzip, br'])(
    'is as it came where it is not coded so: %s',
    async (label) => {
      for (const bytes of [text, Buffer.alloc(0)]) {
        const found = await open(bytes, { digest: digestOf(Buffer.from('other')), label, length: 7 });
        expect(found).toEqual({ size: 7, bytes, error: undefined });
      }
    },
  );

  test('has up to 4 MiB', async () => {
    const bytes = randomBytes(4 * mebibyte);
    const short = await open(bytes, { digest: digestOf(bytes), label: 'gzip' });
    expect([short.size, short.bytes.equals(bytes)]).toEqual([bytes.length, true]);
  });

  test('is not decoded without end', async () => {
    const bomb = Buffer.alloc(64 * mebibyte);
    const whole = { digest: digestOf(bomb), label: 'gzip' };
    expect((await open(gzipSync(bomb), whole)).size).toBe(bomb.length);
    const more = Buffer.alloc(bomb.length + 1);
    const bytes = gzipSync(more);
    expect((await open(bytes, { ...whole, digest: digestOf(more) })).bytes).toEqual(bytes);
  });

  test('breaks as its transfer does, after what came before', async () => {
    const bytes = text.subarray(0, 1000);
    const breaks = new OutboundError('unavailable', 'closed the connection');
    const sent = { digest: digestOf(text), label: 'gzip', length: text.length, breaks };
    expect(await open(bytes, sent)).toEqual({ size: text.length, bytes, error: breaks });
  });
});

describe('a long blob that is labelled with a content coding', () => {
  const long = randomBytes(5 * mebibyte);
  const coded = gzipSync(long);
  const digest = digestOf(long);

  test.each([['its length is not its size', { length: coded.length, size: long.length }]])(
    'is decoded where %s',
    async (_, said) => {
      const found = await open(coded, { digest, label: 'gzip', ...said });
      expect([found.size, digestOf(found.bytes), found.error]).toEqual([long.length, digest, undefined]);
    },
  );

  test.each([
    ['its length is its size', { length: long.length, size: long.length }, long.length],
    ['its length is not known', { size: long.length }, undefined],
    ['its size is not known', { length: long.length }, long.length],
  ])('is as it came where %s', async (_, said, size) => {
    const found = await open(long, { digest, label: 'gzip', ...said });
    expect([found.size, digestOf(found.bytes), found.error]).toEqual([size, digest, undefined]);
  });

  test('is nonsense where it is not coded so', async () => {
    const { error } = await open(long, { digest, label: 'gzip', length: long.length, size: 1 });
    expect(error).toMatchObject({
      kind: 'invalid',
      message: 'sent a blob that is not coded as it says',
      cause: expect.any(Error),
    });
  });

  test('breaks as its transfer does', async () => {
    const breaks = new OutboundError('unavailable', 'closed the connection');
    const half = coded.subarray(0, -1000);
    const sent = { digest, label: 'gzip', length: coded.length, size: long.length, breaks };
    expect((await open(half, sent)).error).toBe(breaks);
  });
});
