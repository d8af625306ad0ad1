import { expect, test } from 'vitest';
import { parseChallenges } from '../../../src/upstreams/challenge.ts';

function parse(header: string) {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test('reads what Docker Hub sends', () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"';
  expect(parse(header)).toEqual([
    [
      'bearer',
      {
        realm: 'https://auth.docker.io/token',
        service: 'registry.docker.io',
        scope: 'repository:library/alpine:pull',
      },
    ],
  ]);
});

test('reads several challenges in one header', () => {
  expect(parse('Negotiate, Basic realm="a, b", Bearer realm="https://x/token" , service=plain')).toEqual([
    ['negotiate', {}],
    ['basic', { realm: 'a, b' }],
    ['bearer', { realm: 'https://x/token', service: 'plain' }],
  ]);
});

test('takes scheme and parameter names in any case', () => {
  expect(parse('BEARER Realm="R",SERVICE="S"')).toEqual([['bearer', { realm: 'R', service: 'S' }]]);
});

test('undoes escapes in quoted strings', () => {
  expect(parse(String.raw`Basic realm="say \"hi\" \\ there"`)).toEqual([
    ['basic', { realm: String.raw`say "hi" \ there` }],
  ]);
});

test('tells an opaque value from parameters', () => {
  expect(parse('Negotiate YWJj+/==, Basic realm=x')).toEqual([
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
});

test.each([
  'Negotiate  abc , Basic realm=x',
  'Negotiate\tabc\t,Basic realm=x',
  'Negotiate abc=,\tBasic realm=x',
])('tells it however it is set off: %o', (header) => {
  expect(parse(header)).toEqual([
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
});

test('ends with an opaque value, or a scheme alone', () => {
  expect(parse('Basic realm=x, Negotiate abc')).toEqual([
    ['basic', { realm: 'x' }],
    ['negotiate', {}],
  ]);
  expect(parse('Basic realm="", Negotiate')).toEqual([
    ['basic', { realm: '' }],
    ['negotiate', {}],
  ]);
});

test('allows white space around everything, and unquoted addresses', () => {
  expect(parse('  Bearer   realm = "r" ,, scope = "a b"')).toEqual([
    ['bearer', { realm: 'r', scope: 'a b' }],
  ]);
  expect(parse('Bearer realm=https://x/token,service=s')).toEqual([
    ['bearer', { realm: 'https://x/token', service: 's' }],
  ]);
});

test('keeps what stands before a malformed part', () => {
  expect(parse('Basic realm="a", Bearer realm="unterminated')).toEqual([
    ['basic', { realm: 'a' }],
    ['bearer', {}],
  ]);
  expect(parseChallenges(undefined)).toEqual([]);
  expect(parse('')).toEqual([]);
  expect(parse('"nonsense"')).toEqual([]);
  expect(parse('realm="x"')).toEqual([]);
  expect(parse('Basic realm=x, Bearer"y"')).toEqual([['basic', { realm: 'x' }]]);
});

test('reads a hostile header in little time', () => {
  const before = process.cpuUsage();
  parse(`Bearer realm="${'\\"'.repeat(8000)}`);
  parse(`Bearer ${'a='.repeat(8000)}`);
  parse(`Bearer ${' ,'.repeat(8000)}`);
  // Microseconds of computing: others may have the machine meanwhile.
  expect(process.cpuUsage(before).user).toBeLessThan(500_000);
});
