import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
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
  const read = (headers: Record<string, string>, reference = latest) =>
    readManifest(answerOf({ headers, body: Readable.from([payload]) }), reference);

  test('has no more than was sent with it', async () => {
    expect(await read({})).toEqual({ payload, contentType: undefined, digest: sha256, etag: undefined });
  });

  test.each([
    ['its digest', sha256],
    ['its digest in another algorithm', sha512],
    ['its digest with white space around it', ` ${sha512} `],
    ['what is no digest', 'sha256:abc'],
  ])('may come with %s', async (_what, said) => {
    expect((await read({ 'docker-content-digest': said })).digest).toBe(sha256);
  });

  test.each([
    ['sha256', digestOf(Buffer.from('other'))],
    ['sha512', digestOf(Buffer.from('other'), 'sha512')],
  ])('is refused with another digest of %s, and the status is told', async (_what, said) => {
    await expect(read({ 'docker-content-digest': ` ${said} ` })).rejects.toMatchObject({
      kind: 'invalid',
      status: 200,
    });
  });

  test('is refused where another digest was asked for, and the status is told', async () => {
    const asked = digestOf(Buffer.from('other'), 'sha512');
    const answer = answerOf({ body: Readable.from([payload]) });
    await expect(readManifest(answer, asked)).rejects.toMatchObject({ kind: 'invalid', status: 200 });
  });
});
