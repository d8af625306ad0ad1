import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/metadata/db/database.ts';
import type { Records } from '../../src/metadata/db/records.ts';
import { UniqueViolation } from '../../src/metadata/db/violations.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { eventually } from '../support/eventually.ts';
import { silentLog } from '../support/silent-log.ts';

describeEachDatabase('the connection to the records', (open, { createPlace, name }) => {
  test('passes its check until it is closed', async () => {
    const database = await open();
    await database.check();
    await database.close();
    await expect(database.check()).rejects.toThrow();
  });

  test('lets one process read while another is in the middle of a change', async () => {
    const place = await createPlace();
    const [writer, reader] = [await open(place), await open(place)];
    await writer.transaction(async (tx) => {
      await tx.users.create({ username: 'ada', name: 'Ada', isAdmin: false });
      expect(await reader.users.findByUsername('ada')).toBeUndefined();
    });
    expect(await reader.users.findByUsername('ada')).toBeDefined();
  });

  test('lets one process change after the other, without stopping either', async () => {
    const place = await createPlace();
    const [first, second] = [await open(place), await open(place)];
    let waited = false;
    const slow = first.transaction(async (tx) => {
      await tx.users.create({ username: 'ada', name: 'Ada', isAdmin: false });
      await new Promise((done) => setTimeout(done, 100));
      waited = true;
    });
    const fast = second.users.create({ username: 'bob', name: 'Bob', isAdmin: false });
    await Promise.all([slow, fast]);
    expect(waited).toBe(true);
    expect((await first.users.list(undefined, { page: 1, perPage: 10 })).total).toBe(2);
  });

  test('reads what is committed in the middle of a transaction, and changes nothing else before its end', async () => {
    const database = await open();
    const { users } = database;
    const order: string[] = [];
    let other: Promise<unknown> = Promise.resolve();
    await database.transaction(async (tx) => {
      const { id } = await tx.users.create({ username: 'ada', name: 'Ada', isAdmin: false });
      expect(await tx.users.find(id)).toBeDefined();
      expect(await users.find(id)).toBeUndefined();
      expect((await users.list(undefined, { page: 1, perPage: 10 })).records).toEqual([]);
      other = users
        .create({ username: 'bob', name: 'Bob', isAdmin: false })
        .then(() => order.push('changed'));
      await new Promise((done) => setTimeout(done, 50));
      if (name === 'SQLite') expect(order).toEqual([]);
      order.push('over');
    });
    expect(await users.findByUsername('ada')).toBeDefined();
    await other;
    if (name === 'SQLite') expect(order).toEqual(['over', 'changed']);
  });

  test('goes on after transactions that fail, however they do', async () => {
    const database = await open();
    const add = (username: string) => (tx: Records) =>
      tx.users.create({ username, name: username, isAdmin: false });
    const failing = Array.from({ length: 3 }, () =>
      database.transaction(async (tx) => {
        await add('ada')(tx);
        throw new Error('no');
      }),
    );
    const outcomes = await Promise.allSettled([...failing, database.transaction(add('bob'))]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    await expect(database.transaction(add('bob'))).rejects.toThrow(UniqueViolation);
    await database.transaction(add('ada'));
    expect((await database.users.list(undefined, { page: 1, perPage: 10 })).records).toMatchObject([
      { username: 'bob' },
      { username: 'ada' },
    ]);
  });

  test.runIf(name === 'PostgreSQL')('is there for pulls while lists wait, however many', async () => {
    const place = await createPlace();
    const { projects, users } = await open(place);
    const administrator = new pg.Client({ connectionString: place.url });
    await administrator.connect();
    onTestFinished(() => administrator.end());
    await administrator.query('begin; lock table projects in access exclusive mode');
    let listed = 0;
    const lists = Array.from({ length: 20 }, async () => {
      await projects.list({}, { page: 1, perPage: 10 });
      listed += 1;
    });
    expect(await users.findByUsername('ada')).toBeUndefined();
    expect(listed).toBe(0);
    await administrator.query('rollback');
    await Promise.all(lists);
  });

  test.runIf(name === 'PostgreSQL')(
    'is made anew when the server breaks it, and that is only logged',
    async () => {
      const place = await createPlace();
      const warnings: string[] = [];
      const log = { ...silentLog, warn: (_fields: object, message: string) => warnings.push(message) };
      const database = await openDatabase({ ...place, log, now: Date.now });
      onTestFinished(() => database.close());
      await database.check();
      const administrator = new pg.Client({ connectionString: place.url });
      await administrator.connect();
      await administrator.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      await administrator.end();
      await eventually(() => expect(warnings).toEqual(['a database connection broke']));
      await database.check();
    },
  );
});
