import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adoptStore } from '../../src/commands/adopt.ts';
import { checkStored } from '../../src/commands/check.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { openDatabase } from '../../src/metadata/db/database.ts';
import type { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { silentLog } from '../support/silent-log.ts';

const defaults = await readFile(new URL('../../config/default.yaml', import.meta.url), 'utf8');
const missing = { digest: `sha256:${'0'.repeat(64)}` };

function configOf(app: TestApp) {
  return loadConfig({ defaults, environment: app.environment, readFile: () => '' });
}

async function runOrphans(app: TestApp): Promise<void> {
  app.advance(1000);
  await app.api('POST', '/admin/jobs/storage.orphans/run');
}

const findings = async (app: TestApp, query = '') =>
  jsonOf<object[]>(await app.api('GET', `/admin/storage/findings?per_page=100${query}`));

describeApp('a storage directory that vanishes', (start) => {
  async function startWithBlob() {
    const app = await start();
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const digest = await pusher.blob('hello');
    const place = join(app.dataDirectory, 'blobs');
    const statusOf = async (path = `blobs/${digest}`) => (await pusher.ask('GET', path)).status;
    return { app, pusher, digest, place, away: `${place}-away`, statusOf };
  }

  test('is neither read nor written nor made anew, nothing is taken for lost, and all goes on once it is back', async () => {
    const { app, pusher, digest, place, away, statusOf } = await startWithBlob();
    await using _ = app;
    await rename(place, away);
    const answer = await pusher.ask('GET', `blobs/${digest}`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.text()).toContain('the storage of blobs is not there');
    expect(await statusOf(`blobs/${missing.digest}`)).toBe(404);
    await expect(pusher.blob('more')).rejects.toThrow();
    expect((await fetch(`${app.url}/-/readiness`)).status).toBe(503);
    await runOrphans(app);
    expect((await pusher.ask('DELETE', `blobs/${digest}`)).status).toBe(202);
    app.advance(26 * 3_600_000);
    await new Promise((waited) => setTimeout(waited, 300));
    expect(existsSync(place)).toBe(false);
    expect(await findings(app)).toEqual([]);

    await rename(away, place);
    await eventually(async () => expect((await fetch(`${app.url}/-/readiness`)).status).toBe(200));
    const more = await pusher.blob('more');
    expect(await statusOf(`blobs/${more}`)).toBe(200);
    expect(await findings(app)).toEqual([]);
  });

  test('leaves a mount point or another store, which is none of ours', async () => {
    const { app, pusher, digest, place, away, statusOf } = await startWithBlob();
    await using other = await start();
    await using _ = app;
    await createProject(other, 'acme/shop');
    const theirs = await new Pusher(other, 'acme/shop').blob('theirs');
    await rename(place, away);
    await mkdir(place);
    expect(await statusOf()).toBe(503);
    await expect(pusher.blob('more')).rejects.toThrow();
    expect(await readdir(place)).toEqual([]);

    await rm(place, { recursive: true });
    await cp(join(other.dataDirectory, 'blobs'), place, { recursive: true });
    await expect(pusher.blob('more')).rejects.toThrow();
    await runOrphans(app);
    app.advance(50 * 3_600_000);
    await runOrphans(app);
    expect(await statusOf()).toBe(503);
    const [theirHex] = [theirs.slice('sha256:'.length)];
    expect(await app.filesUnder(theirHex)).toHaveLength(1);
    expect(await findings(app)).toEqual([]);

    await rm(place, { recursive: true });
    await rename(away, place);
    await eventually(async () => expect(await statusOf(`blobs/${digest}`)).toBe(200));
  });

  test('keeps a server that starts without it from using what is there, until it is back or adopted', async () => {
    const { app, pusher, place, away, statusOf } = await startWithBlob();
    await using _ = app;
    await app.stop();
    await rename(place, away);
    await app.resume();
    expect(existsSync(place)).toBe(false);
    expect(await statusOf()).toBe(503);
    await expect(checkStored({ config: configOf(app), log: silentLog }, true)).rejects.toThrow(
      'storage adopt',
    );

    expect(await adoptStore({ config: configOf(app), log: silentLog })).toContain(
      'is the store of this database',
    );
    await eventually(async () => expect((await fetch(`${app.url}/-/readiness`)).status).toBe(200));
    expect(await statusOf()).toBe(404);
    const more = await pusher.blob('more');
    expect(await statusOf(`blobs/${more}`)).toBe(200);
  });

  test('of a version that gave it no id is taken for its own by what is in it', async () => {
    const { app, place, statusOf } = await startWithBlob();
    await using _ = app;
    await app.stop();
    const { database, dataDirectory } = configOf(app);
    const file = join(dataDirectory, 'entrepot.db');
    const records = await openDatabase({ url: database.url, file, log: silentLog, now: Date.now });
    await records.instance.set('storage_id', undefined);
    await rm(join(place, 'v1/store'));
    await app.resume();
    expect(await statusOf()).toBe(200);
    await app.stop();

    // Nothing of what is recorded is in it.
    await records.instance.set('storage_id', undefined);
    await records.close();
    await rm(place, { recursive: true });
    await mkdir(place);
    await app.resume();
    expect(await statusOf()).toBe(503);
    expect(await readdir(place)).toEqual([]);
  });

  test('lets findings be closed once the bytes are there again', async () => {
    const { app, digest } = await startWithBlob();
    await using _ = app;
    const [path = ''] = await app.filesUnder(digest.slice('sha256:'.length));
    for (const state of ['open', 'healed', 'open'] as const) {
      await (state === 'open' ? rename(path, `${path}~`) : rename(`${path}~`, path));
      await runOrphans(app);
      await eventually(async () => expect(await findings(app)).toMatchObject([{ kind: 'missing', state }]));
    }
  });
});
