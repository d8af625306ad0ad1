import { expect, test } from 'vitest';
import { parseDurationMs } from '../../../src/rules/duration.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

test.each([
  ['1h', hourMs],
  ['90 minutes', 1.5 * hourMs],
  ['7d', 7 * dayMs],
  ['2 weeks', 14 * dayMs],
  ['1month', 30 * dayMs],
  ['3mon', 90 * dayMs],
  ['1 Day 12 hours', 36 * hourMs],
  ['1d, 2h', 26 * hourMs],
  ['1w2d', 9 * dayMs],
  ['1y', 365.25 * dayMs],
  ['30s', 30_000],
  ['0d', 0],
])('%s is a duration', (text, expectedMs) => {
  expect(parseDurationMs(text)).toBe(expectedMs);
});

test.each(['', 'soon', '1', 'd', '1x', '-1d', '1.5h', '1d1', '1'.repeat(64), `${'1d'.repeat(40)}`])(
  '%s is no duration',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);
