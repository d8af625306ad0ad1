/**
 * Which addresses what we ask may be at, redirects included: public unicast, unless an operator says otherwise.
 * Names are judged by what they resolve to, in the socket's own lookup, so that no second resolution can differ from the first.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { SingleFlight } from '../concurrency/single-flight.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** What an upstream's `allow_private_network` adds to the allowed networks. */
export const privateNetworks: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '::1/128',
  'fc00::/7',
];

/** Cloud metadata services inside networks that people allow; only a network of that one address allows them. */
const metadataAddresses = new Set([
  '169.254.169.254',
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
]);
const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];
const nat64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96];

export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';
  readonly address: string;

  constructor(address: string) {
    super(describe(address));
    this.address = address;
  }
}

/** @param allowedNetworks in CIDR notation, or single addresses. */
export function isAllowedAddress(address: string, allowedNetworks: readonly string[]): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(withoutZone(address));
  const reached = unwrap(parsed);
  const isMetadata = metadataAddresses.has(reached.toString());
  const isAllowed = allowedNetworks.map(parseNetwork).some(([network, bits]) => {
    if (isMetadata && bits < (network.kind() === 'ipv4' ? 32 : 128)) return false;
    return isWithin(reached, network, bits) || isWithin(parsed, network, bits);
  });
  return isAllowed || (!isMetadata && isPublic(reached));
}

/** @param network in CIDR notation, or an address; false where either cannot be read */
export function isWithinNetwork(address: string, network: string): boolean {
  if (isIP(withoutZone(address)) === 0 || !isNetwork(network)) return false;
  return isWithin(unwrap(ipaddr.parse(withoutZone(address))), ...parseNetwork(network));
}

/** A lookup for `net.connect` that gives only allowed addresses. */
export function guardedLookup(
  allowedNetworks: readonly string[],
  resolve: Resolve = resolveAll,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const usable = addresses.filter(({ family }) => !options.family || options.family === family);
        const allowed = usable.filter(({ address }) => isAllowedAddress(address, allowedNetworks));
        const [first] = allowed;
        if (first === undefined) callback(refusal(hostname, usable), []);
        else if (options.all) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

/**
 * The system's resolver, asked once at a time for a name: each lookup takes one of two threads until it ends, so that one name whose
 * servers do not answer would else keep all others from being looked up.
 */
export function createResolve(resolve: Resolve = resolveAll): Resolve {
  const flights = new SingleFlight<readonly LookupAddress[]>();
  return (hostname) => flights.run(hostname, () => resolve(hostname)).outcome;
}

/** For hosts that are addresses: sockets do not look those up. Undefined where the host is a name or an allowed address. */
export function findBlockedLiteral(
  host: string,
  allowedNetworks: readonly string[],
): BlockedAddressError | undefined {
  if (isIP(host) === 0 || isAllowedAddress(host, allowedNetworks)) return undefined;
  return new BlockedAddressError(host);
}

/**
 * For hosts that a proxy looks up: names of this machine and of a cloud's metadata service are judged as the addresses that they lead to,
 * and where any other name leads is for the proxy to judge.
 */
export function findBlockedHost(
  host: string,
  allowedNetworks: readonly string[],
): BlockedAddressError | undefined {
  const name = host.toLowerCase().replace(/\.$/, '');
  const isHere = name === 'localhost' || name.endsWith('.localhost');
  const address = isHere ? '127.0.0.1' : metadataNames.has(name) ? '169.254.169.254' : host;
  return findBlockedLiteral(address, allowedNetworks);
}

function resolveAll(hostname: string): Promise<readonly LookupAddress[]> {
  return dns.lookup(hostname, { all: true, order: 'verbatim' });
}

function refusal(hostname: string, addresses: readonly LookupAddress[]): Error {
  const [first] = addresses;
  return first === undefined
    ? Object.assign(new Error(`${hostname} has no usable address`), { code: 'ENOTFOUND' })
    : new BlockedAddressError(first.address);
}

function describe(address: string): string {
  const isPrivate = isAllowedAddress(address, privateNetworks);
  return isPrivate
    ? `address ${address} is in a private network; allow it with upstreams.allowed_networks or the upstream's allow_private_network`
    : `address ${address} is not a public address; allow it with upstreams.allowed_networks`;
}

function isNetwork(network: string): boolean {
  return network.includes('/') ? ipaddr.isValidCIDR(network) : isIP(network) !== 0;
}

function parseNetwork(network: string): readonly [Address, number] {
  if (network.includes('/')) return ipaddr.parseCIDR(network);
  const address = ipaddr.parse(network);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** The IPv4 address that is really spoken to, where an IPv6 address only carries one. */
function unwrap(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(nat64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address;
}

/** 6to4, Teredo and the local form of NAT64 are not: where they lead is for the network between to say. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}

function isWithin(address: Address, network: Address, bits: number): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function withoutZone(address: string): string {
  const [bare = address] = address.split('%', 1);
  return bare;
}

/** @param host as URLs have it: IPv6 in brackets */
export function withoutBrackets(host: string): string {
  return host.replace(/[[\]]/g, '');
}
