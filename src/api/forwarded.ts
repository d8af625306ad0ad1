/** Who the client is and what it calls us, where proxies that we trust stand between. Others are not believed. */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type ForwardedElement, parseForwarded } from './forwarded-header.ts';

const xForwarded = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
] as const;

/** What a client asked a proxy for, as the proxy says it. */
export interface Claims {
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly prefix?: string | undefined;
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

export class TrustedProxies {
  readonly #networks: readonly Network[];

  /** @param networks in CIDR notation. @throws Error for a text that is no network */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map((network) => ipaddr.parseCIDR(network));
  }

  trusts(address: string | undefined): boolean {
    if (this.#networks.length === 0 || address === undefined || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.#networks.some(([base, bits]) => parsed.kind() === base.kind() && parsed.match(base, bits));
  }

  /** The last address in front of the proxies we trust. */
  clientAddress(peer: string | undefined, headers: IncomingHttpHeaders): string | undefined {
    return this.#follow(peer, headers).address;
  }

  /** What the proxies we trust say that the client asked for. */
  claims(peer: string | undefined, headers: IncomingHttpHeaders): Claims {
    const { element } = this.#follow(peer, headers);
    if (!isOurs(headers)) return { protocol: element?.['proto'], host: element?.['host'] };
    if (!this.trusts(peer)) return {};
    const first = (name: string) => listOf(headers[name])[0];
    return {
      protocol: first('x-forwarded-proto'),
      host: first('x-forwarded-host'),
      port: first('x-forwarded-port'),
      prefix: first('x-forwarded-prefix'),
    };
  }

  /**
   * Each proxy appends who asked it, so that the list is read from its end; what stands before an address that is not trusted is
   * anybody's invention, and so is what stands before one that is hidden.
   */
  #follow(
    peer: string | undefined,
    headers: IncomingHttpHeaders,
  ): { readonly address: string | undefined; readonly element: ForwardedElement | undefined } {
    let address = peer === undefined ? undefined : plainAddress(peer);
    let element: ForwardedElement | undefined;
    if (!this.trusts(peer)) return { address, element };
    for (element of elementsOf(headers).reverse()) {
      const hop = addressIn(element['for'] ?? '');
      if (hop === undefined) break;
      address = plainAddress(hop);
      if (!this.trusts(hop)) break;
    }
    return { address, element };
  }
}

/** X-Forwarded-* count where there are any: a proxy that writes them passes on a Forwarded that a client made up. */
function elementsOf(headers: IncomingHttpHeaders): ForwardedElement[] {
  if (isOurs(headers)) return listOf(headers['x-forwarded-for']).map((address) => ({ for: address }));
  return [...parseForwarded(headers['forwarded'] ?? '')];
}

function isOurs(headers: IncomingHttpHeaders): boolean {
  return xForwarded.some((name) => headers[name] !== undefined);
}

const nodePattern = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::[\w.-]+)?$/i;

/** The address without port and brackets; undefined for one with a zone, and for what is unknown or hidden. */
function addressIn(node: string): string | undefined {
  const [, ipv6, ipv4] = nodePattern.exec(node) ?? [];
  const address = ipv6 ?? ipv4 ?? node;
  return isIP(address) === 0 || address.includes('%') ? undefined : address;
}

/** The address with IPv4 as IPv4, also where it came over an IPv6 socket. */
function plainAddress(address: string): string {
  return address.includes(':') && ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}

export interface Arrival {
  readonly isEncrypted: boolean;
  /** The socket's address, for clients that send no Host. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** A name has 253 characters at most, and none of them breaks out of the headers that it is repeated in. */
const hostPattern = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;
const portPattern = /^[0-9]{1,5}$/;
const prefixPattern = /^(?=.{1,255}$)(?:\/[\w.~-]+)+$/;
const defaultPorts = { http: '80', https: '443' } as const;

/**
 * The address that the client knows us by: scheme://host with neither path nor slash, unless a trusted proxy puts us below a prefix.
 * @param claims made by trusted proxies
 */
export function externalUrlOf(
  { isEncrypted, localAddress, localPort, headers }: Arrival,
  claims: Claims,
): string {
  const protocol = claims.protocol?.toLowerCase();
  const scheme = protocol === 'https' || protocol === 'http' ? protocol : isEncrypted ? 'https' : 'http';
  const local = localAddress?.includes(':') ? `[${localAddress}]` : localAddress;
  const candidates = [claims.host, headers.host, `${local}:${localPort}`];
  let host =
    candidates.find((candidate) => candidate !== undefined && hostPattern.test(candidate)) ?? 'localhost';
  const { port } = claims;
  if (
    port !== undefined &&
    portPattern.test(port) &&
    !/:[0-9]+$/.test(host) &&
    port !== defaultPorts[scheme]
  ) {
    host += `:${port}`;
  }
  const prefix = claims.prefix?.replace(/(?<!\/)\/+$/, '') ?? '';
  return `${scheme}://${host}${prefixPattern.test(prefix) ? prefix : ''}`;
}

function listOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
