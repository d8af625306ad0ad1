import { beforeEach, expect, test } from 'vitest';
import { Beliefs } from '../../../../src/auth/rights/beliefs.ts';

let now = 0;
let looks = 0;
let revision = { current: 0 };
let beliefs: Beliefs<string>;

beforeEach(() => {
  now = 1_000_000;
  looks = 0;
  revision = { current: 0 };
  beliefs = new Beliefs({ revision, now: () => now });
});

function find(answer: string | undefined, tookMs = 0) {
  return beliefs.find('key', async () => {
    looks += 1;
    now += tookMs;
    return answer;
  });
}

test('an answer is believed for a second, and who come together ask once', async () => {
  const found = await Promise.all([find('first'), find('second')]);
  expect(found).toEqual([
    { value: 'first', until: now + 1000 },
    { value: 'first', until: now + 1000 },
  ]);
  now += 999;
  expect((await find('third'))?.value).toBe('first');
  now += 1;
  expect((await find('fourth'))?.value).toBe('fourth');
  expect(looks).toBe(2);
});

test('the second begins with the question, however long the records take', async () => {
  await find('first', 400);
  now += 599;
  expect((await find('second'))?.value).toBe('first');
  now += 1;
  expect((await find('third'))?.value).toBe('third');
});

test('records that take longer than a second are asked for each', async () => {
  await find('first', 1500);
  now += 2;
  expect((await find('second'))?.value).toBe('second');
});

test('what was believed, or asked, before a change is not believed after it', async () => {
  await find('before');
  revision.current += 1;
  expect((await find('after'))?.value).toBe('after');
  revision.current += 1;
  const asked = find('asked before');
  revision.current += 1;
  expect((await find('asked after'))?.value).toBe('asked after');
  expect((await asked)?.value).toBe('asked before');
  expect((await find('much later'))?.value).toBe('asked after');
});

test('what is not there is not remembered', async () => {
  expect(await find(undefined)).toBeUndefined();
  expect((await find('created'))?.value).toBe('created');
});

test('an error is for those who asked, and nobody after them', async () => {
  const failing = beliefs.find('key', async () => {
    throw new Error('the database is away');
  });
  await expect(failing).rejects.toThrow('the database is away');
  expect((await find('back'))?.value).toBe('back');
});
