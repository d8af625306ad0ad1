import { describe, expect, test } from 'vitest';
import { parseRetryAfter } from '../../../src/outbound/retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('Retry-After', () => {
  test.each([
    ['seconds', '120', 120_000],
    ['seconds with white space around them', ' 7 \t', 7000],
    ['no seconds', '0', 0],
    ['an hour', '3600', 3_600_000],
    ['more than an hour, of which an hour is believed', '3601', 3_600_000],
    ['more seconds than a number holds', '9'.repeat(400), 3_600_000],
    ['a date', 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['a date in the form of RFC 850', 'Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['a date as no standard of HTTP has it', '2026-01-01T00:02:00Z', 120_000],
    ['a date that is over', 'Wed, 31 Dec 2025 23:59:59 GMT', 0],
    ['a date in more than an hour', 'Thu, 01 Jan 2026 01:00:01 GMT', 3_600_000],
  ])('is read where it is %s', (_what, header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms);
  });

  test.each([undefined, '', 'soon', 'in 5', '5x', '-1', '1.5', '1e3', 'at 99:99'])(
    'says nothing where it is %o',
    (header) => {
      expect(parseRetryAfter(header, now)).toBeUndefined();
    },
  );
});
