import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import type { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { type FakeManifest, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const kib = 1024;
const environment = {
  ENTREPOT_CACHE__MAX_BYTES: String(1000 * kib),
  ENTREPOT_CACHE__HIGH_WATER_PERCENT: '80',
  ENTREPOT_CACHE__LOW_WATER_PERCENT: '50',
};

describeApp('a cache with a limit', (start) => {
  test('gives up the least recently pulled images, whole, when it passes the high water mark', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = ['a', 'b', 'c', 'd', 'e'].map((name, index) => addImage(upstream, name, 190, index));
    await using app = await start({ upstreams: [upstream], environment });
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
      await pull(app, name, images[index]);
      app.advance(1000);
    }
    // The oldest is used again: the next one goes in its place.
    await pull(app, 'a', images[0]);
    app.advance(1000);
    expect(await cached(app)).toEqual(['a', 'b', 'c', 'd']);
    await pull(app, 'e', images[4]);
    await eventually(async () => expect(await cached(app)).toEqual(['a', 'e']));
    expect(await bytesCached(app)).toBeLessThanOrEqual(500 * kib);
    // The bytes go as well, at once: the configuration that all images share and two layers are left.
    await eventually(async () => expect(await app.filesUnder('sha256')).toHaveLength(3));
    await pull(app, 'b', images[1]);
    expect(await app.metrics()).toMatch(/entrepot_cache_evicted_entries_total\{reason="size"\} 9\b/);
  });

  test('keeps what is pinned, and passes on what there is no room for, without failing a pull', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = ['a', 'b', 'c'].map((name, index) => addImage(upstream, name, 400, index));
    await using app = await start({ upstreams: [upstream], environment });
    const pins = '/virtual_registries/container/registries/1/pins';
    for (const image of ['team/a', 'team/b'])
      expect((await app.api('POST', pins, { image })).status).toBe(201);
    await pull(app, 'a', images[0]);
    await pull(app, 'b', images[1]);
    app.advance(60_000);
    await pull(app, 'c', images[2]);
    expect(await bytesCached(app)).toBeLessThan(1000 * kib);
    await eventually(
      async () => expect(await app.metrics()).toMatch(/entrepot_cache_not_kept_bytes_total [1-9]/),
      15_000,
    );
    expect((await cached(app)).filter((name) => name !== 'c')).toEqual(['a', 'b']);
    await pull(app, 'c', images[2]);
    await eventually(async () => expect(await app.filesUnder('/spool/')).toEqual([]));
  });

  test('passes on a blob that is bigger than all of it, and evicts nothing for that', async () => {
    await using upstream = await new FakeRegistry().start();
    const small = addImage(upstream, 'small', 100, 1);
    const big = addImage(upstream, 'big', 1200, 2);
    await using app = await start({ upstreams: [upstream], environment });
    await pull(app, 'small', small);
    app.advance(1000);
    await pull(app, 'big', big);
    await pull(app, 'big', big);
    expect(await bytesCached(app)).toBeLessThan(200 * kib);
    expect(await cached(app)).toContain('small');
  });

  test('lets a pull end whose blob is evicted meanwhile, and keeps what was pushed here too', async () => {
    await using upstream = await new FakeRegistry().start();
    // More than what is on its way between server and client.
    const big = addImage(upstream, 'big', 20_000, 1);
    const [layer] = big.layers;
    if (!layer || !big.config) throw new Error('no layer');
    await using app = await start({
      upstreams: [upstream],
      environment: { ...environment, ENTREPOT_CACHE__MAX_BYTES: String(40_000 * kib) },
    });
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop/app').blob(big.config);
    await pull(app, 'big', big);
    const reading = await app.blob('team/big', layer.digest);
    const reader = reading.body?.getReader();
    const chunks = [(await reader?.read())?.value ?? Buffer.alloc(0)];
    app.advance(60_000);
    await pull(app, 'next', addImage(upstream, 'next', 19_000, 2));
    await eventually(async () => expect(await cached(app)).toEqual(['next']));
    const isLayer = (path: string) => path.includes(layer.digest.slice('sha256:'.length));
    await eventually(async () => expect((await app.filesUnder('sha256')).filter(isLayer)).toEqual([]));
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read())
      chunks.push(read.value);
    expect(digestOf(Buffer.concat(chunks))).toBe(layer.digest);
    const pushed = await app.v2(`acme/shop/app/blobs/${big.config.digest}`);
    expect(digestOf(await bytesOf(pushed))).toBe(big.config.digest);
  });

  test('of a group keeps that group below it, and leaves the others alone', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = ['a', 'b', 'c'].map((name, index) => addImage(upstream, name, 40, index));
    await using app = await start({ upstreams: [upstream] });
    const limit = { max_bytes: 100 * kib };
    expect((await app.api('PATCH', '/groups/1/-/virtual_registries/cache', limit)).status).toBe(200);
    const other = await makeRegistry(app, upstream);
    for (const [index, name] of ['a', 'b'].entries()) {
      await pull(app, name, images[index]);
      await pull(app, name, images[index], other.registryId);
      app.advance(1000);
    }
    await pull(app, 'c', images[2]);
    await pull(app, 'c', images[2], other.registryId);
    await eventually(async () => expect((await cacheOf(app, 1)).bytes).toBeLessThanOrEqual(80 * kib));
    expect(await cached(app)).toContain('c');
    expect(await cacheOf(app, 1)).toMatchObject({ last_evicted_entries_count: expect.any(Number) });
    expect((await cacheOf(app, 1)).last_evicted_size).toBeGreaterThan(40 * kib);
    expect(await cacheOf(app, other.groupId)).toMatchObject({ last_evicted_at: null, max_bytes: null });
    expect((await cacheOf(app, other.groupId)).bytes).toBeGreaterThan(120 * kib);
  });

  test('counts a layer that two images share once, and keeps it while one of them stays', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(300 * kib, 7);
    const images = ['a', 'b'].map((name, index) => {
      const own = seededBlob(10 * kib, index);
      return upstream.repository(`team/${name}`).addImage({ tag: 'v1', layers: [layer, own] });
    });
    await using app = await start({ upstreams: [upstream], environment });
    await pull(app, 'a', images[0]);
    await pull(app, 'b', images[1]);
    expect(await bytesCached(app)).toBeLessThan(330 * kib);
    app.advance(1000);
    await pull(app, 'c', addImage(upstream, 'c', 485, 9));
    await eventually(async () => expect(await bytesCached(app)).toBeLessThanOrEqual(500 * kib));
    expect(await cached(app)).toEqual(['c']);
  });
});

function addImage(upstream: FakeRegistry, name: string, sizeKib: number, seed: number): FakeManifest {
  return upstream
    .repository(`team/${name}`)
    .addImage({ tag: 'v1', layers: [seededBlob(sizeKib * kib, seed)] });
}

/** As a client that has none of it. */
async function pull(
  app: TestApp,
  name: string,
  image: FakeManifest | undefined,
  registryId = 1,
): Promise<void> {
  if (!image?.config) throw new Error('no such image');
  const repository = `virtual_registries/container/${registryId}/team/${name}`;
  const manifest = await app.v2(`${repository}/manifests/v1`);
  expect(manifest.headers.get('docker-content-digest')).toBe(image.digest);
  for (const { digest } of [image.config, ...image.layers]) {
    const blob = await app.v2(`${repository}/blobs/${digest}`);
    expect(digestOf(await bytesOf(blob))).toBe(digest);
  }
  // The last bytes come before the blob is recorded.
  await eventually(async () => expect(await app.metrics()).toMatch(/entrepot_fills_active 0\b/));
}

interface Cache {
  readonly bytes: number;
  readonly last_evicted_size: number;
}

async function cacheOf(app: TestApp, groupId: number): Promise<Cache> {
  return jsonOf<Cache>(await app.api('GET', `/groups/${groupId}/-/virtual_registries/cache`));
}

/** In a group of its own, with the same upstream. */
async function makeRegistry(app: TestApp, upstream: FakeRegistry) {
  const make = async (path: string, body: object) =>
    (await jsonOf<{ id: number }>(await app.api('POST', path, body))).id;
  const groupId = await make('/groups', { name: 'Other', path: 'other' });
  const registryId = await make(`/groups/${groupId}/-/virtual_registries/container/registries`, {
    name: 'other',
  });
  const path = `/virtual_registries/container/registries/${registryId}/upstreams`;
  await make(path, { name: 'other', url: upstream.url });
  return { groupId, registryId };
}

async function bytesCached(app: TestApp): Promise<number> {
  return Number(/^entrepot_cache_bytes (\d+)$/m.exec(await app.metrics())?.[1]);
}

/** The images whose layer is cached. */
async function cached(app: TestApp): Promise<string[]> {
  const path = `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/cache_entries?per_page=100`;
  const entries = await jsonOf<{ relative_path: string }[]>(await app.api('GET', path));
  const names = entries.map((entry) => /^team\/(\w+)\//.exec(entry.relative_path)?.[1] ?? '');
  return [...new Set(names)].sort();
}
