import { expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { type FakeManifest, fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const dayMs = 24 * 60 * 60 * 1000;
const policyPath = '/groups/1/-/virtual_registries/cleanup/policy';

interface Policy {
  readonly status: string;
  readonly last_run_at: string | null;
  readonly next_run_at: string;
  readonly last_run_deleted_entries_count: number;
  readonly last_run_deleted_size: number;
}

describeApp('a cleanup policy of virtual registries', (start) => {
  test('forgets what was not pulled for so long, tells the Owners, and runs again a cadence later', async () => {
    await using upstream = await new FakeRegistry().start();
    const old = upstream.repository('team/old').addImage({ tag: 'v1', layers: [seededBlob(5000, 1)] });
    const used = upstream.repository('team/used').addImage({ tag: 'v1', layers: [seededBlob(5000, 2)] });
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { notify_on_success: true });
    await pull(app, 'team/old', old);
    await pull(app, 'team/used', used);
    app.advance(5 * dayMs);
    // As a node that has the layers already.
    expect((await app.manifest('team/used', 'v1')).status).toBe(200);
    app.advance(6 * dayMs);
    const policy = await run(app);
    expect(await entriesOf(app)).toEqual(['team/used blob', 'team/used blob', 'team/used manifest']);
    const size = 5000 + (old.config?.size ?? 0) + old.payload.length;
    expect(policy).toMatchObject({
      status: 'scheduled',
      failure_message: null,
      last_run_deleted_entries_count: 3,
      last_run_deleted_size: size,
      last_run_detailed_metrics: { container: { deleted_entries_count: 3, deleted_size: size } },
    });
    const sinceMs = Date.parse(policy.next_run_at) - Date.parse(String(policy.last_run_at));
    expect(sinceMs).toBeGreaterThanOrEqual(dayMs);
    expect(sinceMs).toBeLessThan(dayMs + 60_000);
    const events = await jsonOf<unknown[]>(await app.api('GET', '/groups/1/audit_events?per_page=100'));
    expect(JSON.stringify(events)).toContain('cache_cleanup_policy.succeeded');
    expect(await app.metrics()).toMatch(/entrepot_cache_evicted_entries_total\{reason="age"\} 3\b/);
    // What was forgotten is pulled like anything new.
    await pull(app, 'team/old', old);
  });

  test('does nothing while it is turned off, or before it is due', async () => {
    await using upstream = await new FakeRegistry().start();
    const image = upstream.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app, { enabled: false });
    await pull(app, 'team/app', image);
    const before = await entriesOf(app);
    app.advance(100 * dayMs);
    await runTask(app);
    expect(await entriesOf(app)).toEqual(before);
    // Turned on, it is due a cadence later.
    await app.api('PATCH', policyPath, { enabled: true });
    await runTask(app);
    expect(await entriesOf(app)).toEqual(before);
    app.advance(dayMs);
    await run(app);
    expect(await entriesOf(app)).toEqual([]);
  });

  test('keeps pinned images with all that they refer to, and the tags of a manifest that is pulled by its digest', async () => {
    await using upstream = await new FakeRegistry().start();
    const repository = upstream.repository('team/multi');
    const child = fakeImage({ layers: [seededBlob(3000, 3)] });
    const index = repository.addIndex({ tag: 'v1', manifests: [child] });
    const tagged = upstream.repository('team/tagged').addImage({ tag: 'v1', layers: [seededBlob(3000, 4)] });
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app);
    await app.api('POST', '/virtual_registries/container/registries/1/pins', {
      image: 'team/multi',
      tag: 'v*',
    });
    expect((await app.manifest('team/multi', 'v1')).headers.get('docker-content-digest')).toBe(index.digest);
    await pull(app, 'team/multi', child, child.digest);
    await pull(app, 'team/tagged', tagged);
    app.advance(9 * dayMs);
    expect((await app.manifest('team/tagged', tagged.digest)).status).toBe(200);
    app.advance(2 * dayMs);
    await run(app);
    const entries = await entriesOf(app);
    expect(entries.filter((entry) => entry.startsWith('team/multi'))).toHaveLength(4);
    expect(entries.filter((entry) => entry === 'team/tagged manifest').length).toBeGreaterThanOrEqual(1);
    // The tag outlives its upstream.
    await upstream.stop();
    app.advance(dayMs);
    expect((await app.manifest('team/tagged', 'v1')).status).toBe(200);
  });

  test('goes on where a process that died left it', async () => {
    await using upstream = await new FakeRegistry().start();
    const images = Array.from({ length: 12 }, (_, index) =>
      upstream.repository(`team/app${index}`).addImage({ tag: 'v1', layers: [seededBlob(100, index)] }),
    );
    await using app = await start({ upstreams: [upstream] });
    await setPolicy(app);
    for (const [index, image] of images.entries()) await pull(app, `team/app${index}`, image);
    app.advance(11 * dayMs);
    // Told to run and stopped at once: it may have forgotten some, all, or nothing.
    await app.api('POST', '/admin/jobs/cache.retention/run');
    await app.stop();
    await app.resume();
    await eventually(async () => expect((await policyOf(app)).last_run_at).not.toBeNull());
    expect(await entriesOf(app)).toEqual([]);
    expect((await policyOf(app)).last_run_deleted_entries_count).toBe(36);
  });
});

async function setPolicy(app: TestApp, settings: object = {}): Promise<void> {
  const policy = { enabled: true, cadence: 1, keep_n_days_after_download: 10, ...settings };
  expect((await app.api('POST', policyPath, policy)).status).toBe(201);
}

async function policyOf(app: TestApp): Promise<Policy> {
  return jsonOf<Policy>(await app.api('GET', policyPath));
}

async function runTask(app: TestApp): Promise<void> {
  const ended = async () => {
    const jobs = await jsonOf<{ name: string; status: string; last_ended_at: string }[]>(
      await app.api('GET', '/admin/jobs'),
    );
    return jobs.find(({ name }) => name === 'cache.retention');
  };
  await eventually(async () => expect((await ended())?.status).toBe('waiting'));
  const before = (await ended())?.last_ended_at;
  app.advance(10);
  await app.api('POST', '/admin/jobs/cache.retention/run');
  await eventually(async () => expect((await ended())?.last_ended_at).not.toBe(before));
}

/** Once the policy has run. */
async function run(app: TestApp): Promise<Policy> {
  const before = (await policyOf(app)).last_run_at;
  await runTask(app);
  await eventually(async () => expect((await policyOf(app)).last_run_at).not.toBe(before));
  return policyOf(app);
}

/** As a client that has none of it. */
async function pull(app: TestApp, name: string, image: FakeManifest, reference = 'v1'): Promise<void> {
  expect((await app.manifest(name, reference)).headers.get('docker-content-digest')).toBe(image.digest);
  for (const blob of [...(image.config ? [image.config] : []), ...image.layers])
    expect((await bytesOf(await app.blob(name, blob.digest))).length).toBe(blob.size);
  await eventually(async () => expect(await app.metrics()).toMatch(/entrepot_fills_active 0\b/));
}

async function entriesOf(app: TestApp): Promise<string[]> {
  const path = `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/cache_entries?per_page=100`;
  const entries = await jsonOf<{ relative_path: string }[]>(await app.api('GET', path));
  return entries
    .map(({ relative_path }) => relative_path.replace(/\/(manifest|blob)s\/[^/]+$/, ' $1'))
    .sort();
}
