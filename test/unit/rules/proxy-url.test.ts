import { expect, test } from 'vitest';
import { parseProxyUrl } from '../../../src/rules/proxy-url.ts';

test.each([
  ['http://proxy.corp:3128', 'http://proxy.corp:3128/'],
  ['HTTPS://proxy.corp:3128/', 'https://proxy.corp:3128/'],
  ['proxy.corp:3128', 'http://proxy.corp:3128/'],
  ['proxy', 'http://proxy/'],
  ['10.0.0.5:3128', 'http://10.0.0.5:3128/'],
  ['[fd00::5]:3128', 'http://[fd00::5]:3128/'],
  [' http://robot:p%40ss@proxy.corp:3128 ', 'http://robot:p%40ss@proxy.corp:3128/'],
  ['robot:secret@proxy.corp:3128', 'http://robot:secret@proxy.corp:3128/'],
])('"%s" is the proxy %s', (text, href) => {
  expect(parseProxyUrl(text)?.href).toBe(href);
});

test.each([
  '',
  'socks5://proxy.corp:1080',
  'ftp://proxy.corp',
  'http://',
  'http://proxy.corp:port',
  'http://proxy.corp:99999',
  'http://proxy.corp/path',
  'http://proxy.corp?query',
  'http://robot:se#cret@proxy.corp:3128',
  'http://robot:%zz@proxy.corp',
  'http://%ff:secret@proxy.corp',
  'http://robot:se%0acret@proxy.corp',
  'corp\\robot:secret@proxy.corp',
])('"%s" is none', (text) => {
  expect(parseProxyUrl(text)).toBeUndefined();
});
