import { Readable } from 'node:stream';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { maxManifestBytes } from '../../../src/oci/manifest.ts';
import type { Reference } from '../../../src/oci/reference.ts';
import { findDigest, readManifest } from '../../../src/upstreams/manifest-answer.ts';
import { answerOf } from '../outbound/answer-kit.ts';
import { latest } from './kit.ts';

const payload = Buffer.from('{"schemaVersion":2}');
const sha256 = digestOf(payload);
const sha512 = digestOf(payload, 'sha512');
const quoteWithin = `${sha256.slice(0, 20)}"${sha256.slice(20)}`;

describe('the digest', () => {
  test.each([
    ['of a header with white space around it', { 'docker-content-digest': ` ${sha256} ` }, sha256],
    ['of a weak ETag with white space around it', { etag: ` w/"${sha256}" ` }, sha256],
    ['of an ETag, where the header has none', { 'docker-content-digest': 'x', etag: `"${sha512}"` }, sha512],
    ['is not made of an ETag that has a quote within', { etag: `"${quoteWithin}"` }, undefined],
    ['is not made of an ETag that has a quote within and none around it', { etag: quoteWithin }, undefined],
    ['is not made of an ETag that has more in it', { etag: `"x${sha256}"` }, undefined],
  ])('%s', (_what, headers, digest) => {
    expect(findDigest(answerOf({ headers }))).toBe(digest);
  });
});

describe('a manifest', () => {
  const read = (headers: Record<string, string>, reference: Reference = latest, sent = payload) =>
    readManifest(answerOf({ headers, body: Readable.from([sent]) }), reference);

  test('has no more than was sent with it', async () => {
    expect(await read({})).toEqual({
      manifest: { payload, contentType: undefined, digest: sha256, etag: undefined },
      otherDigest: undefined,
    });
  });

  test.each([
    ['its digest', sha256],
    ['its digest in another algorithm', sha512],
    ['its digest with white space around it', ` ${sha512} `],
    ['what is no digest', 'sha256:abc'],
  ])('may come with %s', async (_what, said) => {
    expect(await read({ 'docker-content-digest': said })).toMatchObject({
      manifest: { digest: sha256 },
      otherDigest: undefined,
    });
  });

  test.each([
    ['sha256', digestOf(Buffer.from('other'))],
    ['sha512', digestOf(Buffer.from('other'), 'sha512')],
  ])('by tag that is labelled with another digest of %s has its own', async (_what, said) => {
    expect(await read({ 'docker-content-digest': ` ${said} ` })).toMatchObject({
      manifest: { payload, digest: sha256 },
      otherDigest: said,
    });
    expect((await read({ 'docker-content-digest': said }, sha256)).otherDigest).toBeUndefined();
  });

  test('of schema 1 is labelled with the digest of what is signed of it', async () => {
    const headers = {
      'docker-content-digest': digestOf(Buffer.from('unsigned')),
      'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    };
    expect((await read(headers)).otherDigest).toBeUndefined();
  });

  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['Deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, aws-chunked', gzipSync],
    ['gzip, gzip', gzipSync],
    ['identity, gzip', gzipSync],
    ['gzip, br', (bytes: Buffer) => brotliCompressSync(gzipSync(bytes))],
  ])('that is coded (%s) is decoded where that is what it is asked for as', async (label, encode) => {
    const headers = { 'content-encoding': label };
    for (const reference of [latest, sha256, sha512])
      expect((await read(headers, reference, encode(payload))).manifest.payload).toEqual(payload);
    expect(
      (await read({ ...headers, 'docker-content-digest': sha256 }, latest, encode(payload))).otherDigest,
    ).toBe(undefined);
    const digest = digestOf(encode(payload));
    expect((await read(headers, digest, encode(payload))).manifest.payload).toEqual(encode(payload));
    expect(
      (await read({ ...headers, 'docker-content-digest': digest }, latest, encode(payload))).otherDigest,
    ).toBeUndefined();
  });

  test.each([
    'gzip',
    'x-gzip',
    'deflate',
    'br',
    'zstd',
    'gzip, gzip',
    'aws-chunked',
    'identity',
    'compress',
    'x',
  ])('is taken as it came where it is only called %s', async (label) => {
    for (const reference of [latest, sha256, sha512])
      expect((await read({ 'content-encoding': label }, reference)).manifest.payload).toEqual(payload);
  });

  test('that is coded is no longer than one that is not', async () => {
    const bomb = (bytes: number) =>
      gzipSync(Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(bytes, 97), Buffer.from('"}')]));
    const headers = { 'content-encoding': 'gzip' };
    expect((await read(headers, latest, bomb(maxManifestBytes - 8))).manifest.payload).toHaveLength(
      maxManifestBytes,
    );
    await expect(read(headers, latest, bomb(maxManifestBytes - 7))).rejects.toMatchObject({
      kind: 'invalid',
      message: 'sent more than the 4194304 bytes that are accepted here',
    });
  });

  test('is decoded three times at most', async () => {
    const coded = [1, 2, 3, 4].reduce((bytes: Buffer) => gzipSync(bytes), payload);
    const headers = { 'content-encoding': 'gzip, gzip, gzip, gzip' };
    expect((await read(headers, latest, coded)).manifest.payload).toEqual(coded);
  });

  test('is refused where another digest was asked for, and the status is told', async () => {
    const asked = digestOf(Buffer.from('other'), 'sha512');
    const answer = answerOf({ body: Readable.from([payload]) });
    await expect(readManifest(answer, asked)).rejects.toMatchObject({ kind: 'invalid', status: 200 });
  });
});
