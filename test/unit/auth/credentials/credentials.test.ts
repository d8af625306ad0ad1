import { expect, test } from 'vitest';
import { parseAuthorization } from '../../../../src/auth/credentials/credentials.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

test.each([
  [`Basic ${base64('dana:secret')}`, { kind: 'basic', username: 'dana', secret: 'secret' }],
  [`basic  ${base64('dana:a:b:c')}`, { kind: 'basic', username: 'dana', secret: 'a:b:c' }],
  [`Basic ${base64(':token')}`, { kind: 'basic', username: '', secret: 'token' }],
  [`Basic ${base64('dänä:pässwörd')}`, { kind: 'basic', username: 'dänä', secret: 'pässwörd' }],
  ['Bearer abc.def.ghi', { kind: 'token', token: 'abc.def.ghi' }],
  ['bearer ent-abc', { kind: 'token', token: 'ent-abc' }],
])('%s is understood', (header, credentials) => {
  expect(parseAuthorization(header)).toEqual(credentials);
});

test.each([
  'Basic',
  'Basic ',
  `Basic ${base64('dana')}`,
  `Basic ${base64('dana:')}`,
  'Bearer',
  'Bearer a b',
  'Digest username="dana"',
  'ent-abc',
  `Bearer ${'x'.repeat(20_000)}`,
])('%s is not', (header) => {
  expect(parseAuthorization(header)).toBe('invalid');
});

test('no header is nobody', () => {
  expect(parseAuthorization(undefined)).toBeUndefined();
  expect(parseAuthorization('')).toBeUndefined();
});
