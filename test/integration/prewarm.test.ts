import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';

const kib = 1024;
const registry = '/virtual_registries/container/registries/1';

interface Prewarm {
  readonly id: number;
  readonly waiting: number;
  readonly done: number;
  readonly failed: number;
  readonly bytes: number;
  readonly ended_at: string | null;
  readonly next_run_at: string | null;
  readonly images: readonly {
    readonly image: string;
    readonly status: string;
    readonly reason: string | null;
    readonly due_at: string | null;
  }[];
}

describeApp('images that are fetched before anybody asks for them', (start) => {
  test('are there for those platforms that were asked for, and count as no pull', async () => {
    await using upstream = await new FakeRegistry().start();
    const [amd, arm] = ['amd64', 'arm64'].map((architecture, seed) =>
      fakeImage({ architecture, layers: [seededBlob(20 * kib, seed)] }),
    );
    if (!amd?.config || !arm?.config) throw new Error('no image');
    const index = upstream.repository('team/app').addIndex({ manifests: [amd, arm], tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    const made = await prewarm(app, { images: ['team/app:v1'], platforms: ['linux/arm64/v8'] });
    expect(made).toMatchObject({ waiting: 1, done: 0, failed: 0, ended_at: null, next_run_at: null });
    const ended = await end(app, made);
    const bytes = index.payload.length + arm.payload.length + arm.config.size + 20 * kib;
    expect(ended).toMatchObject({ waiting: 0, done: 1, failed: 0, bytes });
    expect(
      upstream.matching({ method: 'GET', repository: 'team/app' }).map(({ reference }) => reference),
    ).toEqual(['v1', arm.digest, arm.config.digest, arm.layers[0]?.digest]);
    const cached = `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/cache_entries`;
    for (const entry of await jsonOf<object[]>(await app.api('GET', cached)))
      expect(entry).toMatchObject({ downloads_count: 0 });
    expect(await jsonOf(await app.api('GET', '/groups/1/-/virtual_registries/cache'))).toMatchObject({
      hits: 0,
      misses: 0,
    });
    upstream.forgetRequests();
    for (const reference of ['v1', arm.digest])
      expect((await app.manifest('team/app', reference)).status).toBe(200);
    for (const { digest } of [arm.config, ...arm.layers])
      expect((await app.blob('team/app', digest)).status).toBe(200);
    expect(upstream.requests).toEqual([]);
    const metrics = await app.metrics();
    expect(metrics).toMatch(/entrepot_prewarmed_images_total\{result="done"\} 1\b/);
    expect(metrics).toContain(`entrepot_prewarmed_bytes_total ${bytes}\n`);
  });

  test('are all platforms where none is named, of what has none as well', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const images = ['amd64', 'arm64'].map((architecture, seed) =>
      fakeImage({ architecture, layers: [seededBlob(kib, seed)] }),
    );
    repository.addIndex({ manifests: images, tag: 'v1' });
    const chart = repository.addArtifact(fakeImage(), 'application/x.chart');
    await using app = await start({ upstreams: [upstream] });
    const all = await prewarm(app, { images: ['team/app:v1', `team/app@${chart.digest}`] });
    expect(await end(app, all)).toMatchObject({ done: 2, failed: 0 });
    for (const { layers } of images)
      for (const { digest } of layers) expect(upstream.count({ method: 'GET', reference: digest })).toBe(1);
    const again = await prewarm(app, { images: [`team/app@${chart.digest}`], platforms: ['linux/amd64'] });
    expect(await end(app, again)).toMatchObject({ done: 1, failed: 0, bytes: 0 });
  });

  test('fail one by one, in words that say why, and an image of another platform is left where it is', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const only = repository.addImage({ tag: 'amd', layers: [seededBlob(kib, 1)] });
    const manifests = [fakeImage(), fakeImage({ architecture: 'arm64', layers: [seededBlob(kib, 2)] })];
    repository.addIndex({ manifests, tag: 'both' });
    repository.addImage({ tag: 'broken', architecture: 'arm64', layers: [seededBlob(kib, 3)] });
    repository.remove(seededBlob(kib, 3).digest);
    await using app = await start({ upstreams: [upstream] });
    const images = ['team/app:amd', 'team/app:none', 'team/app:broken', 'team/app:both', 'team/app:both'];
    const made = await prewarm(app, { images, platforms: ['linux/arm64'] });
    const ended = await end(app, made);
    expect(ended).toMatchObject({ waiting: 0, done: 1, failed: 3 });
    expect(ended.images).toMatchObject([
      {
        image: 'team/app:amd',
        status: 'failed',
        reason: 'the image is not there for linux/arm64; its platforms: linux/amd64',
      },
      {
        image: 'team/app:none',
        status: 'failed',
        reason: expect.stringMatching(/'none' was not found: upstream/),
      },
      { image: 'team/app:broken', status: 'failed', reason: expect.stringContaining('blob sha256:') },
      { image: 'team/app:both', status: 'done', reason: null },
    ]);
    expect(upstream.count({ reference: only.layers[0]?.digest ?? '' })).toBe(0);
  });

  test('are there already where they were pushed here', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start();
    await createProject(app, 'acme/shop', { visibility: 'public' });
    await app.useUpstreams([{ url: 'entrepot:acme/shop' }, upstream]);
    await new Pusher(app, 'acme/shop/app').image(fakeImage({ layers: [seededBlob(kib, 1)] }), 'v1');
    const made = await prewarm(app, { images: ['app:v1'], platforms: ['linux/amd64'] });
    expect(await end(app, made)).toMatchObject({ done: 1, failed: 0, bytes: 0 });
    expect(upstream.requests).toEqual([]);
  });

  test('wait where an upstream says so, and where it is away, and are tried again then', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1' });
    const calm = upstream.fault({ kind: 'manifest' }, { status: 429, headers: { 'retry-after': '3600' } });
    await using app = await start({ upstreams: [upstream] });
    const made = await prewarm(app, { images: ['team/app:v1'] });
    const limited = await eventually(async () => {
      const now = await progressOf(app, made.id);
      expect(now.images[0]?.reason).toContain('limit');
      return now;
    });
    expect(limited).toMatchObject({ waiting: 1, failed: 0, ended_at: null });
    const waitMs = Date.parse(limited.images[0]?.due_at ?? '') - Date.now();
    expect(waitMs).toBeGreaterThan(3_000_000);
    expect(waitMs).toBeLessThan(3_700_000);
    calm();
    const heal = upstream.fault({ kind: 'manifest' }, { status: 503 });
    await later(app, 3_700_000);
    await eventually(async () =>
      expect((await progressOf(app, made.id)).images[0]).toMatchObject({
        status: 'waiting',
        reason: expect.stringContaining('503'),
      }),
    );
    heal();
    await later(app, 600_000);
    expect(await end(app, made)).toMatchObject({ done: 1, failed: 0 });
  });

  test('go on where a server stopped in the middle of 200, and what is here is not asked for again', async () => {
    await using upstream = await new FakeRegistry().start();
    const layers = [seededBlob(kib, 1)];
    const tags = Array.from({ length: 200 }, (_, number) => `v${number}`);
    for (const tag of tags) upstream.repository('team/app').addImage({ tag, layers, annotations: { tag } });
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    upstream.fault({ kind: 'manifest', reference: 'v100' }, { until: opened });
    await using app = await start({ upstreams: [upstream] });
    const made = await prewarm(app, { images: tags.map((tag) => `team/app:${tag}`) });
    const halfway = await eventually(async () => {
      const now = await progressOf(app, made.id);
      expect(now.done).toBeGreaterThan(80);
      return now;
    });
    expect(halfway.waiting).toBeGreaterThan(0);
    await app.stop();
    open();
    await app.resume();
    expect(await end(app, made)).toMatchObject({ waiting: 0, done: 200, failed: 0 });
    const asked = upstream.matching({ method: 'GET', kind: 'manifest' }).map(({ reference }) => reference);
    expect(new Set(asked)).toEqual(new Set(tags));
    // What was on its way when the server stopped, three images at most, is asked for again.
    expect(asked.length - tags.length).toBeLessThanOrEqual(3);
    expect(upstream.count({ method: 'GET', kind: 'blob' })).toBe(2);
  });

  test('are fetched no more once nobody wants them, and what is here stays', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = Array.from({ length: 12 }, (_, seed) => {
      upstream.repository(`team/app${seed}`).addImage({ tag: 'v1', layers: [seededBlob(kib, seed)] });
      return `team/app${seed}:v1`;
    });
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    upstream.fault({ kind: 'blob', path: /app[456]\// }, { until: opened });
    await using app = await start({ upstreams: [upstream] });
    const { id } = await prewarm(app, { images });
    await eventually(async () => expect(await progressOf(app, id)).toMatchObject({ done: 4 }));
    await eventually(() => expect(upstream.count({ kind: 'blob', path: /app[456]\// })).toBe(3));
    expect((await app.api('DELETE', `${registry}/prewarms/${id}`)).status).toBe(204);
    open();
    expect(await jsonOf(await app.api('GET', `${registry}/prewarms`))).toEqual([]);
    expect((await app.api('GET', `${registry}/prewarms/${id}`)).status).toBe(404);
    // The next one comes after what is left of it.
    await end(app, await prewarm(app, { images: ['team/app0:v1'] }));
    expect(upstream.count({ path: /app(?:[789]|1\d)\// })).toBe(0);
  });

  test('are fetched again from time to time, the tags that have moved', async () => {
    await using upstream = await new FakeRegistry().start();
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [seededBlob(kib, 1)] });
    await using app = await start({ upstreams: [upstream] });
    const made = await prewarm(app, { images: ['team/app:v1'], every_hours: 25 });
    const first = await end(app, made);
    expect(Date.parse(first.next_run_at ?? '') - Date.now()).toBeGreaterThan(24 * 3_600_000);
    const moved = upstream.repository('team/app').addImage({ tag: 'v1', layers: [seededBlob(kib, 2)] });
    await later(app, 25 * 3_600_000);
    await eventually(async () => {
      const next = await progressOf(app, made.id);
      expect(next.next_run_at).not.toBe(first.next_run_at);
      expect(next).toMatchObject({ waiting: 0, done: 1 });
    });
    upstream.forgetRequests();
    expect((await app.manifest('team/app', 'v1')).headers.get('docker-content-digest')).toBe(moved.digest);
    expect((await app.blob('team/app', moved.layers[0]?.digest ?? '')).status).toBe(200);
    expect(upstream.requests).toEqual([]);
  });

  test('stop with the reason where the cache holds no more, and evict nothing that is pinned', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = Array.from({ length: 9 }, (_, seed) => {
      upstream.repository(`team/app${seed}`).addImage({ tag: 'v1', layers: [seededBlob(190 * kib, seed)] });
      return `team/app${seed}:v1`;
    });
    await using app = await start({
      upstreams: [upstream],
      environment: {
        ENTREPOT_CACHE__MAX_BYTES: String(1000 * kib),
        ENTREPOT_CACHE__HIGH_WATER_PERCENT: '80',
        ENTREPOT_CACHE__LOW_WATER_PERCENT: '50',
      },
    });
    await app.api('POST', `${registry}/pins`, { image: 'team/app8' });
    expect(await end(app, await prewarm(app, { images: ['team/app8:v1'] }))).toMatchObject({ done: 1 });
    const ended = await end(app, await prewarm(app, { images: images.slice(0, 8) }));
    expect(ended.failed).toBeGreaterThan(0);
    expect(ended.done + ended.failed).toBe(8);
    const reasons = ended.images.flatMap(({ reason }) => reason ?? []);
    for (const reason of reasons) expect(reason).toMatch(/^stopped: the cache (holds no more|is full)/);
    upstream.forgetRequests();
    expect((await app.blob('team/app8', seededBlob(190 * kib, 8).digest)).status).toBe(200);
    expect(upstream.count({ repository: 'team/app8' })).toBe(0);
  });
});

async function prewarm(app: TestApp, body: object): Promise<Prewarm> {
  const answer = await app.api('POST', `${registry}/prewarm`, body);
  expect(answer.status).toBe(201);
  return jsonOf<Prewarm>(answer);
}

/** Whether or not the task is running still. */
async function later(app: TestApp, ms: number): Promise<void> {
  app.advance(ms);
  expect((await app.api('POST', '/admin/jobs/cache.prewarm/run')).ok).toBe(true);
}

async function progressOf(app: TestApp, id: number): Promise<Prewarm> {
  return jsonOf<Prewarm>(await app.api('GET', `${registry}/prewarms/${id}`));
}

async function end(app: TestApp, { id }: Prewarm): Promise<Prewarm> {
  return eventually(async () => {
    const now = await progressOf(app, id);
    expect(now.ended_at).toEqual(expect.any(String));
    return now;
  });
}
