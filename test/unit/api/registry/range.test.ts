import { expect, test } from 'vitest';
import { contentRange, parseRange } from '../../../../src/api/registry/range.ts';

test.each([
  ['bytes=0-9', [[0, 10]]],
  ['bytes=0-0', [[0, 1]]],
  ['bytes=10-', [[10, 100]]],
  ['bytes=99-', [[99, 100]]],
  ['bytes=-10', [[90, 100]]],
  ['bytes=-1000', [[0, 100]]],
  ['bytes=90-1000', [[90, 100]]],
  ['BYTES = 0-9', [[0, 10]]],
  [
    'bytes=0-9, 20-29,-5',
    [
      [0, 10],
      [20, 30],
      [95, 100],
    ],
  ],
  [
    'bytes=20-29,0-9',
    [
      [20, 30],
      [0, 10],
    ],
  ],
  ['bytes=0-9,200-300', [[0, 10]]],
])('%s of 100 bytes is %j', (header, ranges) => {
  expect(parseRange(header, 100)).toEqual(ranges.map(([start, end]) => ({ start, end })));
});

test.each([['bytes=100-'], ['bytes=100-200'], ['bytes=50-40'], ['bytes=-0'], ['bytes=200-300,400-']])(
  '%s of 100 bytes does not exist',
  (header) => {
    expect(parseRange(header, 100)).toEqual([]);
  },
);

test.each([
  ['items=0-9'],
  ['bytes'],
  ['bytes='],
  ['bytes=a-b'],
  ['bytes=1-2-3'],
  ['bytes=-'],
  ['bytes=1.5-2'],
  ['bytes=0-99,0-99'],
  [`bytes=${Array.from({ length: 1025 }, () => '0-0').join(',')}`],
])('%.40s is answered with the whole', (header) => {
  expect(parseRange(header, 100)).toBeUndefined();
});

test('no range of an empty blob exists', () => {
  expect(parseRange('bytes=0-', 0)).toEqual([]);
});

test('Content-Range names the last byte, not the one after', () => {
  expect(contentRange({ start: 0, end: 10 }, 100)).toBe('bytes 0-9/100');
});
