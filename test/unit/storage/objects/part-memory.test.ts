import { expect, test } from 'vitest';
import { PartMemory } from '../../../../src/storage/objects/part-memory.ts';

/** Takes memory, and says what was given so far. */
function setUp(maxBytes: number) {
  const memory = new PartMemory(maxBytes);
  const given: string[] = [];
  const take = async (name: string, bytes: number) => {
    const release = await memory.take(bytes);
    given.push(name);
    return release;
  };
  const settled = async () => {
    await new Promise(setImmediate);
    return given.join('');
  };
  return { take, settled };
}

test('parts that fit together are there at once, and others wait until one goes', async () => {
  const { take, settled } = setUp(10);
  const a = await take('a', 6);
  const b = await take('b', 4);
  const c = take('c', 5);
  expect(await settled()).toBe('ab');
  b();
  expect(await settled()).toBe('ab');
  a();
  expect(await settled()).toBe('abc');
  (await c)();
});

test('who came first is first, also where another would fit', async () => {
  const { take, settled } = setUp(10);
  const a = await take('a', 8);
  const waiting = [take('b', 9), take('c', 1), take('d', 1)];
  expect(await settled()).toBe('a');
  a();
  expect(await settled()).toBe('abc');
  (await waiting[0])?.();
  expect(await settled()).toBe('abcd');
});

test('a part that is bigger than all memory is alone', async () => {
  const { take, settled } = setUp(10);
  const big = await take('a', 11);
  const b = take('b', 1);
  expect(await settled()).toBe('a');
  big();
  const c = take('c', 11);
  expect(await settled()).toBe('ab');
  (await b)();
  expect(await settled()).toBe('abc');
  (await c)();
});
