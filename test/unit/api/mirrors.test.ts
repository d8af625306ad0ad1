import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { TrustedProxies } from '../../../src/api/forwarded.ts';
import { type Mirror, mirroredName, mirrorsByHost } from '../../../src/api/mirrors.ts';

const mirror: Mirror = { registryId: 3, isAnonymous: false, standsFor: new Set(['gcr.io']) };

describe('a mirror with a host name', () => {
  const find = mirrorsByHost(new Map([['mirror.example.com', mirror]]), new TrustedProxies(['10.0.0.1/32']));
  const from = (remoteAddress: string, headers: Record<string, string>) =>
    find({ socket: { remoteAddress }, headers } as unknown as IncomingMessage);

  test.each(['mirror.example.com', 'Mirror.Example.COM', 'mirror.example.com:8443'])(
    'is found for %s',
    (host) => {
      expect(from('192.0.2.1', { host })).toBe(mirror);
    },
  );

  test.each(['example.com', 'a.mirror.example.com', 'mirror.example.com.', '[::1]:80'])(
    'is not for %s',
    (host) => {
      expect(from('192.0.2.1', { host })).toBeUndefined();
    },
  );

  test('is found for what a trusted proxy was asked, and for nobody else’s word', () => {
    const headers = { host: '127.0.0.1:5000', 'x-forwarded-host': 'mirror.example.com' };
    expect(from('10.0.0.1', headers)).toBe(mirror);
    expect(from('10.0.0.2', headers)).toBeUndefined();
    expect(
      from('10.0.0.1', { host: 'mirror.example.com', 'x-forwarded-host': 'other.example' }),
    ).toBeUndefined();
  });

  test('needs a host', () => {
    expect(from('192.0.2.1', {})).toBeUndefined();
  });
});

describe('what is meant at a mirror', () => {
  const meant = (query: string) => mirroredName(mirror, 'library/alpine', query);
  const name = 'virtual_registries/container/3/library/alpine';

  test('is an image of its virtual registry, of any of its upstreams', () => {
    for (const query of ['', 'ns=', 'n=1', 'ns=gcr.io', 'ns=GCR.io:443'])
      expect(meant(query)).toEqual({ name, choice: undefined });
  });

  test.each([
    ['quay.io', 'quay.io'],
    ['Quay.IO:443', 'quay.io'],
    ['quay.io:8443', 'quay.io:8443'],
    ['127.0.0.1:5001', '127.0.0.1:5001'],
    ['docker.io', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['registry.hub.docker.com', 'docker.io'],
    ['a b', 'a b'],
  ])('with ns=%s is of the upstreams whose registry is %s', (namespace, host) => {
    const query = new URLSearchParams({ ns: namespace, x: '1' }).toString();
    expect(meant(query)).toEqual({ name, choice: { host, isForEveryone: false } });
  });

  test('is for everyone where nobody logs in', () => {
    const open = { ...mirror, isAnonymous: true };
    expect(mirroredName(open, 'a', 'ns=quay.io').choice).toEqual({ host: 'quay.io', isForEveryone: true });
  });
});
