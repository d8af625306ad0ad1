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
  ['a limit alone', { 'ratelimit-limit': '100' }, [100, undefined, undefined]],
  ['a policy', { ratelimit: 'remaining=5', 'ratelimit-policy': '100;w=60' }, [100, 5, 60]],
  ['a window of what remains', { 'ratelimit-limit': '100', 'ratelimit-remaining': '9;w=30' }, [100, 9, 30]],
  ['white space', { 'ratelimit-limit': ' 100 ; w = 60' }, [100, undefined, 60]],
  ['other case and quotes', { ratelimit: 'LIMIT="100" ,Remaining = 7' }, [100, 7, undefined]],
  ['names that only end alike', { ratelimit: 'xlimit=5, remaining=7' }, [undefined, 7, undefined]],
  [
    'more digits than a number holds',
    { 'ratelimit-limit': '9'.repeat(16), 'ratelimit-remaining': '5' },
    [undefined, 5, undefined],
  ],
  [
    'a standard beside X-RateLimit',
    {
      'ratelimit-limit': '10',
      'ratelimit-remaining': '9',
      'x-ratelimit-limit': '20',
      'x-ratelimit-remaining': '19',
    },
    [10, 9, undefined],
  ],
  ['only what remains', { 'ratelimit-remaining': '3' }, [undefined, 3, undefined]],
])('%s is read', (_what, headers, expected) => {
  expect(quota(headers)).toEqual(expected);
});

test('headers without numbers say nothing', () => {
  expect(quota({})).toBeUndefined();
  expect(quota({ 'ratelimit-limit': '100x', 'ratelimit-remaining': 'x100' })).toBeUndefined();
  expect(quota({ ratelimit: 'limit=x, remaining=', 'ratelimit-policy': 'q' })).toBeUndefined();
  expect(quota({ 'ratelimit-limit': 'lots', 'ratelimit-remaining': '-1' })).toBeUndefined();
});

test('what is said is remembered with its time', () => {
  expect(parseQuota(() => '5', now)).toEqual({
    limit: 5,
    remaining: 5,
    windowSeconds: undefined,
    seenAt: now,
  });
});
