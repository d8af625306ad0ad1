import { expect, onTestFinished, test } from 'vitest';
import { ToldBeliefs } from '../../src/cache/told-beliefs.ts';
import type { Database } from '../../src/metadata/db/database.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

describeEachDatabase(
  'what processes tell each other through their records',
  (open, { clock, createPlace }) => {
    const join = (database: Database, hasOthers = true) => {
      const { sharedBeliefs: records } = database;
      const now = () => clock.now;
      const beliefs = new ToldBeliefs({ records, hasOthers: () => hasOthers, log: silentLog, now });
      onTestFinished(() => beliefs.close());
      return beliefs;
    };
    async function startThree() {
      const place = await createPlace();
      return [join(await open(place)), join(await open(place)), join(await open(place))] as const;
    }

    test('is known to all after a beat, until its time is over', async () => {
      const [one, two, three] = await startThree();
      await one.remember('key', 'yes', 60_000);
      expect([await one.find('key'), await two.find('key')]).toEqual(['yes', undefined]);
      for (const each of [one, two, three]) await each.exchange();
      expect([await two.find('key'), await three.find('key')]).toEqual(['yes', 'yes']);
      clock.now += 60_000;
      expect([await one.find('key'), await two.find('key')]).toEqual([undefined, undefined]);
    });

    test('is what was told last', async () => {
      const [one, two] = await startThree();
      await one.remember('key', 'first', 60_000);
      await one.exchange();
      await two.exchange();
      await two.remember('key', 'second', 60_000);
      await two.exchange();
      await one.exchange();
      expect([await one.find('key'), await two.find('key')]).toEqual(['second', 'second']);
    });

    test('is heard by one that comes later, and not what is over', async () => {
      const place = await createPlace();
      const database = await open(place);
      const one = join(database);
      await one.remember('short', 'yes', 1000);
      await one.remember('long', 'yes', 60_000);
      await one.exchange();
      clock.now += 1000;
      const late = join(await open(place));
      await late.exchange();
      expect([await late.find('short'), await late.find('long')]).toEqual([undefined, 'yes']);
      expect(await database.sharedBeliefs.hear(0)).toHaveLength(1);
    });

    test('is nothing where a process is alone', async () => {
      const database = await open();
      const alone = join(database, false);
      await alone.remember('key', 'yes', 60_000);
      await alone.exchange();
      expect(await alone.find('key')).toBe('yes');
      expect(await database.sharedBeliefs.hear(0)).toEqual([]);
      expect(await alone.counters?.add(new Map([['a', 1]]), 1000)).toEqual(new Map());
    });

    test('many beliefs are told at several beats', async () => {
      const [one, two] = await startThree();
      for (let index = 0; index < 150; index += 1) await one.remember(`key ${index}`, 'yes', 60_000);
      await one.exchange();
      await one.exchange();
      await two.exchange();
      expect([await two.find('key 0'), await two.find('key 149')]).toEqual(['yes', 'yes']);
    });

    test('counts are added up, each within its window', async () => {
      const [one, two, three] = await startThree();
      const changes = (...entries: [string, number][]) => new Map(entries);
      expect(await one.counters?.add(changes(['a', 2], ['b', 1]), 1000)).toEqual(
        new Map([
          ['a', { total: 2, endsInMs: 1000 }],
          ['b', { total: 1, endsInMs: 1000 }],
        ]),
      );
      clock.now += 400;
      expect(await two.counters?.add(changes(['a', 3]), 1000)).toEqual(
        new Map([['a', { total: 5, endsInMs: 600 }]]),
      );
      expect(await three.counters?.add(changes(['a', -1]), 1000)).toEqual(
        new Map([['a', { total: 4, endsInMs: 600 }]]),
      );
      clock.now += 600;
      expect(await one.counters?.add(changes(['a', 1]), 1000)).toEqual(
        new Map([['a', { total: 1, endsInMs: 1000 }]]),
      );
    });

    test('counts of many processes at once do not wait for each other', async () => {
      const [one, two, three] = await startThree();
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
      const changes = (order: readonly string[]) => new Map(order.map((key) => [key, 1]));
      for (let times = 0; times < 5; times += 1) {
        await Promise.all([
          one.counters?.add(changes(keys), 60_000),
          two.counters?.add(changes(keys.toReversed()), 60_000),
          three.counters?.add(changes(keys), 60_000),
        ]);
      }
      const counts = await one.counters?.add(changes(keys), 60_000);
      expect(new Set([...(counts?.values() ?? [])].map(({ total }) => total))).toEqual(new Set([16]));
    });
  },
);
