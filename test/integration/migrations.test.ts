import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, test } from 'vitest';
import { postgresTypes, sqliteTypes } from '../../src/metadata/db/column-types.ts';
import { type Database, migrate } from '../../src/metadata/db/database.ts';
import { postgresDialect } from '../../src/metadata/db/postgres.ts';
import type { Tables } from '../../src/metadata/db/schema.ts';
import { sqliteDialect } from '../../src/metadata/db/sqlite.ts';
import { foundations } from '../../src/metadata/migrations/0001-foundations.ts';
import { hosted } from '../../src/metadata/migrations/0002-hosted.ts';
import { type DatabasePlace, describeEachDatabase } from '../support/databases.ts';
import { blobOf, createRepository, linkBlob } from '../support/hosted-records.ts';
import { silentLog } from '../support/silent-log.ts';

/** The columns that rows of earlier versions are made of here. */
interface TablesBefore {
  readonly blobs: Tables['blobs'];
  readonly groups: Omit<Tables['groups'], 'quota_bytes' | 'placed_at' | 'parent_id' | 'description'>;
  readonly users: Omit<Tables['users'], 'bot_group_id' | 'bot_project_id' | 'email' | 'password_hash'>;
  readonly members: Tables['members'];
  readonly projects: Omit<Tables['projects'], 'quota_bytes' | 'placed_at' | 'description'>;
  readonly virtual_registries: Omit<Tables['virtual_registries'], 'description'>;
  readonly signing_keys: Omit<Tables['signing_keys'], 'certificate' | 'retired_at'>;
  readonly upstreams: Omit<Tables['upstreams'], 'description' | 'username' | 'password_sealed'>;
  readonly cache_entries: Omit<Tables['cache_entries'], 'etag' | 'used_at'>;
  readonly repositories: Pick<
    Tables['repositories'],
    'id' | 'project_id' | 'name' | 'created_at' | 'updated_at'
  >;
  readonly repository_blobs: Tables['repository_blobs'];
  readonly manifests: Tables['manifests'];
  readonly manifest_references: Tables['manifest_references'];
  readonly repository_manifests: Pick<
    Tables['repository_manifests'],
    'repository_id' | 'digest' | 'media_type' | 'created_at'
  >;
  readonly tags: Pick<Tables['tags'], 'repository_id' | 'name' | 'digest' | 'created_at' | 'updated_at'>;
  readonly audit_events: Omit<Tables['audit_events'], 'group_path' | 'project_path' | 'actor_id' | 'address'>;
}

const run = promisify(execFile);
/** All that there are, in their order. */
const migrations = readdirSync(resolve(import.meta.dirname, '../../src/metadata/migrations'))
  .map((file) => file.replace(/\.ts$/, ''))
  .toSorted();
const source = resolve(import.meta.dirname, '../../src/metadata/db/database.ts');

describeEachDatabase('migrations', (open, { createPlace, name }) => {
  test('run once, and are no work the second time', async () => {
    const place = await createPlace();
    expect(await migrate({ ...place, log: silentLog })).toEqual(migrations);
    expect(await migrate({ ...place, log: silentLog })).toEqual([]);
    await (await open(place)).check();
  });

  test('a database of the version before keeps its blobs and groups, and takes what is pushed', async () => {
    const place = await createPlace();
    const blob = blobOf('layer', 3_000_000_000);
    await makeBefore(place, ['0001-foundations'], async (db) => {
      const { digest, size, storageKey, createdAt } = blob;
      const row = { digest, size, storage_key: storageKey, sha1: 'known', created_at: createdAt };
      await db.insertInto('blobs').values(row).execute();
      const group = { name: 'Acme', path: 'acme', full_path: 'acme', visibility: 'private' as const };
      await db
        .insertInto('groups')
        .values({ ...group, created_at: 1, updated_at: 2 })
        .execute();
    });
    expect(await migrate({ ...place, log: silentLog })).toEqual(migrations.slice(1));
    const database = await open(place);
    expect(await database.blobs.find(blob.digest)).toEqual({ ...blob, sha1: 'known' });
    expect(await database.groups.findByPath('acme')).toMatchObject({ name: 'Acme', quotaBytes: undefined });
    const { id } = await createRepository(database, 'acme/shop');
    const pushed = await linkBlob(database, id, 'pushed');
    expect(await database.blobs.find(pushed.digest)).toEqual(pushed);
    expect((await database.repositoryBlobs.link(id, blob.digest)).sha1).toBe('known');
  });

  test('what a cache had before it could have a limit counts, each blob once', async () => {
    const place = await createPlace();
    const times = { created_at: 1, updated_at: 2 };
    await makeBefore(place, ['0001-foundations', '0002-hosted'], async (db) => {
      const named = { name: 'Acme', path: 'acme', full_path: 'acme', visibility: 'private' as const };
      await db
        .insertInto('groups')
        .values({ ...named, ...times })
        .execute();
      for (const name of ['one', 'two'])
        await db
          .insertInto('upstreams')
          .values({
            ...times,
            group_id: 1,
            url: `https://${name}.example.com`,
            name,
            cache_validity_hours: 24,
            allow_patterns: '[]',
            deny_patterns: '[]',
            allow_private_network: 0,
          })
          .execute();
      const entry = {
        ...times,
        group_id: 1,
        kind: 'blob' as const,
        repository: 'library/redis',
        reference: 'sha256:1',
        digest: 'sha256:1',
        media_type: 'application/octet-stream',
        size: 3_000_000_000,
        checked_at: 5,
        downloaded_at: null,
      };
      await db
        .insertInto('cache_entries')
        .values([
          { ...entry, upstream_id: 1 },
          { ...entry, upstream_id: 2, downloaded_at: 9 },
        ])
        .execute();
    });
    const database = await open(place);
    expect(await database.cacheSizes.bytesOf('all')).toBe(3_000_000_000);
    expect(await database.cacheSizes.bytesOf(1)).toBe(3_000_000_000);
    const oldest = await database.cacheEvictions.listOldest('all', 100, 10);
    expect(oldest.map(({ upstreamId, usedAt }) => [upstreamId, usedAt])).toEqual([
      [1, 5],
      [2, 9],
    ]);
    await database.upstreams.remove(1);
    await database.upstreams.remove(2);
    expect(await database.cacheSizes.bytesOf('all')).toBe(0);
  });

  test('a database from before roles in projects lets in whom it let in, and nobody else', async () => {
    const place = await createPlace();
    const times = { created_at: 1, updated_at: 2 };
    await makeBefore(place, ['0001-foundations', '0002-hosted'], async (db) => {
      const named = { name: 'Acme', path: 'acme', full_path: 'acme', visibility: 'private' as const };
      await db
        .insertInto('groups')
        .values({ ...named, ...times })
        .execute();
      const user = { username: 'ada', name: 'Ada', state: 'active' as const, admin: 0, ...times };
      await db.insertInto('users').values(user).execute();
      const member = { group_id: 1, user_id: 1, access_level: 30, expires_at: null, created_at: 1 };
      await db.insertInto('members').values(member).execute();
      const project = { ...named, ...times, group_id: 1, path: 'shop', full_path: 'acme/shop' };
      await db.insertInto('projects').values(project).execute();
      await db
        .insertInto('virtual_registries')
        .values({ group_id: 1, name: 'hub', ...times })
        .execute();
      const key = { kid: 'k', algorithm: 'ES256', private_key_sealed: 'sealed', created_at: 1 };
      await db.insertInto('signing_keys').values(key).execute();
      const event = { at: 1, actor_name: 'ada', action: 'a.b', target_type: 'a', target_id: '1' };
      await db
        .insertInto('audit_events')
        .values({ ...event, details: '{}' })
        .execute();
    });
    expect(await migrate({ ...place, log: silentLog })).toEqual(migrations.slice(2));
    const database = await open(place);
    expect(await database.projects.findByPath('acme/shop')).toMatchObject({
      visibility: 'private',
      containerRegistryAccessLevel: 'enabled',
    });
    expect(await database.virtualRegistries.find(1)).toMatchObject({ name: 'hub', anonymousPull: false });
    expect(await database.users.find(1)).toMatchObject({ username: 'ada', kind: 'human' });
    expect(await database.members.levelAt('acme/shop', 1)).toBe(30);
    expect(await database.signingKeys.list()).toMatchObject([{ kid: 'k', retiredAt: undefined }]);
    const all = { page: 1, perPage: 10 };
    expect((await database.auditEvents.list({}, all)).total).toBe(1);
    expect((await database.auditEvents.list({ groupPath: 'acme' }, all)).total).toBe(0);
  });

  test('repositories from before they were managed know when they were published, and how big their images are', async () => {
    const place = await createPlace();
    const times = { created_at: 1, updated_at: 2 };
    await makeBefore(place, ['0001-foundations', '0002-hosted'], async (db) => {
      const named = { name: 'Acme', path: 'acme', visibility: 'private' as const, ...times };
      await db
        .insertInto('groups')
        .values({ ...named, full_path: 'acme' })
        .execute();
      await db
        .insertInto('projects')
        .values({ ...named, group_id: 1, full_path: 'acme/shop' })
        .execute();
      for (const name of ['acme/shop/empty', 'acme/shop/web'])
        await db
          .insertInto('repositories')
          .values({ project_id: 1, name, ...times })
          .execute();
      const payload = { payload: Buffer.from('{}'), size: 2, sha1: 's', created_at: 1 };
      for (const digest of ['image', 'index']) {
        await db
          .insertInto('manifests')
          .values({ digest, ...payload })
          .execute();
        const row = { repository_id: 2, digest, media_type: 'x/y', created_at: 1 };
        await db.insertInto('repository_manifests').values(row).execute();
      }
      for (const [digest, size] of [
        ['config', 10],
        ['layer', 300],
      ] as const) {
        const blob = { digest, size, storage_key: digest, sha1: null, created_at: 1 };
        await db.insertInto('blobs').values(blob).execute();
        await db.insertInto('repository_blobs').values({ repository_id: 2, digest, created_at: 1 }).execute();
        const reference = { manifest_digest: 'image', kind: 'layer' as const, media_type: 'x/y' };
        await db
          .insertInto('manifest_references')
          .values({ ...reference, digest, size: 1 })
          .execute();
      }
      const listed = { manifest_digest: 'index', kind: 'manifest' as const, digest: 'image' };
      await db
        .insertInto('manifest_references')
        .values({ ...listed, media_type: 'x/y', size: 2 })
        .execute();
      for (const [name, updated_at] of [
        ['v1', 5],
        ['v2', 7],
      ] as const)
        await db
          .insertInto('tags')
          .values({ repository_id: 2, name, digest: 'index', created_at: 1, updated_at })
          .execute();
    });
    const database = await open(place);
    expect((await database.repositories.find(1))?.publishedAt).toBeUndefined();
    expect((await database.repositories.find(2))?.publishedAt).toBe(7);
    expect(await database.tagLists.find(2, 'v1')).toMatchObject({ sizeBytes: 310, pullsCount: 0 });
    expect(await database.repositorySizes.measure(2)).toBe(310);
  });

  test('are safe with several processes starting at once, and so is the first start', async () => {
    const place = await createPlace();
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => startProcess(place)));
    expect(outcomes.toSorted()).toEqual([
      'another was first',
      'another was first',
      'another was first',
      'first',
    ]);
    expect((await (await open(place)).users.list(undefined, { page: 1, perPage: 10 })).total).toBe(1);
  });

  test('the first start happens once in the life of an installation', async () => {
    const place = await createPlace();
    const database = await open(place);
    expect(await database.firstStart((tx) => createRoot(tx))).toBe(true);
    expect(await database.firstStart(() => Promise.reject(new Error('ran again')))).toBe(false);
    await database.close();
    expect(await (await open(place)).firstStart(() => Promise.reject(new Error('ran again')))).toBe(false);
  });

  test('a first start that fails leaves nothing and happens again', async () => {
    const database = await open();
    const failed = database.firstStart(async (tx) => {
      await createRoot(tx);
      throw new Error('no space left');
    });
    await expect(failed).rejects.toThrow('no space left');
    expect(await database.users.findByUsername('root')).toBeUndefined();
    expect(await database.firstStart((tx) => createRoot(tx))).toBe(true);
  });

  test('a database that cannot be opened is an error that says so', async () => {
    const place = { url: undefined, file: '/dev/null/entrepot.db' };
    const closed = { url: 'postgres://postgres@127.0.0.1:1/none', file: '' };
    await expect(open(name === 'SQLite' ? place : closed)).rejects.toThrow();
  });

  test.runIf(name === 'SQLite')('the file is for its owner only', async () => {
    const place = await createPlace();
    await open(place);
    for (const suffix of ['', '-wal', '-shm'])
      expect((await stat(place.file + suffix)).mode & 0o777).toBe(0o600);
  });

  test.runIf(name === 'SQLite')('a database in memory needs no file', async () => {
    const database = await open({ url: undefined, file: ':memory:' });
    expect(await database.firstStart((tx) => createRoot(tx))).toBe(true);
  });
});

/** The tables as these migrations alone left them, with rows. */
async function makeBefore(
  place: DatabasePlace,
  names: readonly ('0001-foundations' | '0002-hosted')[],
  fill: (db: Kysely<TablesBefore>) => Promise<void>,
): Promise<void> {
  const { url, file } = place;
  const dialect = url === undefined ? await sqliteDialect(file) : postgresDialect(url, silentLog, 'limited');
  const types = url === undefined ? sqliteTypes : postgresTypes;
  const known = { '0001-foundations': foundations(types), '0002-hosted': hosted(types) };
  const db = new Kysely<TablesBefore>({ dialect });
  try {
    const provider = {
      getMigrations: async () => Object.fromEntries(names.map((name) => [name, known[name]])),
    };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    if (error !== undefined) throw error;
    await fill(db);
  } finally {
    await db.destroy();
  }
}

async function createRoot(tx: Pick<Database, 'users'>): Promise<void> {
  await tx.users.create({ username: 'root', name: 'Administrator', isAdmin: true });
}

/** What another process says of the first start, which it makes slow. */
async function startProcess(place: DatabasePlace): Promise<string> {
  const script = `
    import { openDatabase } from ${JSON.stringify(source)};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const database = await openDatabase({ ...${JSON.stringify(place)}, log, now: Date.now });
    const isFirst = await database.firstStart(async (tx) => {
      await tx.users.create({ username: 'root', name: 'Administrator', isAdmin: true });
      await new Promise((done) => setTimeout(done, 200));
    });
    await database.close();
    process.stdout.write(isFirst ? 'first' : 'another was first');`;
  return (await run(process.execPath, ['--input-type=module', '--eval', script])).stdout;
}
