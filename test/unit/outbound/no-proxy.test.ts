import { expect, test } from 'vitest';
import { createNoProxy } from '../../../src/outbound/no-proxy.ts';

const registry = 'https://registry.corp.test';

test.each([
  ['*', registry],
  ['corp.test', registry],
  ['corp.test', 'https://corp.test'],
  ['.corp.test', registry],
  ['*.corp.test', registry],
  ['CORP.Test', registry],
  ['corp.test.', registry],
  ['corp.test', 'https://registry.corp.test.'],
  ['registry.corp.test:443', registry],
  ['corp.test:443', registry],
  ['registry.corp.test:80', 'http://registry.corp.test'],
  ['registry.corp.test:5000', 'http://registry.corp.test:5000'],
  ['*:5000', 'http://registry.corp.test:5000'],
  ['10.0.0.5', 'https://10.0.0.5:5000'],
  ['10.0.0.5:5000', 'https://10.0.0.5:5000'],
  ['10.0.0.0/8', 'https://10.1.2.3'],
  ['10.1.0.0/16', 'https://10.1.2.3'],
  ['10.0.0.0/8', 'https://[::ffff:10.1.2.3]'],
  ['fd00::/8', 'https://[fd00::5]:5000'],
  ['fd00::5', 'https://[fd00:0::5]:5000'],
  ['[fd00::5]', 'https://[fd00::5]:5000'],
  ['[fd00::5]:5000', 'https://[fd00::5]:5000'],
  ['münchen.test', 'https://registry.xn--mnchen-3ya.test'],
  ['other.test, corp.test', registry],
  ['other.test corp.test', registry],
  ['other.test ,  corp.test', registry],
  ['[fd00::]/8', 'https://[fd00::5]'],
  ['corp.test/v2', registry],
])('"%s" exempts %s', (entry, url) => {
  expect(createNoProxy([entry])(new URL(url))).toBe(true);
});

test.each([
  ['', registry],
  [' , ', registry],
  ['.corp.test', 'https://corp.test'],
  ['*.corp.test', 'https://corp.test'],
  ['corp.test', 'https://othercorp.test'],
  ['orp.test', registry],
  ['registry.corp.test:5000', registry],
  ['registry.corp.test:80', registry],
  ['10.0.0.5', 'https://10.0.0.50'],
  ['10.0.0.5:5000', 'https://10.0.0.5:5001'],
  ['10.0.0.0/8', 'https://11.0.0.1'],
  ['10.0.0.0/8', registry],
  ['10.0.0.0/99', 'https://10.0.0.1'],
  ['10.0.0.0/x', 'https://10.0.0.1'],
  ['fd00::/8', 'https://10.0.0.1'],
  ['fd00::5', 'https://[fd00::6]'],
  ['[fd00::5]:5000', 'https://[fd00::5]:5001'],
  ['.', registry],
  ['.', 'https://registry.corp.test.'],
  ['*.', registry],
  ['corp.test:443x', registry],
  ['x[fd00::5]:5000', 'https://[fd00::5]:5000'],
  ['corp.test:443:5000', registry],
  ['?%/', registry],
])('"%s" does not exempt %s', (entry, url) => {
  expect(createNoProxy([entry])(new URL(url))).toBe(false);
});

test('one of several is enough', () => {
  const isExempt = createNoProxy(['other.test', 'corp.test']);
  expect([registry, 'https://other.test', 'https://third.test'].map((url) => isExempt(new URL(url)))).toEqual(
    [true, true, false],
  );
});
