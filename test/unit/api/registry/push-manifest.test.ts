import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { ociIndex } from '../../../../src/oci/media-types.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import { errorsOf, hostedName, lasting, maxManifestBytes, RegistryServer } from './registry-server.ts';

const payload = Buffer.from('{ "schemaVersion": 2,\n\t"manifests": [] }\n');
const digest = digestOf(payload);
const sha512 = digestOf(payload, 'sha512');
const headers = { 'content-type': ociIndex };

async function startServer() {
  const hosted = new WritableMemoryRepository();
  const server = await RegistryServer.start({}, { hosted });
  return Object.assign(server, { hosted });
}

describe('a manifest is pushed', () => {
  test.each([
    ['latest', digest],
    [digest, digest],
    [sha512, sha512],
    [encodeURIComponent(digest), digest],
  ])('as %s, and comes back byte for byte from where the answer says', async (reference, expected) => {
    await using server = await startServer();
    const answer = await server.push('PUT', `manifests/${reference}`, payload, headers);
    expect(answer.status).toBe(201);
    expect(answer.body).toHaveLength(0);
    expect(lasting(answer.headers)).toEqual({
      'cache-status': 'entrepot',
      connection: 'close',
      'content-length': '0',
      'docker-content-digest': expected,
      'docker-distribution-api-version': 'registry/2.0',
      location: `${server.url}/v2/${hostedName}/manifests/${expected}`,
    });
    const pulled = await server.ask('GET', answer.headers.location ?? '');
    expect(pulled.body).toEqual(payload);
    expect(pulled.headers['content-type']).toBe(ociIndex);
    expect(server.pushes).toEqual(['manifest']);
  });

  test('in chunks of unknown number, and without a type', async () => {
    await using server = await startServer();
    const answer = await server.push(
      'PUT',
      'manifests/latest',
      Readable.from([payload.subarray(0, 9), payload.subarray(9)]),
    );
    expect(answer.headers['docker-content-digest']).toBe(digest);
    expect(server.hosted.manifests.get(digest)).toMatchObject({ payload, contentType: undefined });
  });

  test.each([
    ['application/octet-stream'],
    ['application/json'],
    ['text/plain; charset=utf-8'],
    ['application/x-www-form-urlencoded'],
  ])('of which curl and others say %s, whatever it is', async (type) => {
    await using server = await startServer();
    const answer = await server.push('PUT', 'manifests/latest', payload, { 'content-type': type });
    expect(answer.status).toBe(201);
  });

  test('under its type as the client said it', async () => {
    await using server = await startServer();
    const contentType = `${ociIndex}; charset=utf-8`;
    await server.push('PUT', 'manifests/latest', payload, { 'content-type': contentType });
    expect(server.hosted.manifests.get(digest)).toMatchObject({ contentType });
  });

  test('with a subject that the answer names', async () => {
    await using server = await startServer();
    const about = Buffer.from(JSON.stringify({ schemaVersion: 2, subject: { digest: sha512 } }));
    for (const reference of ['latest', digestOf(about)]) {
      const answer = await server.push('PUT', `manifests/${reference}`, about, headers);
      expect(answer.headers['oci-subject']).toBe(sha512);
    }
  });

  test('by digest with several tags', async () => {
    await using server = await startServer();
    const tags = Array.from({ length: 10 }, (_, index) => `v${index}`);
    const query = [...tags, 'v0'].map((tag) => `tag=${tag}`).join('&');
    const answer = await server.push('PUT', `manifests/${digest}?${query}`, payload, headers);
    expect(answer.status).toBe(201);
    expect(answer.headers['oci-tag']).toBe(tags.join(', '));
    expect([...server.hosted.tagged.keys()]).toEqual(tags);
  });

  test('of the largest size', async () => {
    await using server = await startServer();
    const largest = Buffer.alloc(maxManifestBytes, ' ');
    const answer = await server.push('PUT', 'manifests/latest', largest);
    expect(answer.headers['docker-content-digest']).toBe(digestOf(largest));
  });
});

describe('a manifest is refused', () => {
  const tooMany = Array.from({ length: 101 }, (_, index) => `tag=v${index}`).join('&');

  test.each([
    [digestOf(Buffer.from('other')), 400, 'DIGEST_INVALID'],
    ['sha256:baddigeststring', 400, 'DIGEST_INVALID'],
    [`sha999:${'a'.repeat(64)}`, 400, 'DIGEST_INVALID'],
    ['.bad', 400, 'MANIFEST_INVALID'],
    ['a'.repeat(129), 400, 'MANIFEST_INVALID'],
    ['latest?tag=other', 400, 'MANIFEST_INVALID'],
    [`${digest}?tag=ok&tag=.bad`, 400, 'MANIFEST_INVALID'],
    [`${digest}?tag=`, 400, 'MANIFEST_INVALID'],
    [`${digest}?${tooMany}`, 414, 'MANIFEST_INVALID'],
  ])('as %s with %i %s', async (reference, status, code) => {
    await using server = await startServer();
    const answer = await server.push('PUT', `manifests/${reference}`, payload, headers);
    expect([answer.status, errorsOf(answer)]).toMatchObject([status, [{ code }]]);
    expect(server.hosted.manifests.size).toBe(0);
    expect(server.pushes).toEqual([]);
  });

  test('where it is too large, whether or not it says so', async () => {
    await using server = await startServer();
    const large = Buffer.alloc(maxManifestBytes + 1, ' ');
    for (const body of [large, Readable.from([large])]) {
      const answer = await server.push('PUT', 'manifests/latest', body);
      expect(answer.status).toBe(413);
      expect(errorsOf(answer)).toMatchObject([
        { code: 'MANIFEST_INVALID', message: `a manifest has at most ${maxManifestBytes} bytes` },
      ]);
    }
    expect(server.hosted.manifests.size).toBe(0);
  });

  test('where there is no project for it, as the repositories say', async () => {
    await using server = await startServer();
    const answer = await server.ask('PUT', '/v2/acme/nothing/manifests/latest', headers, payload);
    expect([answer.status, errorsOf(answer)]).toMatchObject([
      403,
      [{ code: 'DENIED', message: 'there is no project for acme/nothing' }],
    ]);
  });
});

describe('what was pushed is deleted', () => {
  test.each([
    ['manifests/latest', 'MANIFEST_UNKNOWN'],
    ['tags/reference/latest', 'TAG_UNKNOWN'],
  ])('a tag alone at %s', async (path, code) => {
    await using server = await startServer();
    await server.push('PUT', 'manifests/latest', payload, headers);
    const answer = await server.push('DELETE', path);
    expect(answer.status).toBe(202);
    expect(answer.headers['content-length']).toBe('0');
    expect(server.hosted.manifests.has(digest)).toBe(true);
    const again = await server.push('DELETE', path);
    expect([again.status, errorsOf(again)]).toMatchObject([404, [{ code }]]);
  });

  test('a manifest, by digest', async () => {
    await using server = await startServer();
    await server.push('PUT', 'manifests/latest', payload, headers);
    expect((await server.push('DELETE', `manifests/${digest}`)).status).toBe(202);
    expect((await server.push('HEAD', `manifests/${digest}`)).status).toBe(404);
  });

  test('a blob', async () => {
    await using server = await startServer();
    const blob = digestOf(payload);
    await server.push('POST', `blobs/uploads/?digest=${blob}`, payload);
    expect((await server.push('DELETE', `blobs/${blob}`)).status).toBe(202);
    const again = await server.push('DELETE', `blobs/${blob}`);
    expect([again.status, errorsOf(again)]).toMatchObject([404, [{ code: 'BLOB_UNKNOWN' }]]);
  });

  test.each([
    ['manifests/.bad', 'MANIFEST_INVALID'],
    ['manifests/sha256:bad', 'DIGEST_INVALID'],
    ['tags/reference/.bad', 'MANIFEST_INVALID'],
    ['blobs/latest', 'DIGEST_INVALID'],
  ])('but not %s', async (path, code) => {
    await using server = await startServer();
    const answer = await server.push('DELETE', path);
    expect([answer.status, errorsOf(answer)]).toMatchObject([400, [{ code }]]);
  });

  test('unless that is switched off, and the answer says what is possible instead', async () => {
    await using server = await startServer();
    server.hosted.deleteManifest = () =>
      Promise.reject(new OciError('UNSUPPORTED', { detail: 'deleting is switched off' }));
    const answer = await server.push('DELETE', 'manifests/latest');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'HEAD, GET, PUT']);
    expect(errorsOf(answer)).toMatchObject([{ code: 'UNSUPPORTED', message: 'deleting is switched off' }]);
  });
});

test.each([['text/html'], ['application/vnd.example.thing+json'], ['nonsense']])(
  'what says that it is %s is refused for that, whatever is in it',
  async (type) => {
    await using server = await startServer();
    for (const body of [payload, Buffer.from('no JSON'), Buffer.alloc(maxManifestBytes + 1)]) {
      const answer = await server.push('PUT', 'manifests/latest', body, { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(errorsOf(answer)).toMatchObject([
        { code: 'MANIFEST_INVALID', message: expect.stringContaining(type) },
      ]);
    }
  },
);
