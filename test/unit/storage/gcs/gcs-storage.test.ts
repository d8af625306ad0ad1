/** What Google Cloud Storage is asked, as its JSON and XML APIs have it, and what its answers mean. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GcsSettings } from '../../../../src/storage/gcs/gcs-client.ts';
import { openGcsStorage } from '../../../../src/storage/gcs/gcs-storage.ts';
import type { ObjectStorage } from '../../../../src/storage/objects/object-storage.ts';
import { type SaidByCloud, startCloud, textOf } from '../../../support/scripted-cloud.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const key = 'v1/ab/one';
const object = '/storage/v1/b/images/o/root%2Fv1%2Fab%2Fone';
const xmlObject = '/images/root/v1/ab/one';
const bytes = Buffer.from('xsome bytes').subarray(1);
const writtenAt = Date.UTC(2026, 0, 2, 3, 4, 5);
const write = { key, id: 'u1' };

async function open(changes: Partial<GcsSettings> = {}, now = () => writtenAt) {
  const cloud = await startCloud();
  const settings = {
    bucket: 'images',
    rootDirectory: 'root',
    keyFile: undefined,
    endpoint: cloud.url,
    ...changes,
  };
  return { cloud, storage: await openGcsStorage(settings, now) };
}

function json(body: object, status = 200): SaidByCloud {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

const item = (name: string, size: number) => ({
  name: `root/${name}`,
  size: String(size),
  updated: new Date(writtenAt).toISOString(),
});
const absent = json({ error: { message: 'No such object: images/root/v1/ab/one' } }, 404);
const absentXml: SaidByCloud = { status: 404, body: '<Error><Code>NoSuchUpload</Code></Error>' };

test('an object is put at once, as its bytes', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(json(item(key, 10)));
  await storage.put(key, bytes);
  const [asked] = cloud.asked;
  expect(asked).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: 'some bytes',
  });
  expect(asked?.path.split('?')[0]).toBe('/upload/storage/v1/b/images/o');
  expect(Object.fromEntries(asked?.query ?? [])).toEqual({
    uploadType: 'media',
    name: 'root/v1/ab/one',
    fields: 'name,size,updated',
  });
  expect(storage.place).toBe('gs://images/root');
});

test('without a root, keys are those of the bucket', async () => {
  const { cloud, storage } = await open({ rootDirectory: '' });
  cloud.says.push(json({ ...item(key, 10), name: key }));
  expect(await storage.head(key)).toEqual({ key, size: 10, writtenAt });
  expect(cloud.asked[0]?.path).toBe('/storage/v1/b/images/o/v1%2Fab%2Fone?fields=name,size,updated');
  expect(storage.place).toBe('gs://images/');
});

test('parts become an object', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(
    { body: '<R><Bucket>images</Bucket>\n<UploadId>u1</UploadId></R>' },
    { headers: { etag: '"e<&"' } },
    { headers: { etag: '"e2"' } },
    { body: '<CompleteMultipartUploadResult/>' },
  );
  expect(await storage.begin(key)).toBe('u1');
  const parts = [];
  for (const number of [3, 5])
    parts.push({ number, size: 10, tag: await storage.putPart(write, number, bytes, 0) });
  await storage.complete(write, parts);
  expect(cloud.asked.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', `${xmlObject}?uploads`, ''],
    ['PUT', `${xmlObject}?partNumber=3&uploadId=u1`, 'some bytes'],
    ['PUT', `${xmlObject}?partNumber=5&uploadId=u1`, 'some bytes'],
    [
      'POST',
      `${xmlObject}?uploadId=u1`,
      '<CompleteMultipartUpload><Part><PartNumber>3</PartNumber><ETag>&quot;e&lt;&amp;&quot;</ETag></Part><Part><PartNumber>5</PartNumber><ETag>&quot;e2&quot;</ETag></Part></CompleteMultipartUpload>',
    ],
  ]);
  const [began, , , end] = cloud.asked;
  expect(began?.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '0' });
  expect(end?.headers['content-type']).toBe('application/xml');
});

test('answers without an id, an ETag or an object are none', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ body: '<R/>' }, {}, { body: '<Error><Code>InternalError</Code></Error>' });
  await expect(storage.begin(key)).rejects.toHaveProperty('reason', expect.stringContaining('no UploadId'));
  const asked = storage.putPart(write, 1, bytes, 0);
  await expect(asked).rejects.toHaveProperty('reason', expect.stringContaining('no ETag'));
  const ended = storage.complete(write, []);
  await expect(ended).rejects.toHaveProperty('reason', expect.stringContaining('InternalError'));
});

test('the end may have been reached before, and is not where the object is another', async () => {
  const { cloud, storage } = await open();
  const parts = [6, 4].map((size, at) => ({ number: at + 1, size, tag: 't' }));
  cloud.says.push(absentXml, json(item(key, 10)));
  await storage.complete(write, parts);
  for (const found of [json(item(key, 9)), absent]) {
    cloud.says.push(absentXml, found);
    await expect(storage.complete(write, parts)).rejects.toMatchObject({
      fault: 'failing',
      failed: { call: 'Complete multipart upload' },
    });
  }
  cloud.says.push({ status: 400, body: 'InvalidPart' });
  await expect(storage.complete(write, parts)).rejects.toMatchObject({ fault: 'failing' });
  cloud.says.push(absentXml, json({}, 403));
  await expect(storage.complete(write, parts)).rejects.toMatchObject({ failed: { call: 'objects.get' } });
  expect(cloud.says).toEqual([]);
});

test('a write is given up by its id, also where it is gone, or all of them at its key', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 204 }, absentXml);
  await storage.abort(write);
  await storage.abort({ key, id: 'u2' });
  const uploads = [
    ['root/v1/ab/one', 'u3'],
    ['root/v1/ab/one-2', 'u4'],
    ['root/v1/ab/one', 'u5'],
  ].map(([name, id]) => `<Upload>\n<Key>${name}</Key><UploadId>${id}</UploadId></Upload>`);
  cloud.says.push(
    { body: `<R>${uploads.join('\n')}</R>` },
    { status: 204 },
    { status: 204 },
    { body: '<R/>' },
  );
  await storage.abort({ key, id: undefined });
  await storage.abort({ key, id: undefined });
  const list = '/images?uploads&prefix=root%2Fv1%2Fab%2Fone';
  expect(cloud.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE ${xmlObject}?uploadId=u1`,
    `DELETE ${xmlObject}?uploadId=u2`,
    `GET ${list}`,
    `DELETE ${xmlObject}?uploadId=u3`,
    `DELETE ${xmlObject}?uploadId=u5`,
    `GET ${list}`,
  ]);
});

test('an object is found with its size and time, or is not there', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(json(item(key, 10)), absent);
  expect(await storage.head(key)).toEqual({ key, size: 10, writtenAt });
  expect(await storage.head(key)).toBeUndefined();
  expect(cloud.asked[0]).toMatchObject({ method: 'GET', path: `${object}?fields=name,size,updated` });
});

test('a part of an object is read as it is, as long as it is wanted', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 206, body: 'bytes' }, absent);
  expect(await textOf(await storage.read(key, 5, 10))).toBe('bytes');
  expect(cloud.asked[0]).toMatchObject({
    path: `${object}?alt=media`,
    headers: { range: 'bytes=5-9', 'accept-encoding': 'identity' },
  });
  expect(await storage.read(key, 5, 10)).toBeUndefined();
  await expect(storage.read(key, 0, 1, AbortSignal.abort())).rejects.toThrow();
  expect(cloud.asked).toHaveLength(2);
});

test('bytes that break off are told as that', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 206, headers: { 'content-length': '10' }, body: 'bytes', breaks: true });
  await expect(storage.read(key, 0, 10).then(textOf)).rejects.toMatchObject({
    fault: 'unreachable',
    failed: { call: 'objects.get', permission: 'storage.objects.get', place: 'gs://images/root' },
  });
});

test('objects are listed page by page, by their keys', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(
    json({ items: [item('v1/a', 1), item('v1/b', 2)], nextPageToken: 't' }),
    json({ items: [item('v1/c', 3)] }),
    json({}),
  );
  const found = await Array.fromAsync(storage.list('v1/'));
  expect(found).toEqual(['a', 'b', 'c'].map((name, at) => ({ key: `v1/${name}`, size: at + 1, writtenAt })));
  expect(await Array.fromAsync(storage.list('v2/'))).toEqual([]);
  const [first, second] = cloud.asked;
  expect(first?.path.split('?')[0]).toBe('/storage/v1/b/images/o');
  const asked = { prefix: 'root/v1/', maxResults: '1000', fields: 'items(name,size,updated),nextPageToken' };
  expect(Object.fromEntries(first?.query ?? [])).toEqual(asked);
  expect(Object.fromEntries(second?.query ?? [])).toEqual({ ...asked, pageToken: 't' });
});

test('an object is deleted, be it there or not', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 204 }, absent);
  await storage.delete(key);
  await storage.delete(key);
  expect(cloud.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `DELETE ${object}`,
    `DELETE ${object}`,
  ]);
});

test('a URL is signed by the key file, from now on for as long as is said', async () => {
  const keyFile = join(await temporaryDirectory(), 'key.json');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(
    keyFile,
    JSON.stringify({
      type: 'service_account',
      client_email: 'entrepot@test.iam.gserviceaccount.com',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    }),
  );
  const now = Date.now();
  const { storage } = await open({ keyFile }, () => now);
  const url = new URL(await storage.presign(key, { expiresSeconds: 90, contentType: 'application/x-test' }));
  expect(url.pathname).toBe('/images/root/v1/ab/one');
  const { searchParams: said } = url;
  expect(said.get('X-Goog-Algorithm')).toBe('GOOG4-RSA-SHA256');
  expect(said.get('X-Goog-Credential')).toMatch(/^entrepot@test/);
  expect(said.get('X-Goog-Expires')).toBe('90');
  expect(said.get('response-content-type')).toBe('application/x-test');
});

test('who can sign nothing says what is missing', async () => {
  const { storage } = await open({ keyFile: '/nowhere/key.json' });
  await expect(storage.presign(key, { expiresSeconds: 90, contentType: 'a/b' })).rejects.toMatchObject({
    failed: { call: 'signBlob', permission: 'iam.serviceAccounts.signBlob', place: 'gs://images/root' },
  });
});

test('what is worth it is tried again', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 503 }, json(item(key, 10)));
  expect(await storage.head(key)).toMatchObject({ size: 10 });
});

type Call = (storage: ObjectStorage) => Promise<unknown>;

test.each<[string, string, Call]>([
  ['objects.insert', 'storage.objects.create', (it) => it.put(key, bytes)],
  ['Initiate multipart upload', 'storage.multipartUploads.create', (it) => it.begin(key)],
  ['Upload part', 'storage.multipartUploads.create', (it) => it.putPart(write, 1, bytes, 0)],
  ['Complete multipart upload', 'storage.multipartUploads.create', (it) => it.complete(write, [])],
  ['Abort multipart upload', 'storage.multipartUploads.abort', (it) => it.abort(write)],
  ['Abort multipart upload', 'storage.multipartUploads.abort', (it) => it.abort({ key, id: undefined })],
  ['objects.get', 'storage.objects.get', (it) => it.head(key)],
  ['objects.get', 'storage.objects.get', (it) => it.read(key, 0, 1)],
  ['objects.list', 'storage.objects.list', (it) => Array.fromAsync(it.list(''))],
  ['objects.delete', 'storage.objects.delete', (it) => it.delete(key)],
])('that %s is refused is told with the right to it that is missing, %s', async (call, permission, ask) => {
  const { cloud, storage } = await open();
  cloud.says.push(json({ error: { message: 'no' } }, 403));
  await expect(ask(storage)).rejects.toMatchObject({
    fault: 'denied',
    failed: { call, permission, place: 'gs://images/root' },
  });
});

test('parts may be as small, big and many as the cloud has them', async () => {
  const { storage } = await open();
  storage.close();
  expect(storage.limits).toEqual({ minBytes: 5_242_880, maxBytes: 5_368_709_120, maxParts: 10_000 });
});
