import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { eventually } from '../support/eventually.ts';
import { bytesBlob, fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const mib = 1024 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'entrepot-full-'));
const isMounted = tryMount();

function tryMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

afterAll(() => {
  if (isMounted) execFileSync('umount', [directory]);
  rmSync(directory, { recursive: true, force: true });
});

const title = 'a full disk fails no pull, and keeps what fits';
test.skipIf(!isMounted)(isMounted ? title : `${title} (not run: no small disk can be mounted)`, async () => {
  await using upstream = await new FakeRegistry().start();
  const repository = upstream.repository('team/app');
  const [large, small] = [repository.addBlob(20 * mib, 1), repository.addBlob(2 * mib, 2)];
  const environment = { ENTREPOT_STORAGE__DIRECTORY: join(directory, 'blobs') };
  await using app = await TestApp.start({ upstreams: [upstream], environment });
  const answers = await Promise.all([1, 2, 3].map(() => app.blob('team/app', large.digest)));
  for (const answer of answers) expect(digestOf(await bytesOf(answer))).toBe(large.digest);
  expect(digestOf(await bytesOf(await app.blob('team/app', small.digest)))).toBe(small.digest);
  await eventually(async () => {
    const metrics = await app.metrics();
    expect(metrics).toMatch(/entrepot_fills_finished_total\{result="uncached"\} [1-3]/);
    expect(metrics).toContain('entrepot_fills_finished_total{result="completed"} 1');
    expect(metrics).toContain('entrepot_spool_bytes 0');
  });
  upstream.forgetRequests();
  expect(digestOf(await bytesOf(await app.blob('team/app', small.digest)))).toBe(small.digest);
  expect(upstream.count()).toBe(0);
});

/** The whole server on a disk of its own. */
async function startOnSmallDisk(upstreams: readonly FakeRegistry[] = []) {
  const disk = await mountSmallDisk();
  if (!disk) throw new Error('no small disk');
  const environment = { ENTREPOT_DATA_DIRECTORY: join(disk.root, 'data'), ENTREPOT_GC__INTERVAL: '0.1' };
  const app = await TestApp.start({ upstreams, environment });
  await createProject(app, 'acme/shop');
  const files = (below: string) =>
    execFileSync('find', [join(disk.root, 'data/blobs/v1', below), '-type', 'f', '!', '-name', 'lock'], {
      encoding: 'utf8',
    })
      .split('\n')
      .filter(Boolean);
  return {
    app,
    disk,
    files,
    async [Symbol.asyncDispose]() {
      await app.close();
      await disk.remove();
    },
  };
}

test.skipIf(!isMounted)(
  'a push that does not fit is refused, before its body where its size is known, and leaves nothing',
  async () => {
    await using server = await startOnSmallDisk();
    const { app, files } = server;
    const small = await new Pusher(app, 'acme/shop').blob('small');
    const large = Buffer.alloc(24 * mib, 1);
    const digest = digestOf(large);
    const inChunks = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let start = 0; start < large.length; start += mib)
            controller.enqueue(large.subarray(start, start + mib));
          controller.close();
        },
      });
    const begin = async () => {
      const answer = await app.v2('acme/shop/blobs/uploads/', { method: 'POST' });
      expect(answer.status).toBe(202);
      return `${new URL(answer.headers.get('location') ?? '', app.url).pathname.slice('/v2/'.length)}`;
    };
    for (const body of [large, inChunks]) {
      const init = () => ({
        body: typeof body === 'function' ? body() : new Uint8Array(body),
        duplex: 'half' as const,
      });
      const monolithic = await app.v2(`acme/shop/blobs/uploads/?digest=${digest}`, {
        method: 'POST',
        ...init(),
      });
      const session = await begin();
      const patch = await app.v2(session, { method: 'PATCH', ...init() });
      const after = await app.v2(session);
      const put = await app.v2(`${await begin()}?digest=${digest}`, { method: 'PUT', ...init() });
      const mount = await app.v2(`acme/shop/blobs/uploads/?mount=${digest}&from=acme/absent`, {
        method: 'POST',
      });
      const fallback = new URL(mount.headers.get('location') ?? '', app.url).pathname.slice('/v2/'.length);
      const mounted = await app.v2(fallback, { method: 'PATCH', ...init() });
      expect([monolithic.status, patch.status, after.status, put.status, mounted.status]).toEqual([
        503, 503, 404, 503, 503,
      ]);
      for (const answer of [monolithic, patch, put]) {
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await answer.text()).toMatch(/the disk is nearly full|the disk is full/);
      }
      expect(files('uploads')).toEqual([]);
    }
    expect(files('blobs')).toHaveLength(1);
    expect((await app.v2(`acme/shop/blobs/${small}`)).status).toBe(200);
  },
);

test.skipIf(!isMounted)(
  'on a disk that others fill, pulls go on, and deleting, signing in and collecting work until there is room again',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/app');
    const [cached, other] = [repository.addBlob(mib, 1), repository.addBlob(mib, 2)];
    await using server = await startOnSmallDisk([upstream]);
    const { app, disk, files } = server;
    const pusher = new Pusher(app, 'acme/shop');
    const image = fakeImage({ layers: [bytesBlob('layer')] });
    await pusher.image(image, 'v1');
    await bytesOf(await app.blob('team/app', cached.digest));
    await eventually(() => expect(files('blobs')).toHaveLength(3));
    await disk.fill();

    const delays = monitorEventLoopDelay();
    delays.enable();
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.all(
        [cached, other, cached, other].map(async ({ digest }) =>
          digestOf(await bytesOf(await app.blob('team/app', digest))),
        ),
      );
      expect(answers).toEqual([cached.digest, other.digest, cached.digest, other.digest]);
    }
    expect(delays.max / 1e6).toBeLessThan(2000);
    delays.disable();
    expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
    // What was seen of the disk is good for a second, in which each try would write.
    await sleep(1100);
    const upload = await app.v2('acme/shop/blobs/uploads/', { method: 'POST' });
    expect([upload.status, await upload.text()]).toEqual([
      503,
      expect.stringContaining('the disk is nearly full'),
    ]);
    const ready = await fetch(`${app.url}/-/readiness?verbose`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      serving: 'ok',
      storing: 'failed',
      checks: { storage_write: { status: 'failed' } },
    });
    expect((await fetch(`${app.url}/-/readiness/storing`)).status).toBe(503);

    expect((await pusher.ask('DELETE', `manifests/${image.digest}`)).status).toBe(202);
    const created = await app.api('POST', '/users/1/personal_access_tokens', { name: 'x', scopes: ['api'] });
    expect(created.status).toBe(201);
    const { id } = await jsonOf<{ id: number }>(created);
    expect((await app.api('DELETE', `/personal_access_tokens/${id}`)).status).toBe(204);
    expect((await app.api('DELETE', '/virtual_registries/container/registries/1/cache')).status).toBe(204);
    app.advance(26 * 3_600_000);
    await eventually(() => expect(files('blobs')).toEqual([]));

    await disk.empty();
    await eventually(async () => expect((await fetch(`${app.url}/-/readiness/storing`)).status).toBe(200));
    await pusher.image(image, 'v2');
    await bytesOf(await app.blob('team/app', other.digest));
    await eventually(() => expect(files('blobs')).toHaveLength(3));
  },
);

test.skipIf(!isMounted)(
  'a server that was stopped starts on a disk that is full, so that things can be deleted',
  async () => {
    await using server = await startOnSmallDisk();
    const { app, disk } = server;
    const pusher = new Pusher(app, 'acme/shop');
    const image = fakeImage({ layers: [bytesBlob('layer')] });
    await pusher.image(image, 'v1');
    await eventually(() => expect(existsSync(join(disk.root, 'data/space.reserve'))).toBe(true));
    await app.stop();
    await disk.fill();
    await app.resume();
    expect((await pusher.ask('GET', 'manifests/v1')).status).toBe(200);
    expect((await pusher.ask('DELETE', `manifests/${image.digest}`)).status).toBe(202);
  },
);
