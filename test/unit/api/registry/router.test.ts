import { expect, test } from 'vitest';
import type { Repositories } from '../../../../src/api/registry/services.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import type { RepositoryName } from '../../../../src/oci/reference.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import {
  errorsOf,
  hostedName,
  lasting,
  RegistryServer,
  repositoryName,
  type ServerOptions,
} from './registry-server.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const page = {
  digest: digestOf(Buffer.from('<script>')),
  mediaType: 'text/html',
  payload: Buffer.from('<script>'),
  outcome: 'hit',
} as const;

test.each([['/v2/'], ['/v2']])(
  '%s answers who is known with an empty object, and HEAD alike',
  async (path) => {
    await using server = await RegistryServer.start({});
    const answer = await server.ask('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('{}');
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
    const head = await server.ask('HEAD', path);
    expect(lasting(head.headers)).toEqual(lasting(answer.headers));
  },
);

test('who is not known is challenged, in OCI JSON', async () => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask('GET', '/v2/', { authorization: '' });
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toBe(`Bearer realm="${server.url}/jwt/auth"`);
  expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  expect(answer.headers['cache-status']).toBe('entrepot; detail=UNAUTHORIZED');
  expect(errorsOf(answer)).toMatchObject([{ code: 'UNAUTHORIZED' }]);
});

test.each([
  ['GET', `/v2/_oci/ext/discover`, 404, 'UNSUPPORTED'],
  ['GET', `/v2/${repositoryName}/_oci/ext/discover`, 404, 'UNSUPPORTED'],
  ['POST', `/v2/${repositoryName}/blobs/uploads//`, 404, 'UNSUPPORTED'],
  ['GET', `/v2/${repositoryName}/manifests/latest/`, 404, 'UNSUPPORTED'],
  ['GET', `/v2/${repositoryName}/manifests/.bad`, 400, 'MANIFEST_INVALID'],
  ['GET', `/v2/${repositoryName}/manifests/${'a'.repeat(129)}`, 400, 'MANIFEST_INVALID'],
  ['GET', `/v2/${repositoryName}/manifests/sha256:baddigeststring`, 400, 'DIGEST_INVALID'],
  ['GET', `/v2/${repositoryName}/manifests/sha999:${'a'.repeat(64)}`, 400, 'DIGEST_INVALID'],
  ['GET', `/v2/${repositoryName}/manifests/%E0%A4%A`, 400, 'MANIFEST_INVALID'],
  ['GET', `/v2/${repositoryName}/blobs/nothing`, 400, 'DIGEST_INVALID'],
  ['GET', `/v2/${repositoryName}/blobs/${digest}`, 404, 'BLOB_UNKNOWN'],
  ['GET', `/v2/${repositoryName}/manifests/latest`, 404, 'MANIFEST_UNKNOWN'],
  ['GET', `/v2/${repositoryName}/referrers/nothing`, 400, 'DIGEST_INVALID'],
  ['GET', `/v2/Upper/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/a//b/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/a/../b/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/a%2fb/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/%ff/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/${'a'.repeat(300)}/manifests/latest`, 400, 'NAME_INVALID'],
  ['GET', `/v2/other/manifests/latest`, 404, 'NAME_UNKNOWN'],
  ['POST', `/v2/`, 405, 'UNSUPPORTED'],
])('%s %s is refused with %i %s, and HEAD has the same headers', async (method, path, status, code) => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask(method, path);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(errorsOf(answer)).toMatchObject([{ code }]);
  expect(answer.headers['cache-status']).toBe(`entrepot; detail=${code}`);
  if (method !== 'GET') return;
  const head = await server.ask('HEAD', path);
  expect(head.status).toBe(status);
  expect(head.body).toHaveLength(0);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
});

test.each([
  ['PUT', 'tags/list', 'HEAD, GET'],
  ['PATCH', 'manifests/latest', 'HEAD, GET, PUT, DELETE'],
  ['POST', `blobs/${digest}`, 'HEAD, GET, DELETE'],
  ['GET', 'blobs/uploads/', 'POST'],
  ['POST', 'blobs/uploads/7', 'PATCH, PUT, HEAD, GET, DELETE'],
  ['DELETE', `referrers/${digest}`, 'HEAD, GET'],
  ['GET', 'tags/reference/latest', 'DELETE'],
])('%s %s is not possible, and the answer says what is', async (method, path, allow) => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask(method, `/v2/${hostedName}/${path}`);
  expect(answer.status).toBe(405);
  expect(answer.headers.allow).toBe(allow);
  expect(errorsOf(answer)).toMatchObject([{ code: 'UNSUPPORTED', message: expect.stringContaining(allow) }]);
});

test.each([
  ['GET', 'manifests/latest', 'pull'],
  ['HEAD', `blobs/${digest}`, 'pull'],
  ['GET', 'tags/list', 'pull'],
  ['GET', `referrers/${digest}`, 'pull'],
  ['POST', 'blobs/uploads/', 'push'],
  ['GET', 'blobs/uploads/7', 'push'],
  ['PATCH', 'blobs/uploads/7', 'push'],
  ['PUT', 'blobs/uploads/7', 'push'],
  ['DELETE', 'blobs/uploads/7', 'push'],
  ['PUT', 'manifests/latest', 'push'],
  ['DELETE', 'manifests/latest', 'delete'],
  ['DELETE', 'tags/reference/latest', 'delete'],
  ['DELETE', `blobs/${digest}`, 'delete'],
])(
  '%s %s is for who may %s, and nothing is looked for before that is known',
  async (method, path, action) => {
    const asked: string[] = [];
    const refusing: ServerOptions = {
      access: {
        identify: async () => undefined,
        protectionLevel: () => Promise.reject(new Error('was asked')),
        require: async (_ctx, { name, action: needed }) => {
          asked.push(`${needed} ${name}`);
          throw new OciError('DENIED', { detail: 'they may not' });
        },
      },
      repositories: {
        find: () => Promise.reject(new Error('was asked')),
        getWritable: () => Promise.reject(new Error('was asked')),
      },
    };
    await using server = await RegistryServer.start({}, refusing);
    expect((await server.push(method, path)).status).toBe(403);
    expect(asked).toEqual([`${action} ${hostedName}`]);
  },
);

test.each([
  ['POST', 'blobs/uploads/'],
  ['PATCH', 'blobs/uploads/7'],
  ['PUT', 'blobs/uploads/7'],
  ['DELETE', 'blobs/uploads/7'],
  ['PUT', 'manifests/latest'],
  ['DELETE', 'manifests/latest'],
  ['DELETE', 'tags/reference/latest'],
  ['DELETE', `blobs/${digest}`],
])('while nothing can be changed %s %s is told why', async (method, path) => {
  const maintenance = { readOnlyReason: async () => 'read-only: the disk is being moved' };
  await using server = await RegistryServer.start(
    {},
    { hosted: new WritableMemoryRepository(), maintenance },
  );
  const answer = await server.push(method, path);
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBeUndefined();
  expect(errorsOf(answer)).toMatchObject([
    { code: 'UNAVAILABLE', message: 'read-only: the disk is being moved' },
  ]);
  expect(server.writers).toEqual([]);
});

test('while nothing can be changed pulls work, and uploads tell how far they are', async () => {
  const hosted = new WritableMemoryRepository();
  hosted.addBlob('a blob');
  const id = await hosted.uploads.start();
  const maintenance = { readOnlyReason: async () => 'read-only' };
  await using server = await RegistryServer.start({}, { hosted, maintenance });
  expect((await server.push('GET', 'tags/list')).status).toBe(200);
  expect((await server.push('GET', `blobs/uploads/${id}`)).status).toBe(204);
});

test.each([
  ['foo/tags', 'tags/list'],
  ['foo/manifests/uploads', 'manifests/latest'],
  ['foo/blobs', `blobs/${digest}`],
  ['foo/blobs/uploads', 'manifests/list'],
  ['foo/referrers', `referrers/${digest}`],
  ['foo/manifests', 'tags/list'],
])('a repository may be called %s', async (name, path) => {
  const asked: RepositoryName[] = [];
  const hosted = new WritableMemoryRepository();
  const repositories: Repositories = {
    find(found) {
      asked.push(found);
      return hosted;
    },
    async getWritable(found) {
      asked.push(found);
      return hosted;
    },
  };
  await using server = await RegistryServer.start({}, { repositories });
  await server.ask('GET', `/v2/${name}/${path}`);
  await server.ask('DELETE', `/v2/${name}/manifests/latest`);
  await server.ask('POST', `/v2/${name}/blobs/uploads`);
  const { headers } = await server.ask('POST', `/v2/${name}/blobs/uploads/`);
  expect(headers.location).toBe(`${server.url}/v2/${name}/blobs/uploads/session-2`);
  expect((await server.ask('GET', headers.location ?? '')).status).toBe(204);
  expect(new Set(asked)).toEqual(new Set([name]));
  expect(asked).toHaveLength(5);
});

test('a digest may be percent-encoded', async () => {
  const asked: string[] = [];
  await using server = await RegistryServer.start({
    manifest: async (reference) => {
      asked.push(reference);
      throw new OciError('MANIFEST_UNKNOWN');
    },
  });
  await server.get(`manifests/${encodeURIComponent(digest)}`);
  expect(asked).toEqual([digest]);
});

test('paths elsewhere are not ours', async () => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask('GET', '/v1/search?n=1&q=a');
  expect(answer.status).toBe(404);
  expect(answer.headers['docker-distribution-api-version']).toBeUndefined();
});

test('an error that nobody expected is 500, told to the log and to nobody else', async () => {
  await using server = await RegistryServer.start({
    manifest: () => Promise.reject(new Error('password: hunter2')),
  });
  const answer = await server.get('manifests/latest');
  expect(answer.status).toBe(500);
  expect(errorsOf(answer)).toEqual([{ code: 'UNKNOWN', message: 'unknown error' }]);
  expect(server.log.lines).toContainEqual(
    expect.objectContaining({
      level: 'error',
      fields: { err: expect.objectContaining({ message: 'password: hunter2' }) },
    }),
  );
});

test('each of several errors is an entry, whose sentence is also its message, since clients show no more', async () => {
  const details = [`sha256:${'1'.repeat(64)} is missing`, `sha256:${'2'.repeat(64)} is missing`];
  const hosted = new WritableMemoryRepository();
  hosted.putManifest = () => Promise.reject(new OciError('MANIFEST_BLOB_UNKNOWN', { details }));
  await using server = await RegistryServer.start({}, { hosted });
  const answer = await server.push('PUT', 'manifests/latest', Buffer.from('{}'));
  expect(answer.status).toBe(400);
  expect(errorsOf(answer)).toEqual(details.map((message) => ({ code: 'MANIFEST_BLOB_UNKNOWN', message })));
});

test('no answer is anything that a browser would guess the type of, or run', async () => {
  await using server = await RegistryServer.start({ manifest: async () => page });
  const answers = await Promise.all([
    server.ask('GET', '/v2/'),
    server.ask('GET', '/v2/', { authorization: '' }),
    server.get('manifests/latest'),
    server.head('manifests/latest'),
    server.get(`blobs/sha256:${'a'.repeat(64)}`),
    server.get('nothing'),
    server.ask('GET', '/elsewhere'),
    server.push('PUT', 'manifests/latest', Buffer.from('{}')),
  ]);
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
  }
});

test('an error says its status, headers and detail', async () => {
  await using server = await RegistryServer.start({
    manifest: () =>
      Promise.reject(
        new OciError('UNAVAILABLE', {
          status: 502,
          detail: 'upstream 2 said so',
          headers: { 'Retry-After': '7' },
        }),
      ),
  });
  const answer = await server.get('manifests/latest');
  expect(answer.status).toBe(502);
  expect(answer.headers['retry-after']).toBe('7');
  expect(errorsOf(answer)).toMatchObject([{ code: 'UNAVAILABLE', message: 'upstream 2 said so' }]);
});
