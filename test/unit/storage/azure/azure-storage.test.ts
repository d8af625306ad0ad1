/** What Azure is asked, as its REST API has it, and what its answers mean. */
import { describe, expect, test } from 'vitest';
import type { AzureSettings } from '../../../../src/storage/azure/azure-client.ts';
import { openAzureStorage } from '../../../../src/storage/azure/azure-storage.ts';
import type { ObjectStorage } from '../../../../src/storage/objects/object-storage.ts';
import { type SaidByCloud, startCloud, textOf } from '../../../support/scripted-cloud.ts';

const key = 'v1/ab/one';
const at = '/acme/images/root/v1/ab/one';
const bytes = Buffer.from('some bytes');
const writtenAt = Date.UTC(2026, 0, 2, 3, 4, 5);
const lastModified = new Date(writtenAt).toUTCString();
const write = { key, id: '' };
const now = Date.UTC(2026, 0, 1);
const rights = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs';

async function open(changes: Partial<AzureSettings> = {}) {
  const cloud = await startCloud();
  const settings = {
    accountName: 'acme',
    container: 'images',
    serviceUrl: `${cloud.url}/acme`,
    rootDirectory: 'root',
    accountKey: Buffer.from('secret').toString('base64'),
    sasToken: undefined,
    ...changes,
  };
  return { cloud, storage: await openAzureStorage(settings, () => now) };
}

const error = (status: number, code: string): SaidByCloud => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said</Message></Error>`,
});
const absent = error(404, 'BlobNotFound');
const blockOf = (number: string) => Buffer.from(number).toString('base64');

test('an object is put at once, as its bytes, signed with the key of the account', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 201 });
  await storage.put(key, bytes);
  expect(cloud.asked[0]).toMatchObject({
    method: 'PUT',
    at,
    headers: { 'x-ms-blob-type': 'BlockBlob', authorization: expect.stringMatching(/^SharedKey acme:/) },
    body: 'some bytes',
  });
  expect(storage.place).toBe('azure://acme/images/root');
});

test('without a root, keys are those of the container', async () => {
  const { cloud, storage } = await open({ rootDirectory: '' });
  cloud.says.push(absent);
  await storage.head(key);
  expect(cloud.asked[0]?.at).toBe('/acme/images/v1/ab/one');
  expect(storage.place).toBe('azure://acme/images/');
});

test.each(['?sv=1&sig=s', 'sv=1&sig=s'])(
  'a shared access signature is sent, %s, and signs nothing',
  async (sasToken) => {
    const { cloud, storage } = await open({ accountKey: undefined, sasToken });
    cloud.says.push(absent);
    await storage.head(key);
    expect(cloud.asked[0]?.path).toBe(`${at}?sv=1&sig=s&timeout=300`);
    expect(cloud.asked[0]?.headers.authorization).toBeUndefined();
    await expect(storage.presign(key, { expiresSeconds: 90, contentType: 'a/b' })).rejects.toThrow(
      'cannot sign URLs',
    );
  },
);

test('an account is at its name in the public cloud', async () => {
  const { storage } = await open({ serviceUrl: undefined });
  const url = await storage.presign(key, { expiresSeconds: 90, contentType: 'a/b' });
  expect(url).toMatch(/^https:\/\/acme\.blob\.core\.windows\.net\/images\/root\/v1\/ab\/one\?/);
});

test('blocks become an object', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 201 }, { status: 201 }, { status: 201 });
  expect(await storage.begin(key)).toBe('');
  const parts = [];
  for (const number of [3, 12])
    parts.push({ number, size: 10, tag: await storage.putPart(write, number, bytes, 0) });
  await storage.complete(write, parts);
  const [first, second, end] = cloud.asked;
  const blocks = [blockOf('00000003'), blockOf('00000012')];
  expect(
    [first, second].map((put) => [put?.method, put?.query.get('comp'), put?.query.get('blockid'), put?.body]),
  ).toEqual(blocks.map((block) => ['PUT', 'block', block, 'some bytes']));
  expect(end?.path).toBe(`${at}?comp=blocklist&timeout=300`);
  expect([...(end?.body ?? '').matchAll(/<Latest>(.*?)<\/Latest>/g)].map(([, block]) => block)).toEqual(
    blocks,
  );
});

test('blocks of no blob are given up by an empty one in their place, and a blob stays', async () => {
  const { cloud, storage } = await open();
  cloud.says.push(
    { status: 201 },
    { status: 202 },
    error(409, 'BlobAlreadyExists'),
    error(412, 'ConditionNotMet'),
  );
  await storage.abort(write);
  const [put, deletion] = cloud.asked;
  expect(put).toMatchObject({
    method: 'PUT',
    path: `${at}?comp=blocklist&timeout=300`,
    headers: { 'if-none-match': '*' },
  });
  expect(put?.body).not.toContain('<Latest>');
  expect(deletion).toMatchObject({ method: 'DELETE', at });
  await storage.abort(write);
  await storage.abort(write);
  expect(cloud.asked).toHaveLength(4);
});

test('an object is found with its size and time, or is not there', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ headers: { 'content-length': '10', 'last-modified': lastModified } }, {}, absent);
  expect(await storage.head(key)).toEqual({ key, size: 10, writtenAt });
  expect(await storage.head(key)).toEqual({ key, size: 0, writtenAt: 0 });
  expect(await storage.head(key)).toBeUndefined();
  expect(cloud.asked[0]).toMatchObject({ method: 'HEAD', at });
});

test('a part of an object is read, as long as it is wanted', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 206, headers: { 'content-length': '5', etag: '"e"' }, body: 'bytes' }, absent);
  expect(await textOf(await storage.read(key, 5, 10))).toBe('bytes');
  expect(cloud.asked[0]).toMatchObject({ method: 'GET', at, headers: { 'x-ms-range': 'bytes=5-9' } });
  expect(await storage.read(key, 5, 10)).toBeUndefined();
  await expect(storage.read(key, 0, 1, AbortSignal.abort())).rejects.toThrow();
  expect(cloud.asked).toHaveLength(2);
});

test('bytes that break off are told as that', async () => {
  const { cloud, storage } = await open();
  const headers = { 'content-length': '10', etag: '"e"' };
  cloud.says.push({ status: 206, headers, body: 'bytes', breaks: true });
  await expect(storage.read(key, 0, 10).then(textOf)).rejects.toMatchObject({
    fault: 'unreachable',
    failed: { call: 'GetBlob', permission: `${rights}/read`, place: 'azure://acme/images/root' },
  });
});

test('objects are listed page by page, by their keys', async () => {
  const { cloud, storage } = await open();
  const blob = (name: string, size: number) =>
    `<Blob><Name>root/v1/${name}</Name><Properties><Last-Modified>${lastModified}</Last-Modified><Etag>e</Etag><Content-Length>${size}</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>`;
  const page = (blobs: string, next: string): SaidByCloud => ({
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><EnumerationResults ServiceEndpoint="x" ContainerName="images"><Blobs>${blobs}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
  });
  cloud.says.push(page(blob('a', 1) + blob('b', 2), 't'), page(blob('c', 3), ''));
  const found = await Array.fromAsync(storage.list('v1/'));
  expect(found).toEqual(['a', 'b', 'c'].map((name, at) => ({ key: `v1/${name}`, size: at + 1, writtenAt })));
  expect(
    cloud.asked.map(({ query }) => [query.get('comp'), query.get('prefix'), query.get('marker')]),
  ).toEqual([
    ['list', 'root/v1/', null],
    ['list', 'root/v1/', 't'],
  ]);
});

test('an object is deleted with what was kept of it, be it there or not', async () => {
  const { cloud, storage } = await open();
  cloud.says.push({ status: 202 }, absent);
  await storage.delete(key);
  await storage.delete(key);
  for (const asked of cloud.asked)
    expect(asked).toMatchObject({ method: 'DELETE', at, headers: { 'x-ms-delete-snapshots': 'include' } });
});

test('a URL opens the blob for reading alone, for as long as is said', async () => {
  const { cloud, storage } = await open();
  const url = new URL(await storage.presign(key, { expiresSeconds: 90, contentType: 'application/x-test' }));
  expect(url.pathname).toBe(at);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    sp: 'r',
    sr: 'b',
    se: '2026-01-01T00:01:30Z',
    rsct: 'application/x-test',
  });
  expect(cloud.asked).toEqual([]);
});

type Call = (storage: ObjectStorage) => Promise<unknown>;
const refusals: [string, string, Call][] = [
  ['PutBlob', `${rights}/write`, (it) => it.put(key, bytes)],
  ['PutBlock', `${rights}/write`, (it) => it.putPart(write, 1, bytes, 0)],
  ['PutBlockList', `${rights}/write`, (it) => it.complete(write, [])],
  ['PutBlockList', `${rights}/write`, (it) => it.abort(write)],
  ['GetBlobProperties', `${rights}/read`, (it) => it.head(key)],
  ['GetBlob', `${rights}/read`, (it) => it.read(key, 0, 1)],
  ['ListBlobs', `${rights}/read`, (it) => Array.fromAsync(it.list(''))],
  ['DeleteBlob', `${rights}/delete`, (it) => it.delete(key)],
];

describe('a refusal', () => {
  test.each(refusals)(
    'of %s is told with the right to it that is missing, %s',
    async (call, permission, ask) => {
      const { cloud, storage } = await open();
      cloud.says.push(error(403, 'AuthorizationFailure'));
      await expect(ask(storage)).rejects.toMatchObject({
        fault: 'denied',
        failed: { call, permission, place: 'azure://acme/images/root' },
      });
      expect(cloud.asked).toHaveLength(1);
    },
  );
});

test('parts may be as small, big and many as the cloud has them', async () => {
  const { storage } = await open();
  storage.close();
  expect(storage.limits).toEqual({ minBytes: 1_048_576, maxBytes: 4_194_304_000, maxParts: 50_000 });
});
