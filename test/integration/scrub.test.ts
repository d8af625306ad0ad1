import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import type { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';
import { runTask } from '../support/run-task.ts';

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

interface FindingBody {
  readonly kind: string;
  readonly state: string;
  readonly digest: string;
  readonly hosted: boolean;
}

async function findings(app: TestApp, query = ''): Promise<FindingBody[]> {
  return jsonOf<FindingBody[]>(await app.api('GET', `/admin/storage/findings?per_page=100${query}`));
}

/** One bit, of the copy in the store. */
async function flipBit(app: TestApp, digest: string): Promise<void> {
  const [path] = await app.filesUnder(digest.slice('sha256:'.length));
  if (path === undefined) throw new Error(`no copy of ${digest}`);
  const bytes = await readFile(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describeApp('stored bytes', (start) => {
  test('that have rotted are found; what was fetched is fetched again, what was pushed is absent until it is pushed again', async () => {
    await using upstream = await new FakeRegistry().start();
    const fetched = Array.from({ length: 10 }, (_, seed) => seededBlob(20_000, seed));
    const repository = upstream.repository('team/app');
    repository.addImage({ tag: 'v1', layers: fetched });
    // Within a day: copies are as old as the test's clock is ahead, and those of a day may be orphans.
    const environment = { ENTREPOT_SCRUB__INTERVAL_SECONDS: '10h' };
    await using app = await start({ upstreams: [upstream], environment });
    await app.manifest('team/app', 'v1');
    for (const { digest } of fetched) await bytesOf(await app.blob('team/app', digest));
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const pushed = Array.from({ length: 10 }, (_, seed) => seededBlob(20_000, 100 + seed));
    const image = fakeImage({ layers: pushed });
    await pusher.image(image, 'v1');

    const bad = [...fetched, ...pushed].map(({ digest }) => digest);
    for (const digest of bad) await flipBit(app, digest);
    const result = await runTask(app, 'storage.scrub', 11 * hourMs);
    expect(result).toMatchObject({ verified: 21, bad: 20, healed: 10 });

    const found = await findings(app);
    expect(found.map(({ digest }) => digest).sort()).toEqual(bad.toSorted());
    for (const { kind, hosted, state } of found)
      expect([kind, state]).toEqual(['corrupt', hosted ? 'open' : 'healed']);
    expect(await app.filesUnder('quarantine')).toHaveLength(20);

    const before = upstream.count({ kind: 'blob', method: 'GET' });
    for (const { digest } of fetched) {
      const answer = await app.blob('team/app', digest);
      expect(digestOf(await bytesOf(answer))).toBe(digest);
    }
    expect(upstream.count({ kind: 'blob', method: 'GET' })).toBe(before);

    for (const { digest } of pushed) expect((await pusher.ask('HEAD', `blobs/${digest}`)).status).toBe(404);
    await pusher.image(image, 'v1');
    for (const { digest } of pushed) {
      const answer = await pusher.ask('GET', `blobs/${digest}`);
      expect(digestOf(await bytesOf(answer))).toBe(digest);
    }
    await runTask(app, 'storage.scrub');
    expect(await findings(app, '&state=open')).toEqual([]);

    const events = await jsonOf<{ event_name: string; details: { attributes: object } }[]>(
      await app.api('GET', '/audit_events?event_name=blob.corrupt'),
    );
    expect(events.map(({ details }) => details.attributes)).toContainEqual(
      expect.objectContaining({ repositories: ['acme/shop'] }),
    );
    expect(await app.metrics()).toMatch(/entrepot_scrub_blobs_total\{verdict="corrupt"\} 20/);
  });

  test('that are sound are read once in the interval', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').blob('hello');
    expect(await runTask(app, 'storage.scrub')).toMatchObject({ verified: 0 });
    expect(await runTask(app, 'storage.scrub', 25 * dayMs)).toMatchObject({ verified: 1, bytes: 5, bad: 0 });
    expect(await runTask(app, 'storage.scrub')).toMatchObject({ verified: 0 });
    expect(await findings(app)).toEqual([]);
  });

  test('are left unread where the rate is 0', async () => {
    await using app = await start({ environment: { ENTREPOT_SCRUB__BYTES_PER_SECOND: '0' } });
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').blob('hello');
    expect(await runTask(app, 'storage.scrub', 25 * dayMs)).toMatchObject({ verified: 0 });
  });

  test('that are gone are found, and what was fetched is fetched again', async () => {
    await using upstream = await new FakeRegistry().start();
    const layer = seededBlob(20_000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [upstream] });
    await bytesOf(await app.blob('team/app', layer.digest));
    await createProject(app, 'acme/shop');
    const pushed = await new Pusher(app, 'acme/shop').blob('hello');
    for (const path of await app.filesUnder('v1/blobs')) await rm(path);
    expect(await runTask(app, 'storage.orphans')).toMatchObject({ missing: 2 });
    expect((await findings(app)).map(({ kind, state, digest }) => [kind, state, digest]).sort()).toEqual(
      [
        ['missing', 'healed', layer.digest],
        ['missing', 'open', pushed],
      ].sort(),
    );
    expect(await app.filesUnder('v1/blobs')).toHaveLength(1);
  });

  test('that no record names are found when they are a day old, and removed a day later', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').blob('kept');
    const [kept = ''] = await app.filesUnder('v1/blobs');
    const orphan = join(kept, '..', `${digestOf(Buffer.from('x')).slice(7)}-${'0'.repeat(24)}`);
    const folder = orphan.replace(/\/[0-9a-f]{2}\/[^/]*$/, `/${digestOf(Buffer.from('x')).slice(7, 9)}`);
    await mkdir(folder, { recursive: true });
    const path = join(folder, orphan.slice(orphan.lastIndexOf('/') + 1));
    await writeFile(path, 'x');
    await writeFile(join(folder, 'something else'), 'x');

    expect(await runTask(app, 'storage.orphans')).toMatchObject({ copies: 2, removed: 0 });
    expect(await findings(app)).toEqual([]);
    const old = new Date(Date.now() - 2 * dayMs);
    await utimes(path, old, old);
    expect(await runTask(app, 'storage.orphans')).toMatchObject({ removed: 0 });
    expect(await findings(app)).toMatchObject([{ kind: 'orphaned', state: 'open' }]);
    expect(await runTask(app, 'storage.orphans', dayMs)).toMatchObject({ removed: 1, bytes: 1 });
    expect(await findings(app)).toMatchObject([{ kind: 'orphaned', state: 'removed' }]);
    expect(await readdir(folder)).toEqual(['something else']);
    expect(await app.filesUnder('v1/blobs')).toContain(kept);
  });

  test('are looked into by administrators alone', async () => {
    await using app = await start();
    const { token } = await createUser(app, 'ada');
    const answer = await app.api('GET', '/admin/storage/findings', undefined, { 'private-token': token });
    expect(answer.status).toBe(403);
  });
});
