import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/metadata/db/database.ts';
import { describeSqlite } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const writes = 1500;

describeSqlite('a SQLite file that several processes write to', (_open, { createPlace }) => {
  test('is not kept from one of them by what another has to write without a break', async () => {
    const place = await createPlace();
    const options = { ...place, log: silentLog, now: Date.now, isShared: true };
    const [busy, other] = [await openDatabase(options), await openDatabase(options)];
    onTestFinished(async () => {
      await busy.close();
      await other.close();
    });
    let written = 0;
    const all = Array.from({ length: writes }, async (_, index) => {
      await busy.transaction((tx) => tx.instance.set(`key ${index}`, 'value'));
      written += 1;
    });
    for (let times = 0; times < 3; times += 1) await other.instance.set('other', String(times));
    expect(written).toBeLessThan(writes);
    await Promise.all(all);
    expect(await other.instance.get(`key ${writes - 1}`)).toBe('value');
  });
});
