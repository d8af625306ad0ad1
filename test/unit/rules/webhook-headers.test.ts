import { expect, test } from 'vitest';
import { isHeaderName, isHeaderValue } from '../../../src/rules/webhook-headers.ts';

test.each(['X-Token', 'authorization', "!#$%&'*+.^`|~_-9", 'x', 'x'.repeat(255), 'my-x-entrepot-'])(
  'an endpoint may be given a header %s',
  (name) => {
    expect(isHeaderName(name)).toBe(true);
  },
);

test.each(['', 'a b', 'a:', ':a', 'ä', 'x\n', 'x'.repeat(256)])('%j is no name of a header', (name) => {
  expect(isHeaderName(name)).toBe(false);
});

// How a request is sent is for us to say.
test.each([
  'Accept-Encoding',
  'Connection',
  'Content-Length',
  'Content-Type',
  'Expect',
  'Host',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'User-Agent',
  'X-Entrepot-Event',
])('no endpoint is given %s, in whatever letters', (name) => {
  expect([name, name.toLowerCase(), name.toUpperCase()].map(isHeaderName)).toEqual([false, false, false]);
});

test('a value is what HTTP lets stand in a line', () => {
  expect(['', 'Bearer x', 'a\tb', '~', 'é'].map(isHeaderValue)).toEqual([true, true, true, true, true]);
  expect(['a\nb', '\n', 'a\n', '\na', '\x7f', '€'].map(isHeaderValue)).toEqual(Array(6).fill(false));
});
