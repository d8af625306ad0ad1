import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';

const minuteMs = 60_000;

describeEachDatabase('what was counted', (open, { clock }) => {
  test('adds up within a step, whoever counted it, and is listed by steps, the oldest first', async () => {
    const { traffic } = await open();
    clock.now = Math.floor(clock.now / 21_600_000) * 21_600_000;
    const begin = clock.now;
    await traffic.add(new Map([['pulls/miss', 1]]));
    clock.now += minuteMs - 1;
    await Promise.all([
      traffic.add(
        new Map([
          ['pulls/hit', 2],
          ['pulls/miss', 3],
        ]),
      ),
      traffic.add(
        new Map([
          ['pulls/miss', 4],
          ['pulls/hit', 5],
        ]),
      ),
    ]);
    clock.now += 1;
    await traffic.add(new Map([['pulls/hit', 1]]));
    expect(await traffic.list('1h')).toEqual([
      { startedAt: begin, series: 'pulls/hit', amount: 7 },
      { startedAt: begin, series: 'pulls/miss', amount: 8 },
      { startedAt: begin + minuteMs, series: 'pulls/hit', amount: 1 },
    ]);
    const whole = [
      { startedAt: begin, series: 'pulls/hit', amount: 8 },
      { startedAt: begin, series: 'pulls/miss', amount: 8 },
    ];
    expect(await traffic.list('24h')).toEqual(whole);
    expect(await traffic.list('30d')).toEqual(whole);
  });

  test('is gone once its period is over, and only from there', async () => {
    const { traffic } = await open();
    await traffic.add(new Map([['bytes/fetched', 5_000_000_000_000]]));
    clock.now += 61 * minuteMs;
    expect(await traffic.list('1h')).toEqual([]);
    await traffic.add(new Map([['bytes/fetched', 1]]));
    expect((await traffic.list('1h')).map(({ amount }) => amount)).toEqual([1]);
    const total = async (period: '24h' | '30d') =>
      (await traffic.list(period)).reduce((sum, { amount }) => sum + amount, 0);
    expect(await total('24h')).toBe(5_000_000_000_001);
    clock.now += 25 * 60 * minuteMs;
    expect(await total('24h')).toBe(0);
    expect(await total('30d')).toBe(5_000_000_000_001);
  });
});
