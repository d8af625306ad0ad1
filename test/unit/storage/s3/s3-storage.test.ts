/** What S3 is asked, as its API has it, and what its answers mean. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ObjectStorage } from '../../../../src/storage/objects/object-storage.ts';
import { openS3, type S3Settings } from '../../../../src/storage/s3/s3-storage.ts';
import { type SaidByCloud, startCloud, textOf } from '../../../support/scripted-cloud.ts';

const key = 'v1/ab/one';
const path = '/images/root/v1/ab/one';
const bytes = Buffer.from('some bytes');
const writtenAt = Date.UTC(2026, 0, 2, 3, 4, 5);
const lastModified = new Date(writtenAt).toUTCString();

async function open(changes: Partial<S3Settings> = {}) {
  const cloud = await startCloud();
  const storage = await openS3({
    bucket: 'images',
    region: 'eu-central-1',
    regionEndpoint: cloud.url,
    pathStyle: true,
    rootDirectory: 'root',
    encrypt: false,
    kmsKeyId: undefined,
    storageClass: undefined,
    checksum: 'none',
    keys: { accessKey: 'AK', secretKey: 'SK' },
    ...changes,
  });
  return { cloud, storage };
}

const xml = (body: string): SaidByCloud => ({ headers: { 'content-type': 'application/xml' }, body });
const error = (status: number, code: string): SaidByCloud => ({
  ...xml(`<Error><Code>${code}</Code><Message>said</Message></Error>`),
  status,
});
const begun = xml('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>');
const completed = xml('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>');
const gone = error(404, 'NoSuchUpload');

const crc = Buffer.alloc(4);
crc.writeUInt32BE(crc32(bytes));
const sums = {
  'x-amz-checksum-crc32': crc.toString('base64'),
  'x-amz-checksum-sha256': createHash('sha256').update(bytes).digest('base64'),
  'content-md5': createHash('md5').update(bytes).digest('base64'),
};
const sumHeaders = Object.keys(sums);

function sumsIn(headers: Record<string, unknown>): [string, unknown][] {
  return Object.entries(headers).filter(([name]) => sumHeaders.includes(name));
}

test('an object is put where it belongs, as its bytes, signed with the keys for the region', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({});
  await storage.put(key, bytes);
  const [asked] = cloud.asked;
  expect(asked).toMatchObject({ method: 'PUT', body: 'some bytes' });
  expect(asked?.path.split('?')[0]).toBe(path);
  expect(asked?.headers.authorization).toMatch(/Credential=AK\/\d+\/eu-central-1\/s3\//);
  expect(storage.place).toBe('s3://images/root/');
});

test('without a root, keys are those of the bucket, which may be named by the host', async () => {
  const { cloud, storage } = await open({
    rootDirectory: undefined,
    regionEndpoint: undefined,
    pathStyle: false,
  });
  const url = new URL(await storage.presign(key, { expiresSeconds: 90, contentType: 'a/b' }));
  expect(url.origin + url.pathname).toBe('https://images.s3.eu-central-1.amazonaws.com/v1/ab/one');
  expect(storage.place).toBe('s3://images/');
  expect(cloud.asked).toEqual([]);
});

test.each<[string, Partial<S3Settings>, Record<string, string>]>([
  ['nothing', {}, {}],
  ['a class', { storageClass: 'STANDARD_IA' }, { 'x-amz-storage-class': 'STANDARD_IA' }],
  ['a key of the bucket', { encrypt: true }, { 'x-amz-server-side-encryption': 'AES256' }],
  [
    'a key of ours',
    { encrypt: true, kmsKeyId: 'k1' },
    { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'k1' },
  ],
])('what is kept is kept with %s, at once or in parts', async (_, changes, expected) => {
  const { cloud, storage } = await open(changes);
  cloud.says.push({}, begun);
  await storage.put(key, bytes);
  await storage.begin(key);
  const names = /^x-amz-(storage-class|server-side-encryption)/;
  for (const { headers } of cloud.asked)
    expect(Object.fromEntries(Object.entries(headers).filter(([name]) => names.test(name)))).toEqual(
      expected,
    );
});

describe.each([
  [
    'crc32',
    'x-amz-checksum-crc32',
    'ChecksumCRC32',
    { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'COMPOSITE' },
  ],
  ['sha256', 'x-amz-checksum-sha256', 'ChecksumSHA256', { 'x-amz-checksum-algorithm': 'SHA256' }],
  ['md5', 'content-md5', undefined, {}],
  ['none', undefined, undefined, {}],
] as const)('with the checksum %s', (checksum, header, element, said) => {
  const expected = header === undefined ? [] : [[header, sums[header]]];

  test('bytes are sent with it', async () => {
    const { cloud, storage } = await open({ checksum });
    cloud.says.push({}, { headers: { etag: '"e"' } });
    await storage.put(key, bytes);
    await storage.putPart({ key, id: 'u1' }, 1, bytes, 0);
    for (const { headers } of cloud.asked) expect(sumsIn(headers)).toEqual(expected);
  });

  test('parts have it, and it is said once more at the end', async () => {
    const { cloud, storage } = await open({ checksum });
    cloud.says.push(begun, { headers: { etag: '"e1"' } }, {}, completed);
    const write = { key, id: await storage.begin(key) };
    expect(write.id).toBe('u1');
    const parts = [];
    for (const number of [3, 5])
      parts.push({ number, size: bytes.length, tag: await storage.putPart(write, number, bytes, 0) });
    await storage.complete(write, parts);
    const [began, first, second, end] = cloud.asked;
    expect(began).toMatchObject({ method: 'POST' });
    expect(began?.path.split('?')[0]).toBe(path);
    expect(began?.query.has('uploads')).toBe(true);
    const algorithms = ['x-amz-checksum-algorithm', 'x-amz-checksum-type'];
    expect(
      Object.fromEntries(Object.entries(began?.headers ?? {}).filter(([name]) => algorithms.includes(name))),
    ).toEqual(said);
    for (const [index, put] of [first, second].entries()) {
      expect(put).toMatchObject({ method: 'PUT', body: 'some bytes' });
      expect([put?.query.get('partNumber'), put?.query.get('uploadId')]).toEqual([['3', '5'][index], 'u1']);
    }
    expect(end).toMatchObject({ method: 'POST' });
    expect(end?.query.get('uploadId')).toBe('u1');
    const listed = [...(end?.body ?? '').matchAll(/<Part>(.*?)<\/Part>/g)].map(([, part]) => part);
    const sum = element && header ? `<${element}>${sums[header]}</${element}>` : undefined;
    expect(listed).toHaveLength(2);
    expect(listed[0]).toContain('<PartNumber>3</PartNumber>');
    expect(listed[0]).toContain(
      '<ETag>"e1"</ETag>'.replaceAll('"', listed[0]?.includes('&quot;') ? '&quot;' : '"'),
    );
    expect(listed[1]).toContain('<PartNumber>5</PartNumber>');
    for (const part of listed) {
      if (sum === undefined) expect(part).not.toContain('Checksum');
      else expect(part).toContain(sum);
    }
  });
});

test('who is given no id has begun nothing', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(xml('<InitiateMultipartUploadResult></InitiateMultipartUploadResult>'));
  await expect(storage.begin(key)).rejects.toThrow('s3://images/root/ gave no upload id');
});

test('the end may have been reached before, and is not where the object is another', async () => {
  const { cloud, storage } = await open();
  const parts = [
    { number: 1, size: 6, tag: '"a"' },
    { number: 2, size: 4, tag: '"b"' },
  ];
  cloud.says.push(gone, { headers: { 'content-length': '10' } });
  await storage.complete({ key, id: 'u1' }, parts);
  expect(cloud.asked.at(-1)?.method).toBe('HEAD');
  cloud.says.push(gone, { headers: { 'content-length': '9' } });
  await expect(storage.complete({ key, id: 'u1' }, parts)).rejects.toMatchObject({
    failed: { call: 'CompleteMultipartUpload' },
  });
  cloud.says.push(gone, { status: 404 });
  await expect(storage.complete({ key, id: 'u1' }, parts)).rejects.toMatchObject({ fault: 'failing' });
  cloud.says.push(error(400, 'InvalidPart'));
  await expect(storage.complete({ key, id: 'u1' }, parts)).rejects.toMatchObject({ fault: 'failing' });
  expect(cloud.says).toEqual([]);
});

test('a write is given up by its id, also where it is gone, or all of them at its key', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 204 }, gone);
  await storage.abort({ key, id: 'u1' });
  await storage.abort({ key, id: 'u2' });
  const uploads = [
    ['root/v1/ab/one', 'u3'],
    ['root/v1/ab/one-2', 'u4'],
    ['root/v1/ab/one', 'u5'],
  ].map(([Key, UploadId]) => `<Upload><Key>${Key}</Key><UploadId>${UploadId}</UploadId></Upload>`);
  const listed = xml(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
  cloud.says.push(listed, { status: 204 }, { status: 204 });
  await storage.abort({ key, id: undefined });
  cloud.says.push(xml('<ListMultipartUploadsResult></ListMultipartUploadsResult>'));
  await storage.abort({ key, id: undefined });
  const deletions = cloud.asked.filter(({ method }) => method === 'DELETE');
  expect(deletions.map(({ path: asked, query }) => [asked.split('?')[0], query.get('uploadId')])).toEqual(
    ['u1', 'u2', 'u3', 'u5'].map((id) => [path, id]),
  );
  expect(cloud.asked[2]?.query.get('prefix')).toBe('root/v1/ab/one');
});

test('an object is found with its size and time, or is not there', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(
    { headers: { 'content-length': '10', 'last-modified': lastModified } },
    {},
    { status: 404 },
  );
  expect(await storage.head(key)).toEqual({ key, size: 10, writtenAt });
  expect(await storage.head(key)).toEqual({ key, size: 0, writtenAt: 0 });
  expect(await storage.head(key)).toBeUndefined();
  expect(cloud.asked[0]).toMatchObject({ method: 'HEAD', path });
});

test('a part of an object is read, as long as it is wanted', async () => {
  const { cloud, storage } = await open();
  const part = (range: string) => ({ status: 206, headers: { 'content-range': range }, body: 'bytes' });
  cloud.says.push(part('bytes 5-9/10'), error(404, 'NoSuchKey'));
  expect(await textOf(await storage.read(key, 5, 10))).toBe('bytes');
  expect(cloud.asked[0]).toMatchObject({ method: 'GET', headers: { range: 'bytes=5-9' } });
  expect(await storage.read(key, 5, 10)).toBeUndefined();
  await expect(storage.read(key, 0, 1, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  expect(cloud.asked).toHaveLength(2);
  for (const said of [part('bytes 5-8/10'), { body: 'some bytes' }]) {
    cloud.says.push(said);
    await expect(storage.read(key, 5, 10)).rejects.toHaveProperty(
      'reason',
      expect.stringContaining('bytes 5-9 were asked for'),
    );
  }
});

test('bytes that break off are told as that', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({
    status: 206,
    headers: { 'content-length': '10', 'content-range': 'bytes 0-9/10' },
    body: 'bytes',
    breaks: true,
  });
  await expect(storage.read(key, 0, 10).then(textOf)).rejects.toMatchObject({
    fault: 'unreachable',
    failed: { call: 'GetObject', permission: 's3:GetObject', place: 's3://images/root/' },
  });
});

test('objects are listed page by page, by their keys', async () => {
  const { cloud, storage } = await open();
  const item = (name: string, size: number) =>
    `<Contents><Key>root/v1/${name}</Key><Size>${size}</Size><LastModified>${new Date(writtenAt).toISOString()}</LastModified></Contents>`;
  const page = (items: string, more: string) => xml(`<ListBucketResult>${items}${more}</ListBucketResult>`);
  cloud.says.push(
    page(
      item('a', 1) + item('b', 2),
      '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>',
    ),
    page(item('c', 3), ''),
    page('', ''),
  );
  const found = await Array.fromAsync(storage.list('v1/'));
  expect(found).toEqual(['a', 'b', 'c'].map((name, at) => ({ key: `v1/${name}`, size: at + 1, writtenAt })));
  expect(cloud.asked.map(({ query }) => [query.get('prefix'), query.get('continuation-token')])).toEqual([
    ['root/v1/', null],
    ['root/v1/', 't'],
  ]);
  expect(await Array.fromAsync(storage.list('v2/'))).toEqual([]);
});

test('a URL is good for as long as is said, and says what the bytes are', async () => {
  const { storage } = await open();
  const url = new URL(await storage.presign(key, { expiresSeconds: 90, contentType: 'application/x-test' }));
  expect(url.pathname).toBe(path);
  expect(url.searchParams.get('X-Amz-Expires')).toBe('90');
  expect(url.searchParams.get('response-content-type')).toBe('application/x-test');
});

test('an object is deleted', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 204 });
  await storage.delete(key);
  expect(cloud.asked[0]).toMatchObject({ method: 'DELETE' });
  expect(cloud.asked[0]?.path.split('?')[0]).toBe(path);
});

type Call = (storage: ObjectStorage) => Promise<unknown>;
const write = { key, id: 'u1' };

test.each<[string, string, Call]>([
  ['PutObject', 's3:PutObject', (it) => it.put(key, bytes)],
  ['CreateMultipartUpload', 's3:PutObject', (it) => it.begin(key)],
  ['UploadPart', 's3:PutObject', (it) => it.putPart(write, 1, bytes, 0)],
  ['CompleteMultipartUpload', 's3:PutObject', (it) => it.complete(write, [])],
  ['AbortMultipartUpload', 's3:AbortMultipartUpload', (it) => it.abort(write)],
  ['ListMultipartUploads', 's3:ListBucketMultipartUploads', (it) => it.abort({ key, id: undefined })],
  ['HeadObject', 's3:GetObject', (it) => it.head(key)],
  ['GetObject', 's3:GetObject', (it) => it.read(key, 0, 1)],
  ['ListObjectsV2', 's3:ListBucket', (it) => Array.fromAsync(it.list(''))],
  ['DeleteObject', 's3:DeleteObject', (it) => it.delete(key)],
])('that %s is refused is told with the right to it that is missing, %s', async (call, permission, ask) => {
  const { cloud, storage } = await open();
  cloud.says.push(call === 'HeadObject' ? { status: 403 } : error(403, 'AccessDenied'));
  await expect(ask(storage)).rejects.toMatchObject({
    fault: 'denied',
    failed: { call, permission, place: 's3://images/root/' },
  });
});

test('parts may be as small, big and many as S3 has them', async () => {
  const { storage } = await open();
  storage.close();
  expect(storage.limits).toEqual({ minBytes: 5_242_880, maxBytes: 5_368_709_120, maxParts: 10_000 });
});
