import { gzipSync } from 'node:zlib';
import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { OpenedBlob } from '../../../src/upstreams/upstream.ts';
import { createKit, image } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry(true);

const blob = Buffer.from('0123456789');
const digest = digestOf(blob);
const path = `/v2/team/app/blobs/${digest}`;

async function textOf({ body }: OpenedBlob): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('headBlob', () => {
  test('gives the size', async () => {
    nock(origin).head(path).reply(200, undefined, { 'content-length': '10' });
    const { upstream, observer } = createKit();
    expect(await upstream.headBlob(image, digest)).toBe(10);
    expect(observer.requests).toEqual(['blob-head ok']);
  });

  test('gives none where none is said', async () => {
    nock(origin).head(path).reply(200);
    expect(await createKit().upstream.headBlob(image, digest)).toBeUndefined();
  });

  test('says not-found', async () => {
    nock(origin).head(path).reply(404);
    await expect(createKit().upstream.headBlob(image, digest)).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('does not give a size of 0 for what is not empty, but asks by GET', async () => {
    nock(origin).head(path).reply(200, undefined, { 'content-length': '0' });
    nock(origin).get(path).reply(200, blob, { 'content-length': '10' });
    expect(await createKit().upstream.headBlob(image, digest)).toBe(10);
    const empty = digestOf(Buffer.alloc(0), 'sha512');
    nock(origin).head(`/v2/team/app/blobs/${empty}`).reply(200, undefined, { 'content-length': '0' });
    expect(await createKit().upstream.headBlob(image, empty)).toBe(0);
  });

  test('gives no size of what is coded', async () => {
    nock(origin).head(path).reply(200, '', { 'content-length': '5', 'content-encoding': 'gzip' });
    expect(await createKit().upstream.headBlob(image, digest)).toBeUndefined();
  });

  test.each([400, 405, 406, 415, 501])(
    'asks by GET where HEAD is answered with %d, and reads nothing',
    async (status) => {
      nock(origin).head(path).reply(status);
      nock(origin, { badheaders: ['range'] })
        .get(path)
        .reply(200, blob, { 'content-length': '10' });
      expect(await createKit().upstream.headBlob(image, digest)).toBe(10);
    },
  );
});

describe('openBlob', () => {
  test('gives the whole blob, asked for without a range', async () => {
    nock(origin, { badheaders: ['range'] })
      .get(path)
      .reply(200, blob, { 'content-length': '10' });
    const { upstream, observer } = createKit();
    const opened = await upstream.openBlob(image, digest, { start: 0 });
    expect([opened.start, opened.size]).toEqual([0, 10]);
    expect(await textOf(opened)).toBe('0123456789');
    expect(observer.requests).toEqual(['blob ok']);
    expect(observer.bytesArrived).toBe(10);
  });

  test.each([
    [{ start: 4 }, 'bytes=4-', 'bytes 4-9/10', '456789', 10],
    [{ start: 4, last: 6 }, 'bytes=4-6', 'bytes 4-6/10', '456', 10],
    [{ start: 0, last: 0 }, 'bytes=0-0', 'bytes 0-0/*', '0', undefined],
    [{ start: 4, last: 99 }, 'bytes=4-99', 'bytes 4-9/10', '456789', 10],
  ])('gives the part %o', async (range, asked, contentRange, text, size) => {
    nock(origin, { reqheaders: { range: asked } })
      .get(path)
      .reply(206, text, { 'content-range': contentRange });
    const opened = await createKit().upstream.openBlob(image, digest, range);
    expect([opened.start, opened.size]).toEqual([range.start, size]);
    expect(await textOf(opened)).toBe(text);
  });

  test('says that it starts at 0 where the upstream ignores the range', async () => {
    nock(origin, { reqheaders: { range: 'bytes=4-' } })
      .get(path)
      .reply(200, blob, { 'content-length': '10' });
    const opened = await createKit().upstream.openBlob(image, digest, { start: 4 });
    expect([opened.start, opened.size]).toEqual([0, 10]);
    expect(await textOf(opened)).toBe('0123456789');
  });

  const whole = () =>
    nock(origin, { badheaders: ['range'] })
      .get(path)
      .reply(200, blob, { 'content-length': '10' });
  const partial = (range: string) => nock(origin, { reqheaders: { range } }).get(path);

  test.each<[string, number, string, Record<string, string>]>([
    ['another part than it asked for', 206, '56789', { 'content-range': 'bytes 5-9/10' }],
    ['the whole as a part', 206, '0123456789', { 'content-range': 'bytes 0-9/10' }],
    ['a part of which nothing is said', 206, '456789', {}],
    [
      'several parts in one',
      206,
      '--x\r\n\r\n456789\r\n--x--',
      { 'content-type': 'multipart/byteranges; boundary=x' },
    ],
    [
      'a part of another length',
      206,
      '0123456789',
      { 'content-range': 'bytes 4-9/10', 'content-length': '10' },
    ],
    ['a part of coded bytes', 206, '456789', { 'content-range': 'bytes 4-9/10', 'content-encoding': 'gzip' }],
    ['416', 416, '', { 'content-range': 'bytes */10' }],
    ['400', 400, '', {}],
    ['403', 403, '', {}],
    ['404', 404, '', {}],
  ])('asks for the whole where it is answered with %s', async (_what, status, body, headers) => {
    partial('bytes=4-').reply(status, body, headers);
    whole();
    const opened = await createKit().upstream.openBlob(image, digest, { start: 4 });
    expect([opened.start, opened.size]).toEqual([0, 10]);
    expect(await textOf(opened)).toBe('0123456789');
  });

  test('asks for a part with an end where it knows one, before it asks for the whole', async () => {
    const { upstream } = createKit();
    partial('bytes=4-').reply(416);
    partial('bytes=4-9').reply(206, '456789', { 'content-range': 'bytes 4-9/10' });
    const part = await upstream.openBlob(image, digest, { start: 4, size: 10 });
    expect([part.start, await textOf(part)]).toEqual([4, '456789']);
    partial('bytes=4-').reply(206, '456789', { 'content-range': 'bytes 4-9/11' });
    partial('bytes=4-9').reply(416);
    whole();
    const opened = await upstream.openBlob(image, digest, { start: 4, size: 10 });
    expect([opened.start, await textOf(opened)]).toEqual([0, '0123456789']);
  });

  test('asks once for a part whose end is said already, and once for the whole', async () => {
    partial('bytes=4-6').reply(416);
    whole();
    const opened = await createKit().upstream.openBlob(image, digest, { start: 4, last: 6, size: 10 });
    expect(opened.start).toBe(0);
    opened.close();
  });

  test.each([
    [429, 'rate-limited'],
    [503, 'unavailable'],
  ])('asks nothing more where it is answered with %d', async (status, kind) => {
    partial('bytes=4-').reply(status);
    await expect(createKit().upstream.openBlob(image, digest, { start: 4, size: 10 })).rejects.toMatchObject({
      kind,
      status,
    });
  });

  test('fails as the whole fails', async () => {
    partial('bytes=4-').reply(416);
    nock(origin).get(path).reply(404);
    await expect(createKit().upstream.openBlob(image, digest, { start: 4 })).rejects.toMatchObject({
      kind: 'not-found',
    });
  });

  test('refuses a part where the whole was asked for', async () => {
    nock(origin).get(path).reply(206, '456', { 'content-range': 'bytes 4-6/10' });
    await expect(createKit().upstream.openBlob(image, digest, { start: 0 })).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  test.each([
    [206, { 'content-range': 'bytes 0-9/10' }],
    [206, { 'content-length': '10' }],
    [203, { 'content-length': '10' }],
  ])('takes the whole that was asked for where it is answered with %d', async (status, headers) => {
    nock(origin).get(path).reply(status, blob, headers);
    const opened = await createKit().upstream.openBlob(image, digest, { start: 0 });
    expect([opened.start, opened.size, await textOf(opened)]).toEqual([0, 10, '0123456789']);
  });

  test('does not end normally where the part is shorter or longer than it says', async () => {
    nock(origin).get(path).reply(206, '45', { 'content-range': 'bytes 4-9/10' });
    const short = await createKit().upstream.openBlob(image, digest, { start: 4 });
    await expect(textOf(short)).rejects.toMatchObject({ kind: 'unavailable', message: 'sent 2 of 6 bytes' });
    nock(origin).get(path).reply(206, '4567', { 'content-range': 'bytes 4-5/10' });
    const long = await createKit().upstream.openBlob(image, digest, { start: 4, last: 5 });
    await expect(textOf(long)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('follows to where the bytes are, with the range and without credentials', async () => {
    const credentials = { username: 'robot', password: 's3cret' };
    nock(origin).get(path).reply(401, undefined, { 'www-authenticate': 'Basic realm="x"' });
    nock(origin)
      .get(path)
      .reply(307, undefined, { location: 'https://cdn.example.net/data?X-Signature=abc' });
    nock('https://cdn.example.net', { reqheaders: { range: 'bytes=4-' }, badheaders: ['authorization'] })
      .get('/data?X-Signature=abc')
      .reply(206, '456789', { 'content-range': 'bytes 4-9/10' });
    const opened = await createKit({ credentials }).upstream.openBlob(image, digest, { start: 4 });
    expect(await textOf(opened)).toBe('456789');
  });

  test.each([401, 403])('names the storage that it leads to and that refuses us (%d)', async (status) => {
    const refused = {
      kind: 'invalid',
      status,
      message: `redirected to cdn.example.net, which refused us (${status})`,
    };
    const { upstream } = createKit();
    for (const method of ['get', 'head'] as const) {
      nock(origin)[method](path).reply(307, undefined, { location: 'https://cdn.example.net/data' });
      nock('https://cdn.example.net')[method]('/data').reply(status, undefined, {
        'www-authenticate': 'Negotiate',
      });
    }
    await expect(upstream.openBlob(image, digest, { start: 0 })).rejects.toMatchObject(refused);
    await expect(upstream.headBlob(image, digest)).rejects.toMatchObject(refused);
  });

  test('is unauthorized where the registry itself refuses us, and not there where its storage says so', async () => {
    nock(origin).get(path).reply(403);
    await expect(createKit().upstream.openBlob(image, digest, { start: 0 })).rejects.toMatchObject({
      kind: 'unauthorized',
    });
    nock(origin).get(path).reply(307, undefined, { location: 'https://cdn.example.net/data' });
    nock('https://cdn.example.net').get('/data').reply(404);
    await expect(createKit().upstream.openBlob(image, digest, { start: 0 })).rejects.toMatchObject({
      kind: 'not-found',
    });
  });

  test('is decoded where it was coded on its way, but for a part, which is as it came', async () => {
    const gzip = { 'content-encoding': 'gzip' };
    const { upstream } = createKit();
    nock(origin).get(path).reply(200, gzipSync(blob), gzip);
    const whole = await upstream.openBlob(image, digest, { start: 0 });
    expect([whole.start, whole.size, await textOf(whole)]).toEqual([0, 10, '0123456789']);
    whole.close();
    nock(origin)
      .get(path)
      .reply(206, Buffer.from('456789'), { ...gzip, 'content-range': 'bytes 4-9/10' });
    const part = await upstream.openBlob(image, digest, { start: 4, size: 10 });
    expect([part.start, part.size, await textOf(part)]).toEqual([4, 10, '456789']);
  });

  test('can be closed more than once, before and after it was read', async () => {
    nock(origin).get(path).times(2).reply(200, blob);
    const { upstream } = createKit();
    const unread = await upstream.openBlob(image, digest, { start: 0 });
    unread.close();
    unread.close();
    const read = await upstream.openBlob(image, digest, { start: 0 });
    await textOf(read);
    read.close();
  });
});
