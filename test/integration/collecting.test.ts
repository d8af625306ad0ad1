import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { collect, UnknownRepository } from '../../src/commands/collect.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { openReadOnlyDatabase } from '../../src/metadata/db/database.ts';
import { TestApp } from '../support/app.ts';
import { jsonOf } from '../support/bodies.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { bytesBlob, fakeImage } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { silentLog } from '../support/silent-log.ts';

const image = fakeImage({ layers: [bytesBlob('layer')] });
const [layer = image.digest] = image.layers.map(({ digest }) => digest);
/** All delays have gone by then. */
const laterMs = 25 * 3_600_000;
const defaults = readFileSync(resolve(import.meta.dirname, '../../config/default.yaml'), 'utf8');

interface GcOptions {
  readonly dryRun?: boolean;
  readonly now?: boolean;
  readonly deleteUntagged?: boolean;
  readonly repository?: string;
  /** `gc.untagged`. */
  readonly untagged?: string;
}

const goes = (line: string) => line.includes(': goes: ');

const state = z.object({
  queues: z.record(z.string(), z.object({ length: z.int(), due: z.int() })),
  last_runs: z.array(z.object({ blobs: z.int(), bytes: z.int() })),
  removed: z.object({ blobs: z.int(), bytes: z.int(), links: z.int(), payloads: z.int() }),
});

describeEachDatabase('collecting', (_open, { createPlace }) => {
  /** A server whose collector never wakes by itself for long, with an image in acme/shop. */
  async function start(interval = '1d') {
    const { url } = await createPlace();
    const environment = { ENTREPOT_GC__INTERVAL: interval };
    const app = await TestApp.start({ databaseUrl: url, environment });
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, 'v1');
    const gc = async (options: GcOptions) => {
      const lines: string[] = [];
      const config = loadConfig({
        defaults,
        environment: {
          ENTREPOT_DATA_DIRECTORY: app.dataDirectory,
          ...(url !== undefined && { ENTREPOT_DATABASE__URL: url }),
          ...(options.untagged && { ENTREPOT_GC__UNTAGGED: options.untagged }),
        },
        readFile: () => '',
      });
      const { dryRun = false, now = false, deleteUntagged = false, repository } = options;
      const request = { dryRun, now, deleteUntagged, repository };
      await collect(config, request, silentLog, (line) => void lines.push(line));
      return lines;
    };
    return { app, pusher, gc, url };
  }

  const stateOf = async (app: TestApp) => state.parse(await jsonOf(await app.api('GET', '/admin/gc')));
  const files = (app: TestApp) => app.filesUnder('/blobs/v1/blobs/');

  test('happens by itself while the server runs, once the time has passed', async () => {
    const { app, pusher } = await start('0.05');
    await using _ = app;
    expect((await pusher.ask('DELETE', `manifests/${image.digest}`)).status).toBe(202);
    app.advance(laterMs);
    await eventually(async () => expect(await files(app)).toEqual([]));
    await eventually(async () =>
      expect((await stateOf(app)).removed).toMatchObject({ links: 2, blobs: 2, payloads: 1 }),
    );
    expect(await app.metrics()).toMatch(/entrepot_gc_reviews_total\{kind="blob",result="removed"\} 2/);
    expect(await app.metrics()).toMatch(/entrepot_gc_queue_length\{kind="link"\} 0/);
  });

  test('does not happen in read-only mode', async () => {
    const { app, pusher } = await start('0.05');
    await using _ = app;
    await pusher.ask('DELETE', `manifests/${image.digest}`);
    const setReadOnly = (isReadOnly: boolean) =>
      app.api('PUT', '/application/settings', { maintenance_mode: isReadOnly });
    expect((await setReadOnly(true)).status).toBe(200);
    // A look for what is due that began before may still be under way.
    await new Promise((waited) => setTimeout(waited, 300));
    app.advance(laterMs);
    const { queues } = await stateOf(app);
    await new Promise((waited) => setTimeout(waited, 300));
    expect((await stateOf(app)).queues).toEqual(queues);
    expect(await files(app)).toHaveLength(2);
    await setReadOnly(false);
    await eventually(async () => expect(await files(app)).toEqual([]));
  });

  test('can be tried out, which changes nothing, and says what would go and why the rest stays', async () => {
    const { app, pusher, gc } = await start();
    await using _ = app;
    await pusher.blob('unused');
    expect((await gc({ dryRun: true })).at(-1)).toContain('0 things were looked at. Nothing was changed.');
    const lines = await gc({ dryRun: true, now: true });
    const unused = bytesBlob('unused').digest;
    expect(lines).toContain(
      `blob ${unused} of acme/shop: goes: no manifest of the repository refers to it (after blob_upload)`,
    );
    expect(lines).toContain(
      `bytes of blob ${unused} (6 bytes): goes: no repository links it, and no cache entry (after link_collect)`,
    );
    expect(lines).toContain(`blob ${layer} of acme/shop: stays: manifest ${image.digest} holds it`);
    expect(lines.at(-1)).toContain('Would go: 0 manifests, 1 links of blobs, 1 blobs with 6 bytes');
    expect(await files(app)).toHaveLength(3);
    expect((await gc({ now: true })).at(-1)).toContain(
      'Removed: 0 manifests, 1 links of blobs, 1 blobs with 6 bytes',
    );
    expect(await files(app)).toHaveLength(2);
  });

  test('by command goes by gc.untagged as the server does, and a dry run says what goes then', async () => {
    const { app, pusher, gc } = await start();
    await using _ = app;
    expect((await pusher.ask('DELETE', 'manifests/v1')).status).toBe(202);
    expect((await gc({ dryRun: true, now: true })).at(-1)).toContain('Would go: 0 manifests');
    expect((await gc({ now: true })).at(-1)).toContain('Removed: 0 manifests');
    const would = await gc({ dryRun: true, untagged: '0' });
    expect(would).toContainEqual(expect.stringContaining(`manifest ${image.digest} of acme/shop: goes:`));
    const did = await gc({ untagged: '0' });
    for (const lines of [would, did])
      expect(lines.at(-1)).toMatch(/: 1 manifests, 0 links of blobs, 0 blobs/);
    expect((await pusher.ask('GET', `manifests/${image.digest}`)).status).toBe(404);
  });

  test('removes what has no tag once and at once, where that is asked for', async () => {
    const { app, pusher, gc } = await start();
    await using _ = app;
    const tagged = fakeImage({ layers: [bytesBlob('tagged')] });
    await pusher.image(tagged, 'v2');
    await pusher.ask('DELETE', 'manifests/v1');
    await gc({ now: true });
    const all = { deleteUntagged: true };
    const would = await gc({ dryRun: true, ...all });
    expect(would.at(-1)).toContain('Would go: 1 manifests, 1 links of blobs, 1 blobs with 5 bytes');
    const did = await gc(all);
    expect(did.slice(0, -1).filter(goes).sort()).toEqual(would.slice(0, -1).filter(goes).sort());
    expect((await pusher.ask('GET', `manifests/${image.digest}`)).status).toBe(404);
    expect((await pusher.ask('GET', 'manifests/v2')).status).toBe(200);
    // It held for that run alone.
    await pusher.ask('DELETE', 'manifests/v2');
    expect((await gc({ now: true })).at(-1)).toContain('Removed: 0 manifests');
  });

  test('by command is of one repository, where it is named', async () => {
    const { app, gc } = await start();
    await using _ = app;
    const other = new Pusher(app, 'acme/shop/other');
    await other.blob('unused');
    await new Pusher(app, 'acme/shop/third').blob('unused too');
    const would = await gc({ dryRun: true, now: true, repository: 'acme/shop/other' });
    const did = await gc({ now: true, repository: 'acme/shop/other' });
    for (const lines of [would, did])
      expect(lines.at(-1)).toContain('1 links of blobs, 1 blobs with 6 bytes');
    expect(await files(app)).toHaveLength(3);
    await expect(gc({ repository: 'acme/absent' })).rejects.toThrow(UnknownRepository);
  });

  test('a database that is opened to be read cannot be written to', async () => {
    const { app, url } = await start();
    await using _ = app;
    const database = await openReadOnlyDatabase({
      url,
      file: join(app.dataDirectory, 'entrepot.db'),
      log: silentLog,
      now: Date.now,
    });
    expect(await database.repositories.findByName('acme/shop')).toBeDefined();
    await expect(database.instance.set('key', 'value')).rejects.toThrow(/read.?only/i);
    await expect(database.transaction((tx) => tx.instance.set('key', 'value'))).rejects.toThrow(
      /read.?only/i,
    );
    await database.close();
  });

  test('is explained: what holds a blob or a manifest, or when it goes', async () => {
    const { app, pusher } = await start();
    await using _ = app;
    const why = async (path: string) => jsonOf<object>(await app.api('GET', `/admin/${path}/why`));
    expect(await why(`blobs/${layer}`)).toMatchObject({
      digest: layer,
      size: 5,
      repositories: [
        {
          repository: 'acme/shop',
          held_by: [{ kind: 'manifest', name: image.digest }],
          review: { event: 'blob_upload', failures: 0, error: null },
        },
      ],
      cache_entries: [],
      review: null,
    });
    expect(await why(`manifests/${image.digest}`)).toMatchObject({
      repositories: [{ repository: 'acme/shop', held_by: [{ kind: 'tag', name: 'v1' }], review: null }],
    });
    await pusher.ask('DELETE', 'manifests/v1');
    expect(await why(`manifests/${image.digest}`)).toMatchObject({
      repositories: [{ held_by: [], review: { event: 'tag_delete' } }],
    });
    for (const kind of ['blobs', 'manifests']) {
      const absent = await app.api('GET', `/admin/${kind}/${bytesBlob('absent').digest}/why`);
      expect(absent.status).toBe(404);
      expect((await app.api('GET', `/admin/${kind}/nonsense/why`)).status).toBe(404);
    }
  });

  test('is run and looked at by administrators alone', async () => {
    const { app } = await start();
    await using _ = app;
    expect(await stateOf(app)).toMatchObject({ queues: { links: { length: 2, due: 0 } }, last_runs: [] });
    app.advance(laterMs);
    expect((await app.api('POST', '/admin/gc')).status).toBe(202);
    await eventually(async () =>
      expect(await stateOf(app)).toMatchObject({ queues: { links: { length: 0 } } }),
    );
    expect((await stateOf(app)).last_runs).toMatchObject([{ blobs: 0 }]);
    const user = await jsonOf<{ id: number }>(
      await app.api('POST', '/users', { username: 'alice', name: 'alice' }),
    );
    const { token } = await jsonOf<{ token: string }>(
      await app.api('POST', `/users/${user.id}/personal_access_tokens`, { name: 't', scopes: ['api'] }),
    );
    const paths = ['gc', `blobs/${layer}/why`, `manifests/${image.digest}/why`].map(
      (path) => ['GET', path] as const,
    );
    for (const [method, path] of [...paths, ['POST', 'gc'] as const]) {
      const headers = { 'private-token': token };
      expect((await app.api(method, `/admin/${path}`, undefined, headers)).status).toBe(403);
    }
  });
});
