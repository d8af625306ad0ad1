/** Lists in pages by number, however long they are. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { maxCounted } from '../../src/metadata/db/pages.ts';
import { type DatabasePlace, describeEachDatabase } from '../support/databases.ts';
import { withTables } from '../support/raw-tables.ts';

const perPage = 100;

/** Their numbers are 1 to `count`. */
async function addEvents(place: DatabasePlace, count: number): Promise<void> {
  await withTables(place, (db) =>
    sql`
      insert into audit_events (at, actor_name, action, target_type, target_id, details)
      with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(count)})
      select n, 'root', 'group.create', 'group', '1', '{}' from numbers`.execute(db),
  );
}

describeEachDatabase('pages', (open, { createPlace, clock }) => {
  async function start(count: number) {
    const place = await createPlace();
    const database = await open(place);
    await addEvents(place, count);
    const ids = async (page: number, per = perPage) =>
      (await database.auditEvents.list({}, { page, perPage: per })).records.map(({ id }) => id);
    return { database, place, ids };
  }

  test('are counted up to ten thousand rows, and further no more', async () => {
    const { database } = await start(maxCounted);
    const page = { page: maxCounted / perPage, perPage };
    expect(await database.auditEvents.list({}, page)).toMatchObject({ total: maxCounted, hasMore: false });
    const event = { actorName: 'root', action: 'group.create', targetId: 1, details: {} };
    for (let more = 0; more < 3; more++) await database.auditEvents.add(event);
    expect(await database.auditEvents.list({}, page)).toMatchObject({
      total: maxCounted + 1,
      hasMore: true,
    });
  });

  test('are where they should be at any position, asked for in any order, also past the end', async () => {
    const { database, ids } = await start(32_050);
    const numbersOf = (page: number) =>
      Array.from({ length: perPage }, (_, index) => 32_050 - (page - 1) * perPage - index).filter(
        (id) => id > 0,
      );
    for (const page of [321, 1, 100, 101, 102, 201, 200, 202, 320, 2, 322, 9_000_000_000])
      expect(await ids(page), `page ${page}`).toEqual(numbersOf(page));
    expect(await database.auditEvents.list({}, { page: 321, perPage })).toMatchObject({ hasMore: false });
    expect(await database.auditEvents.list({}, { page: 320, perPage })).toMatchObject({ hasMore: true });
    expect(await database.auditEvents.list({}, { page: 400, perPage })).toMatchObject({
      records: [],
      hasMore: false,
      total: maxCounted + 1,
    });
    expect(await ids(30_001, 1)).toEqual([2050]);
  });

  test('up to ten thousand rows are exact at once, those beyond after a minute', async () => {
    const { database, place, ids } = await start(25_000);
    const [near, far] = [await ids(50), await ids(201)];
    await withTables(place, (db) => sql`delete from audit_events where id > 24900`.execute(db));
    expect(await ids(50)).toEqual(near.map((id) => id - 100));
    expect(await ids(201)).toEqual(far);
    clock.now += 60_001;
    expect(await ids(201)).toEqual(far.map((id) => id - 100));
    expect((await database.auditEvents.list({}, { page: 249, perPage })).hasMore).toBe(false);
  });

  test('of lists with different conditions have nothing to do with each other', async () => {
    const { database, place, ids } = await start(25_000);
    await withTables(place, (db) =>
      sql`update audit_events set actor_name = 'ada', actor_id = 7 where id <= 12000`.execute(db),
    );
    expect((await ids(240))[0]).toBe(1100);
    const page = { page: 110, perPage };
    const [first] = (await database.auditEvents.list({ actorId: 7 }, page)).records;
    expect(first?.id).toBe(1100);
    expect((await database.auditEvents.list({ actorId: 8 }, page)).records).toEqual([]);
  });
});
