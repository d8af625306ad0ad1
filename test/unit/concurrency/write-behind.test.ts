import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WriteBehind } from '../../../src/concurrency/write-behind.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('what is written behind', () => {
  const batches: [string, number][][] = [];
  const failures: number[] = [];
  const lost: number[] = [];
  let record = async () => {};
  let isReady = true;

  beforeEach(() => {
    for (const list of [batches, failures, lost]) list.length = 0;
    record = async () => {};
    isReady = true;
  });

  const create = (max = 3) =>
    new WriteBehind<string, number>({
      record: async (batch) => {
        await record();
        batches.push([...batch]);
      },
      merge: (older, newer) => older + newer,
      everyMs: 1000,
      max,
      prepare: () => isReady,
      onFailure: (_, kept) => failures.push(kept),
      onLost: (count) => lost.push(count),
    });

  test('is recorded together from time to time, values of one key as one', async () => {
    const counts = create();
    counts.start();
    for (const key of ['a', 'b', 'a']) counts.add(key, 1);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(batches).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
    ]);
    await counts.close();
  });

  const hundred = Array.from({ length: 100 }, (_, index): [string, number] => [`key ${index}`, 1]);

  test('is recorded a hundred at a time, the oldest first, and others have their turn between', async () => {
    const counts = create(300);
    for (const [key, value] of [...hundred, ['a', 1] as const]) counts.add(key, value);
    const turns: number[] = [];
    let turn = 0;
    record = async () => {
      turns.push(turn);
      setImmediate(() => {
        turn += 1;
      });
    };
    await counts.close();
    expect(batches).toEqual([hundred, [['a', 1]]]);
    expect(turns).toEqual([0, 1]);
  });

  test('is kept where recording fails, before and with what comes meanwhile', async () => {
    const counts = create(300);
    for (const [key, value] of [...hundred, ['b', 1] as const]) counts.add(key, value);
    let tries = 0;
    record = async () => {
      tries += 1;
      if (tries !== 2) return;
      counts.add('c', 1);
      counts.add('b', 4);
      throw new Error('away');
    };
    await counts.flush();
    expect(batches).toEqual([hundred]);
    expect(failures).toEqual([2]);
    await counts.close();
    expect(batches).toEqual([
      hundred,
      [
        ['b', 5],
        ['c', 1],
      ],
    ]);
  });

  test('waits for the next time where it comes while others are recorded', async () => {
    const counts = create();
    counts.add('a', 1);
    record = async () => counts.add('a', 1);
    await counts.flush();
    record = async () => {};
    expect(batches).toEqual([[['a', 1]]]);
    await counts.close();
    expect(batches).toEqual([[['a', 1]], [['a', 1]]]);
  });

  test('is lost beyond the bound, those included that are being recorded, and told once', async () => {
    const counts = create();
    for (const key of ['a', 'b']) counts.add(key, 1);
    record = async () => {
      for (const key of ['c', 'd', 'c']) counts.add(key, 1);
    };
    await counts.flush();
    expect(lost).toEqual([]);
    record = async () => {};
    counts.lose();
    await counts.flush();
    expect(lost).toEqual([2]);
    expect(batches.at(-1)).toEqual([['c', 2]]);
    await counts.close();
    expect(lost).toEqual([2]);
  });

  test('is kept as long as nothing may be recorded', async () => {
    const counts = create();
    isReady = false;
    counts.add('a', 1);
    await counts.flush();
    expect([batches, failures, counts.isEmpty]).toEqual([[], [], false]);
    isReady = true;
    await counts.close();
    expect(batches).toEqual([[['a', 1]]]);
    expect(counts.isEmpty).toBe(true);
  });
});
