import { describe, expect, test } from 'vitest';
import { isRedirect, nextHop } from '../../../src/outbound/redirect.ts';

const from = {
  url: new URL('https://registry.example.com/v2/a/blobs/x'),
  headers: { authorization: 'Bearer t', Cookie: 'c=1', range: 'bytes=5-' },
};

test('the statuses that redirect', () => {
  expect([200, 300, 301, 302, 303, 304, 305, 307, 308, 404].filter(isRedirect)).toEqual([
    301, 302, 303, 307, 308,
  ]);
});

describe('a redirect', () => {
  test('within the origin keeps all headers, relative or absolute', () => {
    expect(nextHop(from, '/other?x=1')).toEqual({
      url: new URL('https://registry.example.com/other?x=1'),
      headers: from.headers,
      isAway: false,
    });
    expect(nextHop(from, 'https://registry.example.com/y').headers).toEqual(from.headers);
  });

  test.each(['https://cdn.example.com/x', 'https://registry.example.com:444/x', '//cdn.example.net/x'])(
    'to %s takes no credentials along, but the range',
    (location) => {
      expect(nextHop(from, location).headers).toEqual({ range: 'bytes=5-' });
    },
  );

  test('that leads back does not bring credentials back', () => {
    const away = nextHop(from, 'https://cdn.example.com/x');
    const back = nextHop(away, from.url.href);
    expect(back).toEqual({ url: from.url, headers: { range: 'bytes=5-' }, isAway: true });
    expect(nextHop(back, '/y')).toMatchObject({ isAway: true });
  });

  test('from http to https is followed without credentials', () => {
    const plain = { ...from, url: new URL('http://registry.example.com/x') };
    expect(nextHop(plain, 'https://registry.example.com/x').headers).toEqual({ range: 'bytes=5-' });
  });

  test('from https to http is refused', () => {
    expect(() => nextHop(from, 'http://registry.example.com/x')).toThrow(
      'redirected from https to http at registry.example.com, which is refused',
    );
  });

  test.each([undefined, 'ftp://x/y', 'https://', 'data:,x'])('to %s is refused', (location) => {
    const message = 'redirected without a usable location';
    expect(() => nextHop(from, location)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
  });

  test('drops a user name in the location', () => {
    expect(nextHop(from, 'https://u:p@cdn.example.com/x').url.href).toBe('https://cdn.example.com/x');
  });
});
