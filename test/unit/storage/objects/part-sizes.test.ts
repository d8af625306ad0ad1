import { expect, test } from 'vitest';
import { leastPartBytes, type PartSizing, partBytesAt } from '../../../../src/storage/objects/part-sizes.ts';

const mib = 1024 * 1024;
const gib = 1024 * mib;
const s3: PartSizing = {
  chunkBytes: 8 * mib,
  limits: { minBytes: 5 * mib, maxBytes: 5 * gib, maxParts: 10_000 },
};

/** The sizes of the parts of an object. @param least whether each is as small as it may be */
function cut(size: number, least = false): number[] {
  const parts: number[] = [];
  for (let start = 0; start < size; ) {
    const bytes = least ? leastPartBytes(parts.length, start, s3) : partBytesAt(start, s3);
    parts.push(Math.min(bytes, size - start));
    start += bytes;
  }
  return parts;
}

test.each([
  ['as big as they may be', false],
  ['as small as they may be', true],
])(
  '100 GiB fit into 10,000 parts that are %s, none of which takes more than 64 MiB of memory',
  (_, least) => {
    const parts = cut(100 * gib, least);
    expect(parts.length).toBeLessThanOrEqual(10_000);
    expect(Math.max(...parts)).toBeLessThanOrEqual(64 * mib);
    expect(parts.reduce((sum, bytes) => sum + bytes)).toBe(100 * gib);
  },
);

test('ten thousand parts hold 450 GiB', () => {
  expect(cut(450 * gib).length).toBeLessThanOrEqual(10_000);
});

test('the first parts are as big as is set, and no part is smaller or bigger than the cloud allows', () => {
  expect(partBytesAt(0, s3)).toBe(8 * mib);
  expect(partBytesAt(0, { ...s3, chunkBytes: mib })).toBe(5 * mib);
  expect(partBytesAt(0, { ...s3, chunkBytes: 6 * gib })).toBe(5 * gib);
  expect(partBytesAt(16 * gib, s3)).toBe(9 * mib);
});

test('what is sent in pieces may go up in small parts at first only', () => {
  expect(leastPartBytes(999, 5 * gib, s3)).toBe(5 * mib);
  expect(leastPartBytes(1000, 5 * gib, s3)).toBe(8 * mib);
  const few = { ...s3, limits: { ...s3.limits, maxParts: 1000 } };
  expect([leastPartBytes(99, gib, few), leastPartBytes(100, gib, few)]).toEqual([5 * mib, 8 * mib]);
});
