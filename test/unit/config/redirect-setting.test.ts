import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';

const defaults = readFileSync(new URL('../../../config/default.yaml', import.meta.url), 'utf8');

function load(yaml: string, redirect?: string) {
  const environment = redirect === undefined ? {} : { ENTREPOT_STORAGE__REDIRECT: redirect };
  const file = { name: 'config.yaml', text: yaml };
  return loadConfig({ defaults, file, environment, readFile: () => '' }).storage.redirect;
}

const on = {
  minBytes: 65_536,
  networks: [],
  expiresMs: 1_200_000,
  baseUrl: undefined,
  keyPairId: undefined,
  privateKey: undefined,
};

describe('storage.redirect', () => {
  test.each(['', 'storage: { redirect: off }', 'storage: { redirect: false }', 'storage: { redirect: "" }'])(
    'is off: %s',
    (yaml) => expect(load(yaml)).toBeUndefined(),
  );

  test.each(['storage: { redirect: on }', 'storage: { redirect: true }', 'storage: { redirect: {} }'])(
    'is on: %s',
    (yaml) => expect(load(yaml)).toEqual(on),
  );

  test('is on with what else is said of it, in the file and as JSON in the environment', () => {
    const some = {
      ...on,
      minBytes: 5 * 1024 * 1024,
      networks: ['10.0.0.0/8', '192.0.2.1/32'],
      expiresMs: 300_000,
    };
    expect(
      load(`storage:
  redirect:
    min_bytes: 5MiB
    networks: [10.0.0.0/8, 192.0.2.1]
    expires_seconds: 5m
`),
    ).toEqual(some);
    expect(
      load('', '{"min_bytes":"5MiB","networks":["10.0.0.0/8","192.0.2.1"],"expires_seconds":300}'),
    ).toEqual(some);
    expect(load('storage: { redirect: { min_bytes: 0 } }')).toEqual({ ...on, minBytes: 0 });
    expect([
      load('storage: { redirect: on }', 'off'),
      load('', 'on'),
      load('', 'true'),
      load('', 'false'),
    ]).toEqual([undefined, on, on, undefined]);
  });

  test('has a network for content in front of the bucket, and what signs for CloudFront', () => {
    const cdn = { base_url: 'https://cdn.example', key_pair_id: 'K1', private_key: '/run/key.pem' };
    expect(load('', JSON.stringify(cdn))).toEqual({
      ...on,
      baseUrl: 'https://cdn.example',
      keyPairId: 'K1',
      privateKey: '/run/key.pem',
    });
  });

  test.each([
    ['storage: { redirect: sometimes }', /storage.redirect: expected off, on, or min_bytes/],
    ['storage: { redirect: { min_byte: 1 } }', /config.yaml:1: storage.redirect: expected off, on/],
    ['storage: { redirect: { networks: [everywhere] } }', /expected a network/],
    ['storage: { redirect: { expires_seconds: 8d } }', /from 1 to 7d/],
    ['storage: { redirect: { expires_seconds: 0.5 } }', /from 1 to 7d/],
    ['storage: { redirect: { key_pair_id: K1, base_url: "https://cdn.example" } }', /together/],
    ['storage: { redirect: { private_key: a, base_url: "https://cdn.example" } }', /together/],
    ['storage: { redirect: { key_pair_id: K1, private_key: a } }', /with base_url/],
    ['storage: { redirect: { base_url: here } }', /expected an address/],
  ])('refuses %s', (yaml, message) => {
    expect(() => load(yaml)).toThrow(message);
  });

  test('no other setting takes a mapping', () => {
    expect(() => load('storage: { delete_enabled: { a: 1 } }')).toThrow(/no such setting/);
  });
});
