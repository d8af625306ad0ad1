import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { FakeRegistry, type FakeRegistryOptions } from '../support/fake-registry.ts';

async function setUp(options: FakeRegistryOptions = {}) {
  const registry = await new FakeRegistry(options).start();
  onTestFinished(() => registry.stop());
  const repository = registry.repository('library/alpine');
  const layer = repository.addBlob(300_000, 7);
  const image = repository.addImage({ layers: [layer], tag: 'latest' });
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${registry.url}/v2/library/alpine${path}`, { headers });
  return { registry, repository, layer, image, get };
}

test('an upstream stand-in serves what it holds and remembers each request', async () => {
  const { registry, layer, image, get } = await setUp();
  const manifest = await get('/manifests/latest');
  expect(manifest.headers.get('docker-content-digest')).toBe(image.digest);
  expect(digestOf(await manifest.bytes())).toBe(image.digest);
  expect(digestOf(await (await get(`/blobs/${layer.digest}`)).bytes())).toBe(layer.digest);
  const tail = await get(`/blobs/${layer.digest}`, { range: 'bytes=299990-' });
  expect([tail.status, tail.headers.get('content-range'), (await tail.bytes()).length]).toEqual([
    206,
    'bytes 299990-299999/300000',
    10,
  ]);
  expect(registry.count({ method: 'GET', kind: 'blob' })).toBe(2);
  expect(registry.bytesSent({ kind: 'blob' })).toBe(300_010);
});

test('a fault holds for as many matching requests as it was given for', async () => {
  const { registry, layer, get } = await setUp();
  registry.fault({ kind: 'blob' }, { status: 429, headers: { 'retry-after': '7' } }, 1);
  const refused = await get(`/blobs/${layer.digest}`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
  expect((await get(`/blobs/${layer.digest}`)).status).toBe(200);
});

test('a cut body ends after exactly so many bytes, a corrupt one differs in one bit', async () => {
  const { registry, layer, get } = await setUp();
  registry.fault({ kind: 'blob' }, { cutAfterBytes: 100_001 }, 1);
  await expect((await get(`/blobs/${layer.digest}`)).bytes()).rejects.toThrow();
  expect(registry.bytesSent()).toBe(100_001);
  registry.fault({ kind: 'blob' }, { corruptAt: 200_000 }, 1);
  const corrupt = await (await get(`/blobs/${layer.digest}`)).bytes();
  const right = Buffer.concat([...layer.read(0, layer.size)]);
  expect(
    [...corrupt].flatMap((byte, at) => (byte === right[at] ? [] : [[at, byte ^ (right[at] ?? 0)]])),
  ).toEqual([[200_000, 1]]);
});

test('a held body stops until it is let go', async () => {
  const { registry, layer, get } = await setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  registry.fault({ kind: 'blob' }, { holdAt: 5000, until: promise });
  const reader = (await get(`/blobs/${layer.digest}`)).body?.getReader();
  let bytes = 0;
  while (bytes < 5000) bytes += (await reader?.read())?.value?.length ?? 0;
  expect(registry.bytesSent()).toBe(5000);
  resolve();
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
    bytes += next.value.length;
  expect(bytes).toBe(layer.size);
});

test('tokens are scoped, and the redirect leads to another origin', async () => {
  const { registry, layer, get } = await setUp({ auth: { kind: 'bearer', username: 'u', password: 'p' } });
  const refused = await get('/manifests/latest');
  expect(refused.headers.get('www-authenticate')).toBe(
    `Bearer realm="${registry.url}/token",service="fake-registry",scope="repository:library/alpine:pull"`,
  );
  const authorization = `Basic ${Buffer.from('u:p').toString('base64')}`;
  const tokenUrl = `${registry.url}/token?service=fake-registry&scope=repository:library/alpine:pull`;
  const { token } = (await (await fetch(tokenUrl, { headers: { authorization } })).json()) as {
    token: string;
  };
  registry.fault({ kind: 'blob' }, { redirect: true });
  const blob = await get(`/blobs/${layer.digest}`, { authorization: `Bearer ${token}` });
  expect(digestOf(await blob.bytes())).toBe(layer.digest);
  expect(registry.matching({ kind: 'elsewhere' })).toMatchObject([{ query: 'signature=secret' }]);
});

test('tags are paged, referrers listed and filtered', async () => {
  const { repository, image, get } = await setUp({ tagsPerPage: 1 });
  repository.tag('edge', image.digest);
  const page = await get('/tags/list');
  expect(await page.json()).toEqual({ name: 'library/alpine', tags: ['edge'] });
  expect(page.headers.get('link')).toBe('</v2/library/alpine/tags/list?n=1&last=edge>; rel="next"');
  const artifact = repository.addArtifact(image, 'application/x.sbom');
  repository.addArtifact(image, 'application/x.signature');
  const referrers = await get(`/referrers/${image.digest}?artifactType=application/x.sbom`);
  expect(referrers.headers.get('oci-filters-applied')).toBe('artifactType');
  expect(await referrers.json()).toMatchObject({ manifests: [{ digest: artifact.digest }] });
});

test('a stopped registry refuses connections, and is back on the same port', async () => {
  const { registry, get } = await setUp();
  await registry.stop();
  await expect(get('/manifests/latest')).rejects.toThrow();
  await registry.start();
  expect((await get('/manifests/latest')).status).toBe(200);
});
