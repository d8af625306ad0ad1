import { expect, test } from 'vitest';
import { findHeaderFault } from '../../../src/rules/upstream-headers.ts';

test.each(['X-Api-Key', 'User-Agent', 'x-forwarded-user', 'CF-Access-Client-Secret', 'JOB-TOKEN'])(
  'an upstream may be sent %s',
  (name) => {
    expect(findHeaderFault(name, 'some value')).toBeUndefined();
  },
);

test.each([
  'Accept',
  'Accept-Encoding',
  'Connection',
  'Content-Length',
  'Content-Type',
  'Date',
  'Expect',
  'Host',
  'HTTP2-Settings',
  'If-None-Match',
  'Keep-Alive',
  'Proxy-Connection',
  'Range',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Via',
])('%s is for HTTP itself, in whatever letters', (name) => {
  for (const spelt of [name, name.toLowerCase(), name.toUpperCase()])
    expect(findHeaderFault(spelt, 'x')).toBe(`${spelt} must not be given: it is for HTTP itself`);
});

test.each(['Authorization', 'Cookie', 'Cookie2', 'Set-Cookie', 'Proxy-Authorization'])(
  '%s says who asks, for which there are other fields',
  (name) => {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()])
      expect(findHeaderFault(spelt, 'x')).toContain('credentials are username and password');
  },
);

test.each(['', 'a b', 'a:', 'ä', 'x\n'])('%j is no name of a header', (name) => {
  expect(findHeaderFault(name, 'x')).toContain('is no name of a header');
});

test('a value that would end the header is refused', () => {
  expect(findHeaderFault('x-key', 'a\r\nhost: evil')).toBe('x-key has a value that no header can have');
});
