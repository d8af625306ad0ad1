import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf, errorOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

describeApp('a cold pull', (start) => {
  test('brings the manifest and blobs byte for byte, with one probe and one GET each', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(300_000, 1);
    const image = upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });

    const manifest = await app.manifest('team/app', 'v1');
    expect(manifest.status).toBe(200);
    expect(manifest.headers.get('cache-status')).toContain('miss');
    expect(manifest.headers.get('content-type')).toBe(image.mediaType);
    expect(manifest.headers.get('docker-content-digest')).toBe(image.digest);
    expect((await bytesOf(manifest)).equals(image.payload)).toBe(true);

    const blob = await app.blob('team/app', layer.digest);
    expect(blob.headers.get('content-length')).toBe('300000');
    expect(digestOf(await bytesOf(blob))).toBe(layer.digest);

    expect(upstream.count({ kind: 'manifest', method: 'HEAD' })).toBe(1);
    expect(upstream.count({ kind: 'manifest', method: 'GET' })).toBe(1);
    expect(upstream.count({ kind: 'blob', method: 'HEAD' })).toBe(0);
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(1);
  });

  test('of an index asks for a child only when the client does, and leaves the index as it is', async () => {
    await using upstream = await new FakeRegistry().start();
    const amd64 = fakeImage({ architecture: 'amd64' });
    const arm64 = fakeImage({ architecture: 'arm64', format: 'docker' });
    const index = upstream.repository('team/app').addIndex({ tag: 'multi', manifests: [amd64, arm64] });
    await using app = await start({ upstreams: [upstream] });

    const answer = await app.manifest('team/app', 'multi', { headers: { accept: amd64.mediaType } });
    expect((await bytesOf(answer)).equals(index.payload)).toBe(true);
    expect(answer.headers.get('content-type')).toBe(index.mediaType);
    expect(upstream.count({ reference: amd64.digest })).toBe(0);

    const child = await app.manifest('team/app', arm64.digest);
    expect(child.headers.get('content-type')).toBe(arm64.mediaType);
    expect(upstream.count({ reference: arm64.digest, method: 'GET' })).toBe(1);
    expect(upstream.count({ reference: arm64.digest, method: 'HEAD' })).toBe(0);
    expect(upstream.count({ reference: amd64.digest })).toBe(0);
  });

  test('answers HEAD of a cold blob without fetching it', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(70_000);
    await using app = await start({ upstreams: [upstream] });
    const head = await app.blob('team/app', blob.digest, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('70000');
    expect(head.headers.get('docker-content-digest')).toBe(blob.digest);
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(0);
  });

  test('gives a range of a cold blob and keeps the whole', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(900_000, 3);
    await using app = await start({ upstreams: [upstream] });
    const part = await app.blob('team/app', blob.digest, { headers: { range: 'bytes=500000-599999' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 500000-599999/900000');
    expect((await bytesOf(part)).equals(Buffer.concat([...blob.read(500_000, 600_000)]))).toBe(true);
    const whole = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(whole))).toBe(blob.digest);
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(1);
  });

  test('of a range far ahead of a fill asks the upstream for just that range', async () => {
    await using upstream = await new FakeRegistry().start();
    const size = 40 * 1024 * 1024;
    const blob = upstream.repository('team/app').addBlob(size, 4);
    const go = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob' }, { holdAt: 1024 * 1024, until: go.promise });
    await using app = await start({ upstreams: [upstream] });
    const footer = await app.blob('team/app', blob.digest, { headers: { range: 'bytes=-1000' } });
    expect((await bytesOf(footer)).equals(Buffer.concat([...blob.read(size - 1000, size)]))).toBe(true);
    go.resolve();
    const whole = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(whole))).toBe(blob.digest);
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(2);
  });

  test('survives an upstream without HEAD, digest headers and lengths', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(200_000, 5);
    const image = upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    upstream.fault({ method: 'HEAD' }, { status: 405 });
    upstream.fault({}, { withoutDigest: true, withoutLength: true });
    await using app = await start({ upstreams: [upstream] });
    const manifest = await app.manifest('team/app', 'v1');
    expect(manifest.headers.get('docker-content-digest')).toBe(image.digest);
    const blob = await app.blob('team/app', layer.digest);
    expect(blob.headers.get('content-length')).toBe('200000');
    expect(digestOf(await bytesOf(blob))).toBe(layer.digest);
  });

  test('follows redirects of blobs to other origins', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(100_000, 6);
    upstream.fault({ kind: 'blob' }, { redirect: true });
    await using app = await start({ upstreams: [upstream] });
    const answer = await app.blob('team/app', blob.digest);
    expect(digestOf(await bytesOf(answer))).toBe(blob.digest);
  });

  test('tells what is missing, and remembers it briefly', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    const answer = await app.manifest('team/app', 'nope');
    expect(answer.status).toBe(404);
    const error = await errorOf(answer);
    expect(error.code).toBe('MANIFEST_UNKNOWN');
    expect(error.message).toContain('upstream 1');
    const asked = upstream.count();
    await app.manifest('team/app', 'nope');
    expect(upstream.count()).toBe(asked);
  });

  test('pulls an image whose layers are all empty or tiny', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const [empty, tiny] = [repository.addBlob(0), repository.addBlob(1, 9)];
    await using app = await start({ upstreams: [upstream] });
    expect((await (await app.blob('team/app', empty.digest)).arrayBuffer()).byteLength).toBe(0);
    expect((await (await app.blob('team/app', tiny.digest)).arrayBuffer()).byteLength).toBe(1);
  });

  test('does not give a blob to an image whose upstream does not have it', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/secret').addBlob(50_000, 7);
    await using app = await start({ upstreams: [upstream] });
    await (await app.blob('team/secret', blob.digest)).arrayBuffer();
    await eventually(async () => expect(await app.metrics()).toMatch(/entrepot_fills_active 0\b/));
    expect((await app.blob('team/other', blob.digest)).status).toBe(404);
    upstream.repository('team/other').put(blob);
    upstream.forgetRequests();
    const shared = await app.blob('team/other', blob.digest);
    expect(digestOf(await bytesOf(shared))).toBe(blob.digest);
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(0);
    expect(upstream.count({ kind: 'blob', method: 'HEAD' })).toBe(1);
  });

  test('does not take another origin’s word for bytes it did not bring', async () => {
    await using trusted = await new FakeRegistry().start();
    await using liar = await new FakeRegistry().start();
    const blob = trusted.repository('team/app').addBlob(50_000, 8);
    liar.repository('evil/app').put(blob);
    liar.fault({ kind: 'blob', method: 'GET' }, { corruptAt: 10 });
    await using app = await start({ upstreams: [trusted, liar] });
    await (await app.blob('team/app', blob.digest)).arrayBuffer();
    const lie = await app.blob('evil/app', blob.digest);
    expect(lie.status === 502 || (await lie.arrayBuffer().catch(() => 'broken off')) === 'broken off').toBe(
      true,
    );
    expect(liar.count({ kind: 'blob', method: 'GET' })).toBe(1);
  });
});
