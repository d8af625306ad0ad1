import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { RateCounter } from '../../../src/cache/rate-counter.ts';
import type { SharedCount, SharedCounters } from '../../../src/cache/redis-counters.ts';

const windowMs = 15_000;
const start = Date.UTC(2026, 2, 4);
let now: number;

/** As Redis counts, with a clock of its own that may be away. */
class FakeCounters implements SharedCounters {
  readonly #counts = new Map<string, { total: number; endsAt: number }>();
  isAway = false;
  exchanges = 0;

  async add(changes: ReadonlyMap<string, number>, lengthMs: number): Promise<Map<string, SharedCount>> {
    this.exchanges += 1;
    const answer = new Map<string, SharedCount>();
    if (this.isAway) return answer;
    for (const [key, change] of changes) {
      let count = this.#counts.get(key);
      if (!count || count.endsAt <= now) count = { total: 0, endsAt: now + lengthMs };
      count.total += change;
      this.#counts.set(key, count);
      answer.set(key, { total: count.total, endsInMs: count.endsAt - now });
    }
    return answer;
  }
}

beforeEach(() => {
  now = start;
});

function open(shared?: SharedCounters, maxKeys?: number): RateCounter {
  const counter = new RateCounter({
    name: 'requests',
    windowMs,
    shared,
    now: () => now,
    ...(maxKeys !== undefined && { maxKeys }),
  });
  onTestFinished(() => counter.close());
  return counter;
}

describe('a rate counter', () => {
  test('counts each key in a window that begins with its first time', () => {
    const counter = open();
    expect(counter.count('a')).toMatchObject({ total: 1, endsAt: start + windowMs });
    now += 10_000;
    expect(counter.count('a')).toMatchObject({ total: 2, endsAt: start + windowMs });
    expect(counter.count('b')).toMatchObject({ total: 1, endsAt: now + windowMs });
    now = start + windowMs;
    expect(counter.find('a')).toBeUndefined();
    expect(counter.count('a')).toMatchObject({ total: 1, endsAt: now + windowMs });
  });

  test('takes back and forgets', () => {
    const counter = open();
    counter.takeBack('a');
    expect(counter.find('a')).toBeUndefined();
    counter.count('a');
    counter.count('a');
    counter.takeBack('a');
    expect(counter.find('a')?.total).toBe(1);
    counter.forget('a');
    expect(counter.find('a')).toBeUndefined();
    expect(counter.count('a').total).toBe(1);
  });

  test('remembers the busiest of lately where there are too many keys', () => {
    const counter = open(undefined, 2);
    for (const key of ['a', 'b', 'a', 'c']) counter.count(key);
    expect(counter.find('a')?.total).toBe(2);
    expect(counter.find('b')).toBeUndefined();
  });
});

describe('two counters that share', () => {
  test('know after an exchange what both counted, and keep the same window', async () => {
    const shared = new FakeCounters();
    const [one, other] = [open(shared), open(shared)];
    for (let time = 0; time < 3; time += 1) one.count('a');
    await one.exchange();
    now += 5000;
    expect(other.count('a').total).toBe(1);
    await other.exchange();
    expect(other.find('a')).toMatchObject({ total: 4, endsAt: start + windowMs });
    one.count('a');
    await one.exchange();
    expect(one.find('a')?.total).toBe(5);
  });

  test('forget together', async () => {
    const shared = new FakeCounters();
    const [one, other] = [open(shared), open(shared)];
    for (let time = 0; time < 9; time += 1) one.count('a');
    await one.exchange();
    one.forget('a');
    await one.exchange();
    other.count('a');
    await other.exchange();
    expect(other.find('a')?.total).toBe(1);
  });

  test('count each for itself while what they share is away, and lose nothing of it', async () => {
    const shared = new FakeCounters();
    const [one, other] = [open(shared), open(shared)];
    shared.isAway = true;
    for (let time = 0; time < 3; time += 1) one.count('a');
    await one.exchange();
    one.count('a');
    expect(one.find('a')?.total).toBe(4);
    shared.isAway = false;
    await one.exchange();
    other.count('a');
    await other.exchange();
    expect(other.find('a')?.total).toBe(5);
  });

  test('ask nothing where nothing was counted', async () => {
    const shared = new FakeCounters();
    const counter = open(shared);
    await counter.exchange();
    counter.count('a');
    await counter.exchange();
    await counter.exchange();
    expect(shared.exchanges).toBe(1);
  });
});
