import { expect, test } from 'vitest';
import { parseDurationMs, parseShortDurationMs } from '../../../src/rules/duration.ts';

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

test.each([
  ['0', 0],
  ['90', 90_000],
  ['0.05', 50],
  ['15m', 15 * 60_000],
  ['1.5h', 1.5 * hourMs],
  ['24d', 24 * dayMs],
])('%s is an amount of time', (text, expectedMs) => {
  expect(parseShortDurationMs(text)).toBe(expectedMs);
});

test.each(['', 'soon', 'm', '1w', '1M', '1 h', '1h30m', '-1', '1.', '.5'])(
  '%s is no amount of time',
  (text) => {
    expect(parseShortDurationMs(text)).toBeUndefined();
  },
);
