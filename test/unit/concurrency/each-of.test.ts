import { expect, test } from 'vitest';
import { eachOf } from '../../../src/concurrency/each-of.ts';

test('each is worked on once, in order, and no more at a time than there may be', async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  await eachOf([1, 2, 3, 4, 5, 6, 7], 3, async (number) => {
    seen.push(number);
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  });
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test('who fails ends the list, after those that were begun', async () => {
  const ended: number[] = [];
  async function* numbers() {
    for (let number = 1; number < 100; number += 1) yield number;
  }
  const work = eachOf(numbers(), 2, async (number) => {
    if (number === 2) throw new Error('the second');
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(number);
  });
  await expect(work).rejects.toThrow('the second');
  expect(ended).toEqual([1]);
});

test('what the list itself throws is thrown', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error('the list');
  }
  await expect(eachOf(broken(), 2, async () => undefined)).rejects.toThrow('the list');
});
