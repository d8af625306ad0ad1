import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { type Database, migrate } from '../../src/metadata/db/database.ts';
import { type DatabasePlace, describeEachDatabase } from '../support/databases.ts';
import { withTables } from '../support/raw-tables.ts';
import { silentLog } from '../support/silent-log.ts';

const run = promisify(execFile);
const migrations = [
  '0001-first-tables',
  '0002-upstream-prefixes',
  '0003-upstream-networks',
  '0004-upstream-token-host',
  '0005-lists',
  '0006-processes',
  '0007-tag-publishers',
  '0008-fill-leases',
  '0009-object-writes',
  '0010-shared-beliefs',
  '0011-traffic',
  '0012-cache-entry-orders',
  '0013-stored-blobs',
  '0014-place-removals',
  '0015-place-rules',
  '0016-prewarms',
  '0017-piece-numbers',
  '0019-replication',
  '0022-upstream-identities',
  '0023-quarantine',
  '0024-signatures',
];
const source = resolve(import.meta.dirname, '../../src/metadata/db/database.ts');

describeEachDatabase('migrations', (open, { createPlace, name }) => {
  test('run once, and are no work the second time', async () => {
    const place = await createPlace();
    expect(await migrate({ ...place, log: silentLog })).toEqual(migrations);
    expect(await migrate({ ...place, log: silentLog })).toEqual([]);
    await (await open(place)).check();
  });

  test.each([
    ['of an earlier version, from before the first release', '0001-foundations'],
    ['of a later version', '9999-tomorrow'],
  ])('refuse a database %s, and leave it as it was', async (_, name) => {
    const place = await createPlace();
    await migrate({ ...place, log: silentLog });
    const before = await withTables(place, async (db) => {
      await sql`insert into kysely_migration (name, timestamp) values (${name}, '2026-01-01T00:00:00.000Z')`.execute(
        db,
      );
      await db.schema.dropTable('webhook_lanes').execute();
      return listTables(db);
    });
    await expect(migrate({ ...place, log: silentLog })).rejects.toThrow(
      'made by another version of this program, with migrations that this one does not know',
    );
    expect(await withTables(place, listTables)).toEqual(before);
  });

  test('that fail leave nothing, and run again from the start', async () => {
    const place = await createPlace();
    await withTables(place, (db) =>
      db.schema.createTable('audit_events').addColumn('id', 'integer').execute(),
    );
    await expect(migrate({ ...place, log: silentLog })).rejects.toThrow('could not be migrated');
    expect(await withTables(place, listTables)).toEqual(['audit_events']);
    await withTables(place, (db) => db.schema.dropTable('audit_events').execute());
    expect(await migrate({ ...place, log: silentLog })).toEqual(migrations);
    await (await open(place)).check();
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

/** But those of the migrations themselves. */
async function listTables(db: Kysely<unknown>): Promise<string[]> {
  return (await db.introspection.getTables()).map(({ name }) => name);
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
