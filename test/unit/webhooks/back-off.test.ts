import { expect, test } from 'vitest';
import { backOff } from '../../../src/webhooks/back-off.ts';

test('a wait doubles with each failure, up to ten minutes', () => {
  expect([1, 2, 3, 4, 10, 11, 1000].map((failures) => backOff(failures, 1000, 1))).toEqual([
    1000, 2000, 4000, 8000, 512_000, 600_000, 600_000,
  ]);
});

test('a wait is between a half and the whole of it', () => {
  expect(backOff(3, 1000, 0)).toBe(2000);
  expect(backOff(3, 1000, 0.5)).toBe(3000);
});
