import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  BlockedAddressError,
  createResolve,
  findBlockedHost,
  findBlockedLiteral,
  guardedLookup,
  isAllowedAddress,
  isWithinNetwork,
  privateNetworks,
} from '../../../src/outbound/address-guard.ts';
import { eventually } from '../../support/eventually.ts';

describe('without allowed networks', () => {
  test.each(['93.184.216.34', '8.8.8.8', '2606:4700::6810:84e5', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    'the public address %s is allowed',
    (address) => {
      expect(isAllowedAddress(address, [])).toBe(true);
    },
  );

  test.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.5'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.8.8.8'],
    ['loopback', '::1'],
    ['link-local', '169.254.1.1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['metadata', '169.254.169.254'],
    ['metadata', 'fd00:ec2::254'],
    ['metadata', '168.63.129.16'],
    ['unique local', 'fd12:3456::1'],
    ['site local', 'fec0::1'],
    ['benchmarking', '198.18.0.1'],
    ['benchmarking', '2001:2::1'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['reserved', '192.0.0.192'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['v4-mapped private', '::ffff:10.0.0.5'],
    ['v4-mapped metadata', '::ffff:a9fe:a9fe'],
    ['v4-compatible', '::127.0.0.1'],
    ['v4-translated', '::ffff:0:10.0.0.5'],
    ['NAT64 of a private one', '64:ff9b::10.0.0.5'],
    ['NAT64 of metadata', '64:ff9b::a9fe:a9fe'],
    ['local NAT64', '64:ff9b:1::808:808'],
    ['6to4', '2002:0a00:0005::1'],
    ['6to4 of a public one', '2002:0808:0808::1'],
    ['Teredo', '2001:0:0a00:0005::1'],
    ['discard', '100::1'],
    ['outside 2000::/3', '4000::1'],
    ['no address', 'localhost'],
    ['no address', '0x7f.1'],
    ['no address', ''],
  ])('%s %s is refused', (_kind, address) => {
    expect(isAllowedAddress(address, [])).toBe(false);
  });
});

describe('with allowed networks', () => {
  test('addresses in them are allowed, others are not', () => {
    expect(isAllowedAddress('10.0.0.5', ['127.0.0.0/8', '10.0.0.0/8'])).toBe(true);
    expect(isAllowedAddress('::ffff:10.0.0.5', ['10.0.0.0/8'])).toBe(true);
    expect(isAllowedAddress('fd12::1', ['fd12::/16'])).toBe(true);
    expect(isAllowedAddress('64:ff9b:1::1', ['64:ff9b:1::/48'])).toBe(true);
    expect(isAllowedAddress('192.168.0.1', ['10.0.0.0/8'])).toBe(false);
    expect(isAllowedAddress('::1', ['127.0.0.0/8'])).toBe(false);
  });

  test('a single address may stand for itself', () => {
    expect(isAllowedAddress('10.0.0.5', ['10.0.0.5'])).toBe(true);
    expect(isAllowedAddress('10.0.0.6', ['10.0.0.5'])).toBe(false);
  });

  test('metadata services need to be named by their own address', () => {
    expect(isAllowedAddress('169.254.169.254', ['169.254.0.0/16', '0.0.0.0/0'])).toBe(false);
    expect(isAllowedAddress('fd00:ec2::254', ['fc00::/7'])).toBe(false);
    expect(isAllowedAddress('169.254.169.254', ['169.254.169.254/31'])).toBe(false);
    expect(isAllowedAddress('169.254.169.254', ['169.254.169.254/32'])).toBe(true);
    expect(isAllowedAddress('fd20:ce::254', ['fd20:ce::254/127'])).toBe(false);
    expect(isAllowedAddress('fd20:ce::254', ['fd20:ce::254/128'])).toBe(true);
    expect(isAllowedAddress('fd00:ec2::254', ['fd00:ec2::254'])).toBe(true);
    expect(isAllowedAddress('168.63.129.16', ['168.63.0.0/16'])).toBe(false);
  });

  test('are meant as they are written, or as where an address that carries another leads', () => {
    expect(isAllowedAddress('::ffff:10.0.0.5', ['::ffff:0:0/96'])).toBe(true);
    expect(isAllowedAddress('64:ff9b::a00:5', ['10.0.0.0/8'])).toBe(true);
    expect(isAllowedAddress('64:ff9b::a00:5', ['64:ff9b::/96'])).toBe(true);
    expect(isAllowedAddress('64:ff9b::a9fe:a9fe', ['64:ff9b::/96'])).toBe(false);
    expect(isAllowedAddress('fe80::1%eth0', ['fe80::/10'])).toBe(true);
    expect(isAllowedAddress('fe80::1%eth0', ['fe80::1'])).toBe(true);
  });

  test("an upstream's allow_private_network reaches private networks and loopback, neither link-local nor metadata", () => {
    for (const address of [
      '10.1.2.3',
      '172.16.0.1',
      '192.168.0.1',
      '127.0.0.1',
      '::1',
      'fd12::1',
      '100.64.0.1',
    ])
      expect(isAllowedAddress(address, privateNetworks)).toBe(true);
    for (const address of [
      '169.254.0.1',
      '169.254.169.254',
      'fe80::1',
      'fd00:ec2::254',
      '100.100.100.200',
      '192.0.2.1',
    ])
      expect(isAllowedAddress(address, privateNetworks)).toBe(false);
  });
});

describe('a host that a proxy looks up', () => {
  test.each([
    'localhost',
    'LOCALHOST.',
    'registry.localhost',
    'metadata',
    'metadata.google.internal',
    'metadata.goog',
    'instance-data',
    'instance-data.ec2.internal.',
    '10.0.0.5',
  ])('is refused as the address that it leads to: %s', (host) => {
    expect(findBlockedHost(host, [])).toBeInstanceOf(BlockedAddressError);
  });

  test('may be any other name, and what is allowed', () => {
    for (const host of ['registry.corp.test', 'notlocalhost', 'metadata.corp.test', '8.8.8.8'])
      expect(findBlockedHost(host, [])).toBeUndefined();
    expect(findBlockedHost('localhost', ['127.0.0.0/8'])).toBeUndefined();
    expect(findBlockedHost('metadata', ['169.254.169.254/32'])).toBeUndefined();
  });
});

describe('a network', () => {
  test.each([
    ['10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.0.0.0/8'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['fd00::5', 'fd00::5'],
  ])('has the address %s: %s', (address, network) => {
    expect(isWithinNetwork(address, network)).toBe(true);
  });

  test.each([
    ['10.1.2.3', '10.1.2.4'],
    ['10.1.2.3', 'corp.test'],
    ['10.1.2.3', '10.0.0.0/x'],
    ['10.1.2.3', ''],
    ['corp.test', '10.0.0.0/8'],
    ['fd00::5', '10.0.0.0/8'],
    ['fd00::5', 'fd00::6'],
  ])('does not have %s: %s', (address, network) => {
    expect(isWithinNetwork(address, network)).toBe(false);
  });
});

describe('the lookup', () => {
  const publicOne = { address: '93.184.216.34', family: 4 };
  const privateOne = { address: '10.0.0.5', family: 4 };
  const sixth = { address: '2606:4700::1', family: 6 };

  function look(found: { address: string; family: number }[], options: object = { all: true }) {
    const lookup = guardedLookup([], async () => found);
    return promisify((done: (error: Error | null, result?: unknown) => void) =>
      lookup('registry.example', options, (error, address, family) => done(error, { address, family })),
    )();
  }

  test('gives only the allowed ones of several addresses', async () => {
    expect(await look([privateOne, publicOne, sixth])).toEqual({
      address: [publicOne, sixth],
      family: undefined,
    });
  });

  test('gives one address where one is wanted, of the family that is wanted', async () => {
    expect(await look([privateOne, publicOne, sixth], {})).toEqual(publicOne);
    expect(await look([publicOne, sixth], { family: 6 })).toEqual(sixth);
  });

  test('says what is wrong and what to do where none is allowed', async () => {
    await expect(look([privateOne])).rejects.toThrow(
      "address 10.0.0.5 is in a private network; allow it with upstreams.allowed_networks or the upstream's allow_private_network",
    );
    await expect(look([{ address: '169.254.169.254', family: 4 }])).rejects.toThrow(
      'address 169.254.169.254 is not a public address; allow it with upstreams.allowed_networks',
    );
    await expect(look([privateOne])).rejects.toBeInstanceOf(BlockedAddressError);
  });

  test('says so where there is no address, or none of the family that is wanted', async () => {
    await expect(look([])).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(look([publicOne], { family: 6 })).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test('hands on the error of the resolver', async () => {
    const lookup = guardedLookup([], () => Promise.reject(new Error('ENOTFOUND')));
    const callback = vi.fn();
    lookup('registry.example', { all: true }, callback);
    await eventually(() => expect(callback).toHaveBeenCalledWith(new Error('ENOTFOUND'), []));
  });
});

test('a host that is an address is judged as one, a name is not', () => {
  expect(findBlockedLiteral('127.0.0.1', [])).toBeInstanceOf(BlockedAddressError);
  expect(findBlockedLiteral('::1', [])).toBeInstanceOf(BlockedAddressError);
  expect(findBlockedLiteral('127.0.0.1', ['127.0.0.0/8'])).toBeUndefined();
  expect(findBlockedLiteral('8.8.8.8', [])).toBeUndefined();
  expect(findBlockedLiteral('localhost', [])).toBeUndefined();
});

test('a name that takes long to resolve is looked up once, however many connections wait for it', async () => {
  const gate = Promise.withResolvers<readonly { address: string; family: number }[]>();
  const asked: string[] = [];
  const resolve = createResolve((hostname) => {
    asked.push(hostname);
    return hostname === 'slow.example'
      ? gate.promise
      : Promise.resolve([{ address: '192.0.2.1', family: 4 }]);
  });
  const waiting = [resolve('slow.example'), resolve('slow.example')];
  expect(await resolve('other.example')).toHaveLength(1);
  gate.resolve([{ address: '192.0.2.2', family: 4 }]);
  expect(await Promise.all(waiting)).toHaveLength(2);
  expect(asked).toEqual(['slow.example', 'other.example']);
});

test('a name is looked up as the system does, with all its addresses', async () => {
  const loopback = { address: '127.0.0.1', family: 4 };
  expect(await createResolve()('localhost')).toContainEqual(loopback);
  const lookup = guardedLookup(['127.0.0.0/8']);
  const found = await new Promise((resolve) =>
    lookup('localhost', { all: true }, (_error, addresses) => resolve(addresses)),
  );
  expect(found).toContainEqual(loopback);
});
