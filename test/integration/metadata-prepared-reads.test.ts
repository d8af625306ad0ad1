/** What warm pulls read by statements that are prepared once, on PostgreSQL for each connection. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { EntrySource } from '../../src/metadata/cached/cache-entry.ts';
import { type Database, openDatabase } from '../../src/metadata/db/database.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { parseRepositoryName, parseTag } from '../../src/oci/reference.ts';
import { UnavailableError } from '../../src/oci/unavailable.ts';
import { type DatabasePlace, describeEachDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { blobOf, createGroup, createRepository, linkBlob, manifestOf } from '../support/hosted-records.ts';
import { silentLog } from '../support/silent-log.ts';

const name = 'acme/shop';
const tag = parseTag('v1');
const layer = blobOf('layer');
const manifest = manifestOf('{"a":"manifest"}');
const read = ['blobs', 'cache_entries', 'manifests', 'repositories', 'repository_blobs', 'tags'];

/** By every prepared statement: what a warm pull needs of one image, hosted and cached. */
async function readAll(database: Database, source: EntrySource) {
  const { blobs, cacheEntries, pulledContent, repositories, repositoryBlobs, repositoryManifests } = database;
  const repository = await repositories.findByName(name);
  const id = repository?.id ?? 0;
  return {
    repository,
    byDigest: await repositoryManifests.find(id, manifest.digest),
    byTag: await repositoryManifests.findByTag(id, tag),
    linked: await repositoryBlobs.find(id, layer.digest),
    blob: await blobs.find(layer.digest),
    pulled: [
      await pulledContent.findManifest(name, tag),
      await pulledContent.findManifest(name, manifest.digest),
      await pulledContent.hasBlob(name, layer.digest),
    ],
    entries: await cacheEntries.listAt([source], 'manifest', tag),
  };
}

async function addImage(database: Database): Promise<EntrySource> {
  const { id } = await createRepository(database, name);
  const { id: groupId } = await createGroup(database, 'acme');
  await database.repositoryManifests.save(id, manifest);
  await database.tags.put(id, tag, manifest.digest);
  await linkBlob(database, id, 'layer');
  const upstream = await database.upstreams.create({
    groupId,
    url: 'https://upstream.example',
    name: 'upstream',
    cacheValidityHours: 24,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
  });
  const source = { upstreamId: upstream.id, repository: parseRepositoryName('library/app') };
  const { digest, payload } = manifest;
  const link = { ...source, kind: 'manifest', reference: tag, digest, mediaType: ociManifest } as const;
  await database.cacheEntries.saveManifest({ ...link, groupId, etag: undefined, checkedAt: 1 }, payload, []);
  return source;
}

/** As another process would, of a newer version or an administrator's. */
async function execute({ url, file }: DatabasePlace, statements: readonly string[]): Promise<void> {
  if (url === undefined) {
    const database = new DatabaseSync(file);
    for (const statement of statements) database.exec(statement);
    database.close();
    return;
  }
  const client = await clientOf(url);
  for (const statement of statements) await client.query(statement);
}

async function clientOf(url: string | undefined): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

describeEachDatabase('what warm pulls read', (open, { createPlace, name: kind }) => {
  test('is read on while a newer version adds a column to each of its tables', async () => {
    const place = await createPlace();
    const database = await open(place);
    const source = await addImage(database);
    const before = await readAll(database, source);
    expect(before).toMatchObject({
      repository: { name },
      byDigest: { digest: manifest.digest },
      byTag: { digest: manifest.digest },
      linked: layer,
      blob: layer,
      entries: [{ digest: manifest.digest }],
    });
    await execute(
      place,
      read.map((table) => `alter table ${table} add column added_later text default 'new'`),
    );
    expect(await readAll(database, source)).toEqual(before);
  });

  test('is what is committed, however long a transaction goes on, and what that changes once it is over', async () => {
    const database = await open();
    const source = await addImage(database);
    const before = await readAll(database, source);
    await database.transaction(async (tx) => {
      await tx.repositories.hold(before.repository?.id ?? 0);
      await tx.tags.remove(before.repository?.id ?? 0, tag, 'test');
      expect(await readAll(database, source)).toEqual(before);
    });
    expect(await readAll(database, source)).toMatchObject({
      byTag: undefined,
      byDigest: before.byDigest,
      pulled: [undefined, ...before.pulled.slice(1)],
    });
  });

  test('is as it is by now, whoever changed it, however often it was asked for before', async () => {
    const place = await createPlace();
    const database = await open(place);
    const source = await addImage(database);
    const { pulledContent, tags } = database;
    const find = () => pulledContent.findManifest(name, tag);
    const id = (await readAll(database, source)).repository?.id ?? 0;
    for (let time = 0; time < 3; time += 1) {
      const found = { repositoryId: id, digest: manifest.digest };
      expect([await find(), await find()]).toMatchObject([found, found]);
      if (time === 1) await execute(place, ['delete from tags']);
      else await tags.remove(id, tag, 'test');
      expect([await find(), await find()]).toEqual([undefined, undefined]);
      await tags.put(id, tag, manifest.digest);
    }
  });

  test('is never of before a change that was seen, though it was asked for earlier', async () => {
    const database = await open();
    const source = await addImage(database);
    const { pulledContent, tags } = database;
    const id = (await readAll(database, source)).repository?.id ?? 0;
    const early = Array.from({ length: 50 }, () => pulledContent.findManifest(name, tag));
    await tags.remove(id, tag, 'test');
    const late = Array.from({ length: 50 }, () => pulledContent.findManifest(name, tag));
    await Promise.all(early);
    expect((await Promise.all(late)).filter((each) => each !== undefined)).toEqual([]);
    expect(await pulledContent.findManifest(name, tag)).toBeUndefined();
  });

  test.runIf(kind === 'PostgreSQL')(
    'is unavailable where the connection breaks under it, and read again by another that knows no statement yet',
    async () => {
      const place = await createPlace();
      const warnings: string[] = [];
      const log = { ...silentLog, warn: (_fields: object, message: string) => warnings.push(message) };
      const database = await openDatabase({ ...place, log, now: () => 0 });
      onTestFinished(() => database.close());
      const source = await addImage(database);
      const before = await readAll(database, source);
      const administrator = await clientOf(place.url);
      const terminate = (which: string) =>
        administrator.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ${which}`,
        );

      await administrator.query('begin; lock table repositories in access exclusive mode');
      const reading = readAll(database, source);
      const unavailable = expect(reading).rejects.toThrow(UnavailableError);
      await eventually(async () => expect((await terminate("wait_event_type = 'Lock'")).rowCount).toBe(1));
      await unavailable;
      await administrator.query('rollback');
      expect(await readAll(database, source)).toEqual(before);

      warnings.length = 0;
      await terminate('true');
      await eventually(() => expect(warnings).not.toEqual([]));
      expect(await readAll(database, source)).toEqual(before);
    },
  );
});
