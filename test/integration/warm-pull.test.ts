import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const hourMs = 3_600_000;

describeApp('a warm pull', (start) => {
  test('within the validity asks the upstream nothing', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(100_000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    await (await app.blob('team/app', layer.digest)).arrayBuffer();
    upstream.forgetRequests();
    for (let pull = 0; pull < 20; pull += 1) {
      const manifest = await app.manifest('team/app', 'v1');
      expect(manifest.headers.get('cache-status')).toContain('hit');
      const blob = await app.blob('team/app', layer.digest);
      expect(digestOf(await bytesOf(blob))).toBe(layer.digest);
    }
    app.advance(23 * hourMs);
    await app.manifest('team/app', 'v1');
    expect(upstream.count()).toBe(0);
  });

  test('of an expired tag asks by exactly one HEAD, however many pull at once', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    upstream.forgetRequests();
    app.advance(25 * hourMs);
    upstream.fault({ method: 'HEAD' }, { delayMs: 100 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => app.manifest('team/app', 'v1')));
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('docker-content-digest')).toBe(image.digest);
      // Whoever comes after it was answered finds the tag fresh.
      expect(answer.headers.get('cache-status')).toMatch(/revalidated|hit/);
    }
    expect(answers.some(({ headers }) => headers.get('cache-status')?.includes('revalidated'))).toBe(true);
    expect(upstream.requests.map(({ method }) => method)).toEqual(['HEAD']);
    await app.manifest('team/app', 'v1');
    expect(upstream.count()).toBe(1);
  });

  test('with validity 0 never asks again', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [{ url: upstream.url, cache_validity_hours: 0 }] });
    await app.manifest('team/app', 'v1');
    upstream.forgetRequests();
    app.advance(10_000 * hourMs);
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    expect(upstream.count()).toBe(0);
  });

  test('by digest never asks again', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    upstream.forgetRequests();
    app.advance(1000 * hourMs);
    expect((await app.manifest('team/app', image.digest)).status).toBe(200);
    expect(upstream.count()).toBe(0);
  });

  test('is the same by HEAD and GET', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(5000, 2);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    await (await app.blob('team/app', layer.digest)).arrayBuffer();
    await app.manifest('team/app', 'v1');
    const names = [
      'content-length',
      'content-type',
      'docker-content-digest',
      'etag',
      'docker-distribution-api-version',
    ];
    for (const path of ['manifests/v1', `blobs/${layer.digest}`]) {
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) =>
          app.v2(`virtual_registries/container/1/team/app/${path}`, { method }),
        ),
      );
      for (const name of names) {
        expect(get?.headers.get(name), name).not.toBeNull();
        expect(head?.headers.get(name), name).toBe(get?.headers.get(name));
      }
    }
  });

  test('knows an unchanged tag by its ETag', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    const first = await app.manifest('team/app', 'v1');
    expect(first.headers.get('etag')).toBe(`"${image.digest}"`);
    const again = await app.manifest('team/app', 'v1', { headers: { 'if-none-match': `"${image.digest}"` } });
    expect(again.status).toBe(304);
  });

  test('counts downloads, not looks', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    for (let pull = 0; pull < 3; pull += 1) await app.manifest('team/app', 'v1');
    await app.manifest('team/app', 'v1', { method: 'HEAD' });
    await app.stop();
    await app.resume();
    const path = `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/cache_entries`;
    const [entry] = await jsonOf<Record<string, unknown>[]>(await app.api('GET', path));
    expect(entry?.['relative_path']).toBe('team/app/manifests/v1');
    expect(entry?.['downloads_count']).toBe(3);
    expect(entry?.['downloaded_at']).toMatch(/Z$/);
  });

  test('survives a restart without its upstream', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(100_000, 3);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    await app.manifest('team/app', 'v1');
    await (await app.blob('team/app', layer.digest)).arrayBuffer();
    await upstream.stop();
    await app.stop();
    await app.resume();
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    const blob = await app.blob('team/app', layer.digest);
    expect(digestOf(await bytesOf(blob))).toBe(layer.digest);
  });
});
