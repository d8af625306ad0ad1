import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const mib = 1024 * 1024;

async function digestOfBody(answer: Response): Promise<string> {
  return digestOf(await bytesOf(answer));
}

describeApp('many clients at once', (start) => {
  test('on one cold blob cost one GET and its bytes once', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(8 * mib, 1);
    upstream.fault({ kind: 'blob' }, { bytesPerSecond: 32 * mib });
    await using app = await start({ upstreams: [upstream] });
    const answers = await Promise.all(Array.from({ length: 32 }, () => app.blob('team/app', blob.digest)));
    expect(await Promise.all(answers.map(digestOfBody))).toEqual(Array(32).fill(blob.digest));
    expect(upstream.count({ kind: 'blob' })).toBe(1);
    expect(upstream.bytesSent({ kind: 'blob' })).toBe(8 * mib);
    expect(
      answers.filter((answer) => answer.headers.get('cache-status')?.includes('collapsed')),
    ).toHaveLength(31);
  });

  test('arriving one after another follow the same fill from its first byte', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(4 * mib, 2);
    const go = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob' }, { holdAt: 2 * mib, until: go.promise });
    await using app = await start({ upstreams: [upstream] });
    const bodies: Promise<string>[] = [];
    for (let client = 0; client < 8; client += 1) {
      const answer = await app.blob('team/app', blob.digest);
      const [head, whole] = answer.body?.tee() ?? [];
      const first = await head?.getReader().read();
      expect(first?.value?.length).toBeGreaterThan(0);
      bodies.push(digestOfBody(new Response(whole ?? null)));
    }
    go.resolve();
    expect(await Promise.all(bodies)).toEqual(Array(8).fill(blob.digest));
    expect(upstream.count({ kind: 'blob' })).toBe(1);
  });

  test('share a layer across tags and images', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(2 * mib, 3);
    for (const name of ['team/one', 'team/two']) {
      upstream.repository(name).push(fakeImage({ layers: [layer], architecture: name }), 'v1');
    }
    upstream.fault({ kind: 'blob', method: 'GET' }, { bytesPerSecond: 8 * mib });
    await using app = await start({ upstreams: [upstream] });
    await Promise.all(['team/one', 'team/two'].map((image) => app.manifest(image, 'v1')));
    const answers = await Promise.all(
      ['team/one', 'team/two', 'team/one'].map((image) => app.blob(image, layer.digest)),
    );
    expect(await Promise.all(answers.map(digestOfBody))).toEqual(Array(3).fill(layer.digest));
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(1);
  });

  test('on one cold manifest cost one probe and one GET', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    upstream.fault({}, { delayMs: 50 });
    await using app = await start({ upstreams: [upstream] });
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.manifest('team/app', 'v1')));
    expect(answers.map((answer) => answer.headers.get('docker-content-digest'))).toEqual(
      Array(20).fill(image.digest),
    );
    expect(upstream.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('all hear of it when the upstream fails', async () => {
    await using upstream = await new FakeRegistry().start();
    const blob = upstream.repository('team/app').addBlob(1000, 4);
    upstream.fault({}, { status: 500, delayMs: 1500 });
    await using app = await start({ upstreams: [upstream] });
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.blob('team/app', blob.digest)));
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(502));
    expect(upstream.count({ kind: 'blob' })).toBe(1);
  });
});
