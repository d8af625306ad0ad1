import { expect, test } from 'vitest';
import { OciError } from '../../../../src/oci/errors.ts';
import type { RepositoryName } from '../../../../src/oci/reference.ts';
import { errorsOf, lasting, RegistryServer, repositoryName, repositoryWith } from './registry-server.ts';

const digest = `sha256:${'a'.repeat(64)}`;

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
  ['GET', `/v2/_catalog`, 404, 'UNSUPPORTED'],
  ['GET', `/v2/_oci/ext/discover`, 404, 'UNSUPPORTED'],
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
  ['PUT', 'manifests/latest', 'HEAD, GET'],
  ['DELETE', 'manifests/latest', 'HEAD, GET'],
  ['DELETE', `blobs/${digest}`, 'HEAD, GET'],
  ['PUT', 'tags/list', 'HEAD, GET'],
  ['POST', 'blobs/uploads/', ''],
  ['POST', 'blobs/uploads', 'HEAD, GET'],
  ['PATCH', 'blobs/uploads/7', ''],
  ['PUT', 'blobs/uploads/7', ''],
  ['GET', 'blobs/uploads/7', ''],
])('%s %s is not possible, and the answer says what is', async (method, path, allow) => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask(method, `/v2/${repositoryName}/${path}`);
  expect(answer.status).toBe(405);
  expect(answer.headers.allow).toBe(allow);
  expect(errorsOf(answer)).toMatchObject([
    { code: 'UNSUPPORTED', detail: expect.stringContaining('virtual registries') },
  ]);
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
  const find = (found: RepositoryName) => {
    asked.push(found);
    return repositoryWith({});
  };
  await using server = await RegistryServer.start({}, { repositories: { find } });
  await server.ask('GET', `/v2/${name}/${path}`);
  expect(asked).toEqual([name]);
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
  expect(errorsOf(answer)).toMatchObject([{ code: 'UNAVAILABLE', detail: 'upstream 2 said so' }]);
});
