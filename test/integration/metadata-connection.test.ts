import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/metadata/db/database.ts';
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
