import { expect, test } from 'vitest';
import { parseQuota } from '../../../src/upstreams/quota.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function quota(headers: Record<string, string>) {
  const parsed = parseQuota((name) => headers[name], now);
  return parsed && [parsed.limit, parsed.remaining, parsed.windowSeconds];
}

test.each([
  ['Docker Hub', { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '98;w=21600' }, [100, 98, 21600]],
  [
    'draft 3',
    { 'ratelimit-limit': '100', 'ratelimit-remaining': '0', 'ratelimit-reset': '50' },
    [100, 0, undefined],
  ],
  [
    'draft 3 with policies',
    { 'ratelimit-limit': '10, 10;w=1, 50;w=60', 'ratelimit-remaining': '9' },
    [10, 9, 1],
  ],
  [
    'draft 7',
    { ratelimit: 'limit=100, remaining=50, reset=5', 'ratelimit-policy': '100;w=60' },
    [100, 50, 60],
  ],
  [
    'draft 8',
    { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"default";q=100;w=10' },
    [100, 50, 10],
  ],
  ['X-RateLimit', { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999' }, [5000, 4999, undefined]],
  ['only what remains', { 'ratelimit-remaining': '3' }, [undefined, 3, undefined]],
])('%s is read', (_what, headers, expected) => {
  expect(quota(headers)).toEqual(expected);
});

test('headers without numbers say nothing', () => {
  expect(quota({})).toBeUndefined();
  expect(quota({ 'ratelimit-limit': 'lots', 'ratelimit-remaining': '-1' })).toBeUndefined();
});
