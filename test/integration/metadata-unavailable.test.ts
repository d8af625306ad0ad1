import { expect, onTestFinished, test } from 'vitest';
import { openReadOnlyDatabase } from '../../src/metadata/db/database.ts';
import { UnavailableError } from '../../src/oci/unavailable.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const ada = { username: 'ada', name: 'Ada', isAdmin: false };

describeEachDatabase('a database that cannot do what is asked', (open, { createPlace }) => {
  test('is unavailable where it is read-only, within a transaction and without', async () => {
    const place = await createPlace();
    await open(place);
    const database = await openReadOnlyDatabase({ ...place, log: silentLog, now: Date.now });
    onTestFinished(() => database.close());
    const alone: unknown = await database.users.create(ada).catch((error: unknown) => error);
    expect(alone).toBeInstanceOf(UnavailableError);
    expect(alone).toMatchObject({ message: 'the database is read-only' });
    const within = database.transaction((tx) => tx.users.create(ada));
    await expect(within).rejects.toThrow(UnavailableError);
    expect(await database.users.findByUsername('ada')).toBeUndefined();
  });
});
