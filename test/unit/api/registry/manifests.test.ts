import { expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { ociIndex } from '../../../../src/oci/media-types.ts';
import type { ManifestAnswer, Outcome } from '../../../../src/oci/repository.ts';
import { lasting, RegistryServer } from './registry-server.ts';

const payload = Buffer.from('{ "schemaVersion": 2,\n\t"manifests": [] }\n');
const digest = digestOf(payload);
const sha512 = digestOf(payload, 'sha512');

function answering(outcome: Outcome = 'hit', pulls: boolean[] = []) {
  return {
    manifest: async (_reference: string, isPull: boolean): Promise<ManifestAnswer> => {
      pulls.push(isPull);
      return { digest, mediaType: ociIndex, payload, outcome };
    },
  };
}

test('a manifest comes byte for byte, with its own type, length and digest', async () => {
  await using server = await RegistryServer.start(answering());
  const answer = await server.get('manifests/latest', {
    'accept-encoding': 'gzip, zstd',
    accept: 'application/json',
  });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual(payload);
  expect(lasting(answer.headers)).toEqual({
    'cache-control': 'private, no-cache',
    'cache-status': 'entrepot; hit',
    connection: 'close',
    'content-length': String(payload.length),
    'content-type': ociIndex,
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    vary: 'Authorization',
    etag: `"${digest}"`,
  });
});

test('HEAD has the headers of GET and no body, and is no pull', async () => {
  const pulls: boolean[] = [];
  await using server = await RegistryServer.start(answering('hit', pulls));
  const answer = await server.get('manifests/latest');
  const head = await server.head('manifests/latest');
  expect(head.status).toBe(200);
  expect(head.body).toHaveLength(0);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
  expect(pulls).toEqual([true, false]);
});

test('by digest it never changes, and its digest is of the algorithm asked for', async () => {
  await using server = await RegistryServer.start(answering());
  const answer = await server.get(`manifests/${sha512}`);
  expect(answer.headers['docker-content-digest']).toBe(sha512);
  expect(answer.headers.etag).toBe(`"${sha512}"`);
  expect(answer.headers['cache-control']).toBe('private, max-age=31536000, immutable');
});

test.each([
  [`"${digest}"`, 304],
  [`W/"${digest}"`, 304],
  [`"other", "${digest}"`, 304],
  ['*', 304],
  ['"other"', 200],
])('If-None-Match: %s is answered with %i', async (condition, status) => {
  await using server = await RegistryServer.start(answering());
  const answer = await server.get('manifests/latest', { 'if-none-match': condition });
  expect(answer.status).toBe(status);
  expect(answer.headers['docker-content-digest']).toBe(digest);
  expect(answer.headers.etag).toBe(`"${digest}"`);
  expect(answer.headers['cache-status']).toBe('entrepot; hit');
  expect(answer.body).toHaveLength(status === 304 ? 0 : payload.length);
  const head = await server.head('manifests/latest', { 'if-none-match': condition });
  expect(head.status).toBe(status);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
});

test.each([
  ['hit', 'entrepot; hit'],
  ['stale', 'entrepot; hit; detail=stale'],
  ['miss', 'entrepot; fwd=uri-miss'],
  ['collapsed', 'entrepot; fwd=uri-miss; collapsed'],
  ['revalidated', 'entrepot; fwd=stale; detail=revalidated'],
  ['updated', 'entrepot; fwd=stale; detail=updated'],
  ['hosted', 'entrepot'],
] as const)('the outcome %s is said in Cache-Status, log and metrics', async (outcome, status) => {
  await using server = await RegistryServer.start(answering(outcome));
  const answer = await server.get('manifests/latest?ns=docker.io');
  expect(answer.headers['cache-status']).toBe(status);
  expect(answer.headers['oci-namespace']).toBeUndefined();
  expect(server.pulls).toEqual([`manifest ${outcome}`]);
  await expect.poll(() => server.log.lines).toHaveLength(1);
  expect(server.log.lines[0]).toMatchObject({
    level: 'info',
    fields: { outcome, status: 200, bytes: payload.length },
  });
  expect(server.served).toEqual([[outcome, payload.length]]);
});
