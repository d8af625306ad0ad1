/** Two versions beside each other, as while replicas or workers are replaced one after the other. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { databaseFile } from '../../src/config/data-directory.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { withTables } from '../support/raw-tables.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });

describeEachDatabase('a process of an earlier version', (_open, { createPlace }) => {
  test('pushes, pulls and deletes on, beside one of its own kind, when a later version has added to every table', async () => {
    const { url } = await createPlace();
    await using app = await TestApp.start({ databaseUrl: url, areWorkers: true });
    const other = await app.startAnother();
    try {
      await createProject(app, 'acme/shop');
      const [here, there] = [new Pusher(app, 'acme/shop'), new Pusher(other, 'acme/shop')];
      await here.image(image, 'before');
      await withTables({ url, file: databaseFile(app.dataDirectory) }, async (db) => {
        const all = await db.introspection.getTables();
        // Where SQLite searches texts it has tables of its own.
        const tables = all
          .map(({ name }) => name)
          .filter((name) => !/^kysely_|_fts|_search|trigram/.test(name));
        expect(tables.length).toBeGreaterThan(40);
        for (const name of tables) await db.schema.alterTable(name).addColumn('later', 'text').execute();
        await db.schema.createTable('later_things').addColumn('id', 'integer').execute();
        await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01T00:00:00.000Z')`.execute(
          db,
        );
      });
      for (const pusher of [here, there]) {
        const { digest } = image;
        const pulled = await pusher.ask('GET', 'manifests/before');
        expect([pulled.status, pulled.headers.get('docker-content-digest')]).toEqual([200, digest]);
        const [layer] = image.layers;
        expect((await bytesOf(await pusher.ask('GET', `blobs/${layer?.digest}`))).length).toBe(1000);
      }
      await there.image(fakeImage({ layers: [seededBlob(1000, 2)] }), 'after');
      expect((await here.ask('GET', 'manifests/after')).status).toBe(200);
      expect((await here.ask('DELETE', 'manifests/after')).status).toBe(202);
      expect((await there.ask('GET', 'manifests/after')).status).toBe(404);
      for (const path of ['/admin/jobs', '/admin/processes', '/groups', '/users', '/audit_events'])
        expect((await jsonOf<unknown[]>(await other.api('GET', path))).length, path).toBeGreaterThan(0);
    } finally {
      await other.stop();
    }
  });
});
