/** Searches find every text that has the part, and follow what is made, renamed and removed. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { migrate } from '../../src/metadata/db/database.ts';
import type { Log } from '../../src/observe/log.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { withTables } from '../support/raw-tables.ts';
import { silentLog } from '../support/silent-log.ts';

const all = { page: 1, perPage: 100 };

describeEachDatabase('searches', (open, { createPlace, serverUrl }) => {
  async function start() {
    const database = await open();
    const group = { name: 'Größe', path: 'acme', fullPath: 'acme', visibility: 'private' } as const;
    const { id: groupId } = await database.groups.create(group);
    const project = {
      groupId,
      name: 'Shop "one"',
      path: 'shop',
      fullPath: 'acme/shop',
      visibility: 'private',
    } as const;
    const { id: projectId } = await database.projects.create(project);
    const projects = async (search: string) =>
      (await database.projects.list({ search }, all)).records.map(({ path }) => path);
    return { database, groupId, projectId, projects };
  }

  test('find parts of any length, whatever the case of ASCII letters and whatever characters there are', async () => {
    const { database, projects } = await start();
    for (const part of ['o', 'SH', 'hop', 'op "o', '"one"', 'acme/shop', 'E/SHO'])
      expect(await projects(part), part).toEqual(['shop']);
    for (const part of ['%', 'sh_p', 'shop\nacme', 'shopacme', 'AND', 'hop OR one', '*'])
      expect(await projects(part), part).toEqual([]);
    expect((await database.groups.list({ search: 'röß' }, all)).total).toBe(1);
    expect((await database.groups.list({ search: 'rößer' }, all)).total).toBe(0);
  });

  test('find names that were changed, and none that are gone', async () => {
    const { database, projectId, projects } = await start();
    await database.projects.update(projectId, { name: 'Market' });
    expect(await projects('mark')).toEqual(['shop']);
    expect(await projects('"one"')).toEqual([]);
    await database.projects.remove(projectId);
    expect(await projects('mark')).toEqual([]);
    expect(await projects('shop')).toEqual([]);
  });

  test('find nothing of another upstream, and go with one', async () => {
    const { database, groupId } = await start();
    const upstream = {
      groupId,
      url: 'https://a.test',
      name: 'a',
      cacheValidityHours: 24,
      allowPatterns: [],
      denyPatterns: [],
      allowPrivateNetwork: false,
    };
    const ids: number[] = [];
    for (const name of ['a', 'b']) ids.push((await database.upstreams.create({ ...upstream, name })).id);
    for (const [index, upstreamId] of ids.entries())
      await database.cacheEntries.saveManifest(
        {
          groupId,
          upstreamId,
          kind: 'manifest',
          repository: `library/app${index}`,
          reference: 'latest',
          digest: `sha256:${'a'.repeat(64)}`,
          mediaType: 'x',
          etag: undefined,
          checkedAt: 0,
        } as never,
        Buffer.from('{}'),
        [],
      );
    const found = async (upstreamId: number, search: string) =>
      (await database.cacheContents.list(upstreamId, search, all)).records.map(
        ({ relativePath }) => relativePath,
      );
    const [first = 0, second = 0] = ids;
    expect(await found(first, 'APP0/manifests/lat')).toEqual(['/library/app0/manifests/latest']);
    expect(await found(second, 'app')).toEqual(['/library/app1/manifests/latest']);
    expect(await found(second, 'app0')).toEqual([]);
    await database.upstreams.remove(second);
    expect(await found(second, 'app')).toEqual([]);
    expect(await found(first, 'app')).toHaveLength(1);
  });

  test.runIf(serverUrl)(
    'work without pg_trgm, which is said, and are indexed once it may be had',
    async () => {
      const place = await createPlace();
      const role = `entrepot_test_${randomBytes(8).toString('hex')}`;
      await withTables(place, async (db) => {
        await sql.raw(`create role ${role} login; grant all on schema public to ${role}`).execute(db);
      });
      onTestFinished(() =>
        withTables(place, (db) => sql.raw(`drop owned by ${role}; drop role ${role}`).execute(db)).then(
          () => undefined,
        ),
      );
      const url = new URL(place.url ?? '');
      url.username = role;
      const said: unknown[] = [];
      const log: Log = { ...silentLog, warn: (...message: unknown[]) => void said.push(message) };
      const limited = { ...place, url: url.href };
      await migrate({ ...limited, log });
      expect(JSON.stringify(said)).toContain('create extension pg_trgm');
      expect((await (await open(limited)).projects.list({ search: 'shop' }, all)).total).toBe(0);
      await withTables(place, (db) => sql`create extension pg_trgm`.execute(db));
      said.length = 0;
      await migrate({ ...limited, log });
      expect(said).toEqual([]);
      const count = await withTables(place, (db) =>
        sql<{
          indexname: string;
        }>`select indexname from pg_indexes where indexname like '%\\_search\\_%'`.execute(db),
      );
      expect(count.rows.length).toBeGreaterThan(5);
    },
  );
});
