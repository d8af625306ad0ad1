/** Who the client is and what it calls us, where proxies that we trust stand between. Others are not believed. */
import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

export class TrustedProxies {
  readonly #networks: readonly Network[];

  /** @param networks in CIDR notation. @throws Error for what is none */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map((network) => ipaddr.parseCIDR(network));
  }

  trusts(address: string | undefined): boolean {
    if (this.#networks.length === 0 || address === undefined || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.#networks.some(([base, bits]) => parsed.kind() === base.kind() && parsed.match(base, bits));
  }

  /**
   * The last address in front of the proxies we trust. Each proxy appends who asked it, so the list is read from its end;
   * what stands before an address that is not trusted is anybody's invention.
   */
  clientAddress(peer: string | undefined, headers: IncomingHttpHeaders): string | undefined {
    let client = peer === undefined ? undefined : plainAddress(peer);
    if (!this.trusts(peer)) return client;
    for (const hop of listOf(headers['x-forwarded-for']).reverse()) {
      if (!ipaddr.isValid(hop)) break;
      client = plainAddress(hop);
      if (!this.trusts(hop)) break;
    }
    return client;
  }
}

/** IPv4 as IPv4, also where it came over an IPv6 socket. */
function plainAddress(address: string): string {
  return address.includes(':') && ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}

export interface Arrival {
  readonly isEncrypted: boolean;
  /** Of the socket, for clients that send no Host. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

const hostPattern = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
const portPattern = /^[0-9]{1,5}$/;
const prefixPattern = /^(?:\/[\w.~-]+)+$/;
const defaultPorts = { http: '80', https: '443' } as const;

/** scheme://host with neither path nor slash at the end, unless a trusted proxy puts us below a prefix. */
export function externalUrlOf(
  { isEncrypted, localAddress, localPort, headers }: Arrival,
  isTrusted: boolean,
): string {
  const said = (name: string) => (isTrusted ? listOf(headers[name])[0] : undefined);
  const protocol = said('x-forwarded-proto')?.toLowerCase();
  const scheme = protocol === 'https' || protocol === 'http' ? protocol : isEncrypted ? 'https' : 'http';
  const local = localAddress?.includes(':') ? `[${localAddress}]` : localAddress;
  const candidates = [said('x-forwarded-host'), headers.host, `${local}:${localPort}`];
  let host =
    candidates.find((candidate) => candidate !== undefined && hostPattern.test(candidate)) ?? 'localhost';
  const port = said('x-forwarded-port');
  if (
    port !== undefined &&
    portPattern.test(port) &&
    !/:[0-9]+$/.test(host) &&
    port !== defaultPorts[scheme]
  ) {
    host += `:${port}`;
  }
  const prefix = said('x-forwarded-prefix')?.replace(/\/+$/, '') ?? '';
  return `${scheme}://${host}${prefixPattern.test(prefix) ? prefix : ''}`;
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
