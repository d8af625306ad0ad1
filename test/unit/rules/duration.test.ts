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
  [' 1h ', hourMs],
  [`1d${' '.repeat(60)}1d`, 2 * dayMs],
])('%s is a duration', (text, expectedMs) => {
  expect(parseDurationMs(text)).toBe(expectedMs);
});

const spellings: readonly (readonly [string, number])[] = [
  ['s sec secs second seconds', 1000],
  ['m min mins minute minutes', 60_000],
  ['h hr hrs hour hours', hourMs],
  ['d day days', dayMs],
  ['w wk wks week weeks', 7 * dayMs],
  ['mo mon mos month months', 30 * dayMs],
  ['y yr yrs year years', 365.25 * dayMs],
];

test.each(spellings.flatMap(([units, unitMs]) => units.split(' ').map((unit) => [unit, unitMs] as const)))(
  '%s is a unit, whole alone',
  (unit, unitMs) => {
    expect(parseDurationMs(`2${unit}`)).toBe(2 * unitMs);
    expect(parseDurationMs(`2x${unit}`)).toBeUndefined();
    expect(parseDurationMs(`2${unit}x`)).toBeUndefined();
  },
);

test.each([
  '',
  'soon',
  '1',
  'd',
  '1x',
  '-1d',
  '1.5h',
  '1d1',
  '1'.repeat(64),
  '1d'.repeat(40),
  `1d${' '.repeat(61)}1d`,
])('%s is no duration', (text) => {
  expect(parseDurationMs(text)).toBeUndefined();
});

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
