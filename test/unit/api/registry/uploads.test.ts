import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import { deployToken, job } from '../../auth/identities.ts';
import { type Answer, errorsOf, hostedName, lasting, RegistryServer } from './registry-server.ts';

const bytes = Buffer.from(Array.from({ length: 3000 }, (_, index) => index % 253));
const digest = digestOf(bytes);
const octets = { 'content-type': 'application/octet-stream' };

async function startServer(options: Parameters<typeof RegistryServer.start>[1] = {}) {
  const hosted = new WritableMemoryRepository();
  const server = await RegistryServer.start({}, { hosted, ...options });
  return Object.assign(server, { hosted });
}

function locationOf({ headers }: Answer): string {
  return headers.location ?? '';
}

async function startUpload(server: RegistryServer): Promise<string> {
  return locationOf(await server.push('POST', 'blobs/uploads/'));
}

function expectCreated(server: RegistryServer, answer: Answer, expected: string): void {
  expect(answer.status).toBe(201);
  expect(answer.body).toHaveLength(0);
  expect(lasting(answer.headers)).toEqual({
    'cache-status': 'entrepot',
    connection: 'close',
    'content-length': '0',
    'docker-content-digest': expected,
    'docker-distribution-api-version': 'registry/2.0',
    location: `${server.url}/v2/${hostedName}/blobs/${expected}`,
  });
}

function expectProgress(server: RegistryServer, answer: Answer, id: string, range: string): void {
  expect(answer.headers).toMatchObject({
    location: `${server.url}/v2/${hostedName}/blobs/uploads/${id}`,
    range,
    'docker-upload-uuid': id,
  });
}

test.each([['blobs/uploads/'], ['blobs/uploads']])('POST %s starts a session', async (path) => {
  await using server = await startServer();
  // As crane sends it: there is no body, whatever its type is said to be.
  const answer = await server.push('POST', path, undefined, { 'content-type': 'application/json' });
  expect(answer.status).toBe(202);
  expect(lasting(answer.headers)).toEqual({
    'cache-status': 'entrepot',
    connection: 'close',
    'content-length': '0',
    'docker-distribution-api-version': 'registry/2.0',
    'docker-upload-uuid': 'session-1',
    location: `${server.url}/v2/${hostedName}/blobs/uploads/session-1`,
    range: '0-0',
  });
});

test('locations are where the client reaches us, below the prefix of a trusted proxy', async () => {
  await using server = await startServer({ trustedProxies: ['127.0.0.0/8'] });
  const answer = await server.push('POST', 'blobs/uploads/', undefined, {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'registry.example.com',
    'x-forwarded-prefix': '/hub',
  });
  expect(locationOf(answer)).toBe(
    `https://registry.example.com/hub/v2/${hostedName}/blobs/uploads/session-1`,
  );
});

describe('a blob is pushed', () => {
  test('by POST, one PATCH and an empty PUT, as skopeo does', async () => {
    await using server = await startServer();
    const patched = await server.ask('PATCH', await startUpload(server), octets, bytes);
    expect(patched.status).toBe(202);
    expect(patched.headers['content-length']).toBe('0');
    expectProgress(server, patched, 'session-1', '0-2999');
    const answer = await server.ask('PUT', `${locationOf(patched)}?digest=${encodeURIComponent(digest)}`);
    expectCreated(server, answer, digest);
    expect((await server.ask('GET', locationOf(answer))).body).toEqual(bytes);
  });

  test('by a PATCH of unknown length, as Docker does', async () => {
    await using server = await startServer();
    const parts = [bytes.subarray(0, 1000), bytes.subarray(1000)];
    const patched = await server.ask('PATCH', await startUpload(server), {}, Readable.from(parts));
    expectProgress(server, patched, 'session-1', '0-2999');
    const answer = await server.ask('PUT', `${locationOf(patched)}?digest=${digest}`);
    expectCreated(server, answer, digest);
    expect(server.hosted.blobs.get(digest)).toEqual(bytes);
  });

  test.each<[string, string, Record<string, string>?]>([
    ['?digest=', 'containerd'],
    ['?state=a%26b&digest=', 'a client that keeps a query'],
    ['?digest=', 'one that asks before it sends', { expect: '100-continue' }],
    ['&digest=', 'a client that takes it that each location has a query'],
  ])('by POST and a PUT with the body at %s, as %s does', async (joint, _client, headers = {}) => {
    await using server = await startServer();
    const answer = await server.ask(
      'PUT',
      `${await startUpload(server)}${joint}${digest}`,
      { ...octets, ...headers },
      bytes,
    );
    expectCreated(server, answer, digest);
    expect(server.hosted.blobs.get(digest)).toEqual(bytes);
  });

  test('by a PUT whose query was sorted anew, as oras does', async () => {
    await using server = await startServer();
    const answer = await server.ask('PUT', `${await startUpload(server)}?digest=${digest}&zzz=1`, {}, bytes);
    expectCreated(server, answer, digest);
  });

  test.each([
    ['0-999', '1000-1999', '2000-2999'],
    ['bytes 0-999/3000', 'bytes 1000-1999/*', '2000-2999/3000'],
  ])('in chunks %s, %s and %s, the last one in the PUT', async (first, second, third) => {
    await using server = await startServer();
    const chunk = (at: number) => bytes.subarray(at, at + 1000);
    const location = await startUpload(server);
    const one = await server.ask('PATCH', location, { 'content-range': first }, chunk(0));
    expectProgress(server, one, 'session-1', '0-999');
    const two = await server.ask('PATCH', locationOf(one), { 'content-range': second }, chunk(1000));
    expectProgress(server, two, 'session-1', '0-1999');
    const url = `${locationOf(two)}?digest=${digest}`;
    expectCreated(server, await server.ask('PUT', url, { 'content-range': third }, chunk(2000)), digest);
    expect(server.hosted.blobs.get(digest)).toEqual(bytes);
  });

  test('by one POST', async () => {
    await using server = await startServer();
    const answer = await server.push('POST', `blobs/uploads/?digest=${digest}`, bytes, octets);
    expectCreated(server, answer, digest);
    expect(server.hosted.blobs.get(digest)).toEqual(bytes);
    expect(server.hosted.uploads.sessions.size).toBe(0);
  });

  test('with sha512, hashed as such from the beginning where that is known', async () => {
    await using server = await startServer();
    const sha512 = digestOf(bytes, 'sha512');
    await server.push('POST', `blobs/uploads/?digest=${sha512}`, bytes);
    await server.push('POST', 'blobs/uploads/?digest-algorithm=sha512');
    await server.push('POST', `blobs/uploads/?mount=${sha512}`);
    await server.push('POST', 'blobs/uploads/?digest-algorithm=sha256');
    await server.push('POST', 'blobs/uploads/');
    expect(server.hosted.uploads.algorithms).toEqual(['sha512', 'sha512', 'sha512', 'sha256', undefined]);
    expect(server.hosted.blobs.get(sha512)).toEqual(bytes);
  });

  test('without a byte, in each way', async () => {
    const empty = digestOf(Buffer.alloc(0));
    await using server = await startServer();
    const put = await server.ask('PUT', `${await startUpload(server)}?digest=${empty}`);
    expectCreated(server, put, empty);
    const posted = await server.push('POST', `blobs/uploads/?digest=${empty}`);
    expectCreated(server, posted, empty);
    const patched = await server.ask('PATCH', await startUpload(server));
    expectProgress(server, patched, 'session-3', '0-0');
    expectCreated(server, await server.ask('PUT', `${locationOf(patched)}?digest=${empty}`), empty);
    const streamed = await server.ask('PATCH', await startUpload(server), {}, Readable.from([]));
    expectProgress(server, streamed, 'session-4', '0-0');
    expect((await server.ask('GET', locationOf(put))).headers['content-length']).toBe('0');
  });

  test('and counted where its bytes came', async () => {
    await using server = await startServer();
    await server.push('POST', `blobs/uploads/?digest=${digest}`, bytes);
    await server.ask('PUT', `${await startUpload(server)}?digest=${digest}`, {}, bytes);
    await server.push('POST', `blobs/uploads/?mount=${digest}&from=${hostedName}`);
    await server.push('POST', `blobs/uploads/?digest=${digestOf(Buffer.from('other'))}`, bytes);
    expect(server.pushes).toEqual(['blob', 'blob']);
  });
});

describe('a part out of order is refused, and the session goes on', () => {
  test.each([
    ['a gap', 'PATCH', '2000-2999'],
    ['an overlap', 'PATCH', '500-1499'],
    ['a gap before the end', 'PUT', '2000-2999'],
    ['what is no range', 'PATCH', 'all of it'],
    ['a range that ends before it starts', 'PATCH', '1999-1000'],
  ])('%s', async (_what, method, range) => {
    await using server = await startServer();
    const location = await startUpload(server);
    await server.ask('PATCH', location, { 'content-range': '0-999' }, bytes.subarray(0, 1000));
    const refused = await server.ask(
      method,
      `${location}?digest=${digest}`,
      { 'content-range': range },
      bytes.subarray(2000),
    );
    expect(refused.status).toBe(416);
    expect(errorsOf(refused)).toMatchObject([{ code: 'BLOB_UPLOAD_INVALID' }]);
    expectProgress(server, refused, 'session-1', '0-999');
    const asked = await server.ask('GET', location);
    expectProgress(server, asked, 'session-1', '0-999');
    const headers = { 'content-range': '1000-2999' };
    const answer = await server.ask('PUT', `${location}?digest=${digest}`, headers, bytes.subarray(1000));
    expectCreated(server, answer, digest);
  });

  test('a part of another length than its range', async () => {
    await using server = await startServer();
    const location = await startUpload(server);
    const headers = { 'content-range': '0-99' };
    const refused = await server.ask('PATCH', location, headers, bytes.subarray(0, 50));
    expect(refused.status).toBe(400);
    expect(errorsOf(refused)).toMatchObject([
      { code: 'SIZE_INVALID', message: 'Content-Range has 100 bytes, but Content-Length says 50' },
    ]);
    expect((await server.ask('GET', location)).headers.range).toBe('0-0');
    const chunked = await server.ask('PATCH', location, headers, Readable.from([bytes.subarray(0, 50)]));
    expect(errorsOf(chunked)).toMatchObject([{ code: 'SIZE_INVALID' }]);
  });

  test('a part of another length than its range that is out of order as well, which counts more', async () => {
    await using server = await startServer();
    const location = await startUpload(server);
    await server.ask('PATCH', location, {}, bytes.subarray(0, 1000));
    const headers = { 'content-range': '500-599' };
    for (const method of ['PATCH', 'PUT']) {
      const path = method === 'PUT' ? `${location}?digest=${digest}` : location;
      const refused = await server.ask(method, path, headers, bytes.subarray(0, 50));
      expect(refused.status).toBe(416);
      expectProgress(server, refused, 'session-1', '0-999');
    }
  });
});

test('a session tells how far it is until it is cancelled', async () => {
  await using server = await startServer();
  const location = await startUpload(server);
  const empty = await server.ask('GET', location);
  expect(empty.status).toBe(204);
  expectProgress(server, empty, 'session-1', '0-0');
  await server.ask('PATCH', location, {}, bytes);
  const asked = await server.ask('GET', location);
  expect(asked.headers['content-length']).toBeUndefined();
  expectProgress(server, asked, 'session-1', '0-2999');
  const head = await server.ask('HEAD', location);
  expect(lasting(head.headers)).toEqual(lasting(asked.headers));
  const cancelled = await server.ask('DELETE', location);
  expect([cancelled.status, cancelled.body.length]).toEqual([204, 0]);
  for (const method of ['DELETE', 'GET', 'PATCH', 'PUT']) {
    const answer = await server.ask(method, `${location}?digest=${digest}`, {});
    expect(answer.status).toBe(404);
    expect(errorsOf(answer)).toMatchObject([{ code: 'BLOB_UPLOAD_UNKNOWN' }]);
  }
});

test.each([['..'], ['a%00b'], ['%2e%2e%2fx'], ['%ff'], ['x'.repeat(200)]])(
  'no session is called %s, and nobody is asked for one',
  async (id) => {
    await using server = await startServer({ hosted: new WritableMemoryRepository() });
    const answer = await server.push('GET', `blobs/uploads/${id}`);
    expect(answer.status).toBe(404);
    expect(errorsOf(answer)).toMatchObject([
      { code: 'BLOB_UPLOAD_UNKNOWN', message: 'there is no upload of this id' },
    ]);
  },
);

describe('a digest', () => {
  test.each([[''], ['?digest='], ['?digest=sha256:bad'], [`?digest=md5:${'a'.repeat(32)}`]])(
    'that is none (%s) is refused, and the session goes on',
    async (query) => {
      await using server = await startServer();
      const location = await startUpload(server);
      const refused = await server.ask('PUT', `${location}${query}`, {}, bytes);
      expect(refused.status).toBe(400);
      expect(errorsOf(refused)).toMatchObject([{ code: 'DIGEST_INVALID' }]);
      expectCreated(server, await server.ask('PUT', `${location}?digest=${digest}`, {}, bytes), digest);
    },
  );

  test.each([[''], ['sha256:bad']])('that is none (%s) starts no upload', async (text) => {
    await using server = await startServer();
    for (const parameter of ['digest', 'mount']) {
      const refused = await server.push('POST', `blobs/uploads/?${parameter}=${text}&from=a/b`, bytes);
      expect(refused.status).toBe(400);
      expect(errorsOf(refused)).toMatchObject([{ code: 'DIGEST_INVALID' }]);
    }
    expect(server.hosted.uploads.algorithms).toEqual([]);
  });

  test('of other bytes is refused, and a session that the client was not told of is gone', async () => {
    await using server = await startServer();
    const refused = await server.push('POST', `blobs/uploads/?digest=${digest}`, bytes.subarray(1));
    expect(errorsOf(refused)).toMatchObject([
      { code: 'DIGEST_INVALID', message: expect.stringContaining(digest) },
    ]);
    expect(server.hosted.uploads.sessions.size).toBe(0);
  });

  test.each([['md5'], ['']])('of the algorithm %j is refused before the upload', async (algorithm) => {
    await using server = await startServer();
    const refused = await server.push('POST', `blobs/uploads/?digest-algorithm=${algorithm}`);
    expect(refused.status).toBe(400);
    expect(errorsOf(refused)).toMatchObject([{ code: 'DIGEST_INVALID' }]);
    expect(server.hosted.uploads.algorithms).toEqual([]);
  });
});

describe('a mount', () => {
  const from = 'acme/base';

  async function startWithSource(mayPull = true) {
    const hosted = new WritableMemoryRepository();
    const source = new WritableMemoryRepository();
    source.blobs.set(digest, bytes);
    const server = await RegistryServer.start(
      {},
      {
        repositories: {
          find: (name) => (name === from ? source : name === hostedName ? hosted : undefined),
          getWritable: async () => hosted,
        },
        access: {
          identify: async () => undefined,
          protectionLevel: async () => 30,
          require: async (_ctx, { name }) => {
            if (name !== hostedName && !mayPull) throw new OciError('NAME_UNKNOWN');
          },
        },
      },
    );
    return Object.assign(server, { hosted });
  }

  test.each([
    [`mount=${digest}&from=${from}`],
    [`from=${encodeURIComponent(from)}&mount=${encodeURIComponent(digest)}`],
    [`from=${encodeURIComponent(from)}&mount=${encodeURIComponent(digest)}&origin=registry.example.com`],
  ])('%s needs no upload', async (query) => {
    await using server = await startWithSource();
    const answer = await server.push('POST', `blobs/uploads/?${query}`);
    expectCreated(server, answer, digest);
    expect((await server.ask('HEAD', locationOf(answer))).status).toBe(200);
    expect(server.hosted.uploads.algorithms).toEqual([]);
  });

  test.each([
    ['a blob that the source does not have', `mount=${digestOf(Buffer.from('x'))}&from=${from}`, true],
    ['a source that does not exist', `mount=${digest}&from=acme/nothing`, true],
    ['a source that may not be pulled from', `mount=${digest}&from=${from}`, false],
    ['no source', `mount=${digest}`, true],
    ['what is no name', `mount=${digest}&from=A//b`, true],
  ])('from %s is an ordinary upload, the same in all cases', async (_what, query, mayPull) => {
    await using server = await startWithSource(mayPull);
    const answer = await server.push('POST', `blobs/uploads/?${query}`);
    expect(answer.status).toBe(202);
    expectProgress(server, answer, 'session-1', '0-0');
    const put = await server.ask('PUT', `${locationOf(answer)}?digest=${digest}`, {}, bytes);
    expectCreated(server, put, digest);
  });

  test('beyond a quota is refused as such', async () => {
    await using server = await startWithSource();
    server.hosted.mount = () => Promise.reject(new OciError('DENIED', { detail: 'no room' }));
    const answer = await server.push('POST', `blobs/uploads/?mount=${digest}&from=${from}`);
    expect(answer.status).toBe(403);
    expect(errorsOf(answer)).toMatchObject([{ code: 'DENIED', message: 'no room' }]);
  });
});

test.each([
  [
    { kind: 'user', userId: 5, username: 'dana', isAdmin: false, scopes: 'all' } as const,
    { key: 'user:5', userId: 5, name: 'dana' },
  ],
  [
    {
      kind: 'registry-token',
      subject: 'dana',
      principal: { kind: 'user', userId: 5 },
      access: [],
      refused: [],
    } as const,
    { key: 'user:5', userId: 5, name: 'dana' },
  ],
  [deployToken, { key: 'deploy-token:5', userId: undefined, name: 'gitlab+deploy-token-5' }],
  [job, { key: 'job:11', userId: undefined, name: 'build 4711' }],
  [{ kind: 'anonymous' } as const, { key: 'anonymous', userId: undefined, name: 'anonymous' }],
])('%j writes as %j', async (identity, expected) => {
  await using server = await startServer({ identity });
  await startUpload(server);
  const writer = { protectionLevel: 30, address: '127.0.0.1', origin: expect.any(Object) };
  expect(server.writers).toEqual([{ ...expected, ...writer }]);
});
