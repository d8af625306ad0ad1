import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';

const first = { id: 'a', name: 'one', version: '1.0.0', address: '10.0.0.1:5002', startedAt: 2 };
const second = { id: 'b', name: 'two', version: '1.1.0', address: undefined, startedAt: 1 };

describeEachDatabase('records of processes', (open, { clock }) => {
  test('those that live are listed, the oldest first, until they leave', async () => {
    const { processes } = await open();
    const startedAt = clock.now;
    await processes.beat(first);
    clock.now += 10_000;
    await processes.beat(second);
    expect(await processes.list()).toEqual([
      { ...second, lastSeenAt: startedAt + 10_000 },
      { ...first, lastSeenAt: startedAt },
    ]);
    await processes.remove('b');
    expect(await processes.list()).toEqual([{ ...first, lastSeenAt: startedAt }]);
  });

  test('one that says nothing for half a minute is taken for dead, and comes back when it says something', async () => {
    const { processes } = await open();
    const idsOf = async () => (await processes.list()).map(({ id }) => id);
    await processes.beat(first);
    await processes.beat(second);
    clock.now += 29_999;
    expect(await idsOf()).toEqual(['b', 'a']);
    await processes.beat(second);
    clock.now += 1;
    expect(await idsOf()).toEqual(['b']);
    await processes.beat(first);
    expect(await processes.list()).toEqual([
      { ...second, lastSeenAt: clock.now - 1 },
      { ...first, lastSeenAt: clock.now },
    ]);
  });

  test('what is dead is removed by whoever lives', async () => {
    const { processes } = await open();
    const diedAt = clock.now;
    await processes.beat(first);
    clock.now += 30_000;
    await processes.beat(second);
    clock.now = diedAt;
    expect((await processes.list()).map(({ id }) => id)).toEqual(['b']);
  });
});
