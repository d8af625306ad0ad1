import { Kysely, sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { postgresDialect } from '../../src/metadata/db/postgres.ts';
import { RecordRows } from '../../src/metadata/db/record-rows.ts';
import { sqliteDialect } from '../../src/metadata/db/sqlite.ts';
import type { Tables } from '../../src/metadata/db/tables.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const ada = {
  username: 'ada',
  name: 'Ada',
  email: 'ada@example.com',
  state: 'active',
  isAdmin: true,
  createdAt: 1,
  updatedAt: 1,
} as const;

describeEachDatabase('names and values change by rule', (open, { createPlace }) => {
  /** As the code sees the tables, and one user. */
  async function start() {
    const place = await createPlace();
    await open(place);
    const { url, file } = place;
    const dialect =
      url === undefined ? await sqliteDialect(file) : await postgresDialect(url, silentLog, 'limited');
    const db = new Kysely<Tables>({ dialect, plugins: [new RecordRows()] });
    onTestFinished(() => db.destroy());
    const { id } = await db.insertInto('users').values(ada).returning('id').executeTakeFirstOrThrow();
    return { db, id };
  }

  test('a record is read as it was written, and undefined where nothing was', async () => {
    const { db, id } = await start();
    expect(await db.selectFrom('users').selectAll().executeTakeFirst()).toStrictEqual({
      ...ada,
      id,
      kind: 'human',
      passwordHash: undefined,
      botGroupId: undefined,
      botProjectId: undefined,
    });
  });

  test('the database has snake_case, 0 and 1, null and JSON', async () => {
    const { db, id } = await start();
    const token = {
      userId: id,
      name: 'ci',
      tokenHash: 'abc',
      scopes: ['api', 'read_registry'],
      createdAt: 1,
    };
    await db.insertInto('accessTokens').values(token).execute();
    const raw = db.withoutPlugins();
    expect((await sql`select username, is_admin, password_hash from users`.execute(raw)).rows).toEqual([
      { username: 'ada', is_admin: 1, password_hash: null },
    ]);
    expect((await sql`select token_hash, scopes from access_tokens`.execute(raw)).rows).toEqual([
      { token_hash: 'abc', scopes: '["api","read_registry"]' },
    ]);
    const found = await db.selectFrom('accessTokens').selectAll().executeTakeFirst();
    expect(found).toMatchObject({ tokenHash: 'abc', scopes: ['api', 'read_registry'], revokedAt: undefined });
  });

  test('in a change undefined leaves and null clears', async () => {
    const { db } = await start();
    const change = async (changes: { email?: string | null | undefined; isAdmin?: boolean | undefined }) => {
      const query = db.updateTable('users').set({ ...changes, updatedAt: 2 });
      const { email, isAdmin, updatedAt } = await query.returningAll().executeTakeFirstOrThrow();
      return { email, isAdmin, updatedAt };
    };
    expect(await change({ email: undefined, isAdmin: undefined })).toEqual({
      email: 'ada@example.com',
      isAdmin: true,
      updatedAt: 2,
    });
    expect(await change({ email: null, isAdmin: false })).toEqual({
      email: undefined,
      isAdmin: false,
      updatedAt: 2,
    });
  });

  test('conditions have values as records have them, and raw SQL refers to columns by the names of the code', async () => {
    const { db } = await start();
    const admins = db.selectFrom('users').where('isAdmin', '=', true);
    expect(await admins.select('username').execute()).toEqual([{ username: 'ada' }]);
    expect(await db.selectFrom('users').select('id').where('isAdmin', '=', false).execute()).toEqual([]);
    const raw = sql`select ${sql.ref('users.createdAt')}, ${sql.ref('isAdmin')} as is_admin
      from ${sql.table('users')} where ${sql.ref('createdAt')} = ${1} and ${sql.ref('isAdmin')} = ${true}`;
    expect((await raw.execute(db)).rows).toEqual([{ createdAt: 1, isAdmin: true }]);
  });

  test('an alias is a name as well', async () => {
    const { db } = await start();
    const query = db
      .selectFrom('users as somebodyElse')
      .select(['somebodyElse.createdAt as madeAt', 'somebodyElse.isAdmin'])
      .orderBy('madeAt');
    expect(await query.execute()).toEqual([{ madeAt: 1, isAdmin: true }]);
  });
});
