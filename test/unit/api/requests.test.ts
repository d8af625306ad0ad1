import { expect, test } from 'vitest';
import { OciError } from '../../../src/oci/errors.ts';
import { RegistryServer, repositoryName } from './registry/registry-server.ts';

test('a sane request id is kept, any other replaced', async () => {
  await using server = await RegistryServer.start({});
  const kept = await server.ask('GET', '/v2/', { 'x-request-id': 'trace-1:a/b' });
  expect(kept.headers['x-request-id']).toBe('trace-1:a/b');
  for (const id of ['a b', '', 'x'.repeat(129), '"quoted"']) {
    const answer = await server.ask('GET', '/v2/', { 'x-request-id': id });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test('each request is one line in the log, without its query', async () => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask('GET', '/v2/?token=s3cret', { 'x-request-id': 'r1' });
  await expect.poll(() => server.log.lines).toHaveLength(1);
  const [line] = server.log.lines;
  expect(line).toMatchObject({
    level: 'info',
    message: 'request',
    fields: {
      requestId: 'r1',
      method: 'GET',
      path: '/v2/',
      status: 200,
      bytes: answer.body.length,
      address: '127.0.0.1',
    },
  });
  expect(line?.fields['ms']).toEqual(expect.any(Number));
  expect(JSON.stringify(line)).not.toContain('s3cret');
});

test('the line of a refusal says why, and one of ours is a warning', async () => {
  await using server = await RegistryServer.start({
    manifest: (reference) =>
      Promise.reject(
        reference === 'gone'
          ? new OciError('MANIFEST_UNKNOWN', { detail: 'not found in upstream 1' })
          : new OciError('UNAVAILABLE', { status: 502, detail: 'upstream 1 failed' }),
      ),
  });
  await server.get('manifests/gone');
  await server.get('manifests/broken');
  await expect.poll(() => server.log.lines).toHaveLength(2);
  expect(server.log.lines).toMatchObject([
    { level: 'info', fields: { status: 404, code: 'MANIFEST_UNKNOWN', detail: 'not found in upstream 1' } },
    { level: 'warn', fields: { status: 502, code: 'UNAVAILABLE', detail: 'upstream 1 failed' } },
  ]);
});

test.each([
  ['errors', 0],
  ['sampled', 2],
] as const)('of requests %s are logged, and %i of 200 that went well', async (logged, expected) => {
  await using server = await RegistryServer.start({}, { logged });
  for (let request = 0; request < 200; request += 1) await server.ask('GET', '/v2/');
  expect((await server.get('manifests/gone')).status).toBe(404);
  const statuses = () => server.log.lines.map(({ fields }) => fields['status']);
  await expect.poll(() => statuses().includes(404)).toBe(true);
  expect(statuses()).toEqual([...Array(expected).fill(200), 404]);
});

test('proxies are believed where they are trusted, and the setting before them', async () => {
  const headers = {
    authorization: '',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'registry.example.com',
  };
  const realm = async (options: { trustedProxies?: string[]; externalUrl?: string }) => {
    await using server = await RegistryServer.start({}, options);
    const answer = await server.ask('GET', `/v2/${repositoryName}/tags/list`, headers);
    return answer.headers['www-authenticate']?.replace(server.url, 'ours');
  };
  expect(await realm({})).toBe('Bearer realm="ours/jwt/auth"');
  const trustedProxies = ['127.0.0.0/8'];
  expect(await realm({ trustedProxies })).toBe('Bearer realm="https://registry.example.com/jwt/auth"');
  const externalUrl = 'https://set.example.com';
  expect(await realm({ trustedProxies, externalUrl })).toBe(
    'Bearer realm="https://set.example.com/jwt/auth"',
  );
});
