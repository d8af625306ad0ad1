import { expect, test } from 'vitest';
import { isFor, platformPattern } from '../../../src/oci/platforms.ts';

const arm = { os: 'linux', architecture: 'arm' };

test.each([
  ['linux/arm', { ...arm, variant: 'v6' }],
  ['linux/arm', arm],
  ['linux/arm/v6', { ...arm, variant: 'v6' }],
  ['linux/arm/v7', arm],
  ['linux/arm64/v8', { os: 'linux', architecture: 'arm64' }],
  ['linux/amd64/v1', { os: 'linux', architecture: 'amd64' }],
  ['windows/amd64', { os: 'windows', architecture: 'amd64', osVersion: '10.0' }],
])('%s is what %j is for', (asked, platform) => {
  expect(isFor(asked, platform)).toBe(true);
});

test.each([
  ['linux/arm/v7', { ...arm, variant: 'v6' }],
  ['linux/arm/v6', arm],
  ['linux/arm64', arm],
  ['windows/arm', arm],
  ['linux/riscv64/v1', { os: 'linux', architecture: 'riscv64' }],
  ['linux/arm', { os: 'linux' }],
  ['linux/arm', {}],
])('%s is not what %j is for', (asked, platform) => {
  expect(isFor(asked, platform)).toBe(false);
});

test('what people write is two or three words', () => {
  for (const written of ['linux/amd64', 'linux/arm/v7', 'freebsd/s390x'])
    expect(platformPattern.test(written)).toBe(true);
  for (const written of [
    'linux',
    'linux/',
    '/amd64',
    'linux/arm/v7/x',
    'Linux/amd64',
    'linux /arm',
    'linux/*',
  ])
    expect(platformPattern.test(written)).toBe(false);
});
