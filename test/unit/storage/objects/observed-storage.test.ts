import { expect, test, vi } from 'vitest';
import type { ObjectStorage } from '../../../../src/storage/objects/object-storage.ts';
import { observeStorage } from '../../../../src/storage/objects/observed-storage.ts';
import { useFakeTimers } from '../../../support/fake-timers.ts';
import { MemoryObjectStorage } from '../../../support/memory-object-storage.ts';

const key = 'v1/ab/one';
const bytes = Buffer.from('some bytes');

function observed(maxPerSecond?: number) {
  const storage = new MemoryObjectStorage(1);
  const told: string[] = [];
  const observer = {
    called: (call: string, result: string) => void told.push(`${call} ${result}`),
    moved: (direction: string, count: number) => void told.push(`${count} ${direction}`),
  };
  return { storage, told, it: observeStorage(storage, observer, maxPerSecond) };
}

const write = { key, id: 'write-1' };
const part = { number: 1, size: 10, tag: 'tag-1-10' };
const all = async <T>(chunks: AsyncIterable<T> | undefined) => chunks && Array.fromAsync(chunks);
const calls: [string, (it: ObjectStorage) => Promise<unknown>, unknown, string[]][] = [
  ['put', (it) => it.put(key, bytes), undefined, ['put ok', '10 in']],
  ['begin', (it) => it.begin(key), 'write-1', ['begin ok']],
  ['putPart', (it) => it.putPart(write, 1, bytes, 0), 'tag-1-10', ['part ok', '10 in']],
  ['complete', (it) => it.complete(write, [part]), undefined, ['complete ok']],
  ['abort', (it) => it.abort(write), undefined, ['abort ok']],
  ['head', async (it) => (await it.head(key))?.size, 10, ['head ok']],
  ['read', async (it) => String(await all(await it.read(key, 5, 10))), 'bytes', ['get ok', '5 out']],
  ['list', async (it) => (await all(it.list('v1/')))?.length, 1, ['list ok']],
  ['delete', (it) => it.delete(key), undefined, ['delete ok']],
];

test('each call is made as it is asked for, and counted, as are bytes', async () => {
  const { it, told, storage } = observed();
  for (const [, ask, result, expected] of calls) {
    expect(await ask(it)).toEqual(result);
    expect(told.splice(0)).toEqual(expected);
  }
  expect([it.place, it.limits]).toEqual([storage.place, storage.limits]);
  expect(await it.read(key, 0, 1)).toBeUndefined();
});

test.each(calls.filter(([name]) => name !== 'list'))(
  '%s that fails is counted as that, without its bytes',
  async (_, ask) => {
    const { it, told, storage } = observed();
    const failure = new Error('away');
    storage.failing = () => Promise.reject(failure);
    await expect(ask(it)).rejects.toBe(failure);
    expect(told).toEqual([expect.stringMatching(/^[a-z]+ failed$/)]);
  },
);

test('a URL is no call, and closing closes', async () => {
  const { it, told, storage } = observed();
  const close = vi.spyOn(storage, 'close');
  expect(await it.presign(key, { expiresSeconds: 1, contentType: 'a/b' })).toBe(`memory:${key}`);
  it.close();
  expect([told, close.mock.calls.length]).toEqual([[], 1]);
});

test("a second's worth of calls comes at once, and then no more than may be", async () => {
  useFakeTimers();
  vi.setSystemTime(0);
  await vi.advanceTimersByTimeAsync(10_000);
  const { it, told } = observed(4);
  const asked = Promise.all(Array.from({ length: 7 }, () => it.head(key)));
  const at = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return told.length;
  };
  expect([await at(0), await at(249), await at(1), await at(249), await at(1), await at(250)]).toEqual([
    4, 4, 5, 5, 6, 7,
  ]);
  await asked;
  // What was not used up within a second is lost.
  await vi.advanceTimersByTimeAsync(60_000);
  const listed = Array.from({ length: 5 }, () => Array.fromAsync(it.list('')));
  expect([await at(0), await at(250)]).toEqual([11, 12]);
  await Promise.all(listed);
});
