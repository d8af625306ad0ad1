/**
 * Connections to allowed addresses only, directly or through a proxy, with TLS where the URL has it. A proxy looks names up itself: behind
 * one, a host is judged by its name, or by the address that stands for it.
 */
import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import { isSystemError } from '../oci/system-error.ts';
import { findBlockedHost, findBlockedLiteral, guardedLookup, type Resolve } from './address-guard.ts';
import type { FindProxy, HttpProxy } from './proxies.ts';
import { type Trust, tlsOptionsFor } from './trust.ts';
import { type Dial, dialProxy, openTunnel } from './tunnel.ts';
import { buildConnector } from './undici.ts';

export interface DialerOptions {
  /** For name, connection and TLS together; through a proxy for connecting to it, for its answer, and for TLS, each. */
  readonly connectMs: number;
  readonly allowedNetworks: readonly string[];
  /** The system's resolver when undefined. */
  readonly resolve?: Resolve | undefined;
  /** Undefined: there is none. */
  readonly findProxy?: FindProxy | undefined;
  /** Undefined: Node's authorities alone. */
  readonly trust?: Trust | undefined;
}

/** Whose trust a connection has, and what it may speak; a proxy may be anywhere. */
type Way = 'own' | 'own h2' | 'other' | 'other h2' | 'proxy';

/** What a server answers that has HTTP/2 alone, where HTTP/1.1 is offered. */
const insistsOnHttp2 = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';
/** Of servers with HTTP/2 alone; those beyond are found out anew. */
const maxKnownHosts = 100;

export class Dialer {
  readonly #options: DialerOptions;
  /** One for each way, as they keep TLS sessions: none may go from one trust to another. */
  readonly #connectors = new Map<Way, buildConnector.connector>();
  readonly #http2Hosts = new LRUCache<string, true>({ max: maxKnownHosts });

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** @throws BlockedAddressError, ProxyError, or what the network says */
  async dial(target: buildConnector.Options): Promise<Socket> {
    const { protocol, hostname, port, host = hostname } = target;
    const { trust, findProxy } = this.#options;
    const proxy = findProxy?.(new URL(`${protocol}//${host}`));
    this.#demandAllowed(hostname, proxy);
    if (protocol !== 'https:')
      return proxy ? dialProxy(proxy, this.#toProxy) : this.#connect('other', target);
    const authority = port === '' ? `${host}:443` : host;
    const whose = trust?.host?.hostname === hostname ? 'own' : 'other';
    const connect = async (way: Way) => {
      if (proxy === undefined) return this.#connect(way, target);
      const httpSocket = await openTunnel(proxy, authority, this.#toProxy, this.#options.connectMs);
      return this.#connect(way, { ...target, httpSocket });
    };
    if (this.#http2Hosts.has(host)) return connect(`${whose} h2`);
    try {
      return await connect(whose);
    } catch (error) {
      if (!isSystemError(error, insistsOnHttp2)) throw error;
    }
    this.#http2Hosts.set(host, true);
    return connect(`${whose} h2`);
  }

  readonly #toProxy: Dial = (target) => this.#connect('proxy', target);

  #demandAllowed(hostname: string, proxy: HttpProxy | undefined): void {
    const findBlocked = proxy === undefined ? findBlockedLiteral : findBlockedHost;
    const blocked = findBlocked(hostname, this.#options.allowedNetworks);
    if (blocked) throw blocked;
  }

  #connect(way: Way, target: buildConnector.Options): Promise<Socket> {
    const connector = this.#connectors.get(way) ?? this.#createConnector(way);
    this.#connectors.set(way, connector);
    return new Promise((resolve, reject) => {
      connector(target, (error, socket) => {
        if (error) return reject(error);
        // TLS may refuse us only then, as for want of a client certificate: of a socket that goes on to its end, undici says no more than that.
        socket.on('error', (fault) => socket.destroy(fault));
        resolve(socket);
      });
    });
  }

  #createConnector(way: Way): buildConnector.connector {
    const { connectMs: timeout, allowedNetworks, resolve, trust = { authorities: [] } } = this.#options;
    return buildConnector({
      timeout,
      // HTTP/1.1 wherever it is to be had: one connection, one answer, so that limits and time-outs mean what they say.
      allowH2: way.endsWith('h2'),
      ...tlsOptionsFor(trust, way.startsWith('own') ? trust.host : undefined),
      ...(way !== 'proxy' && { lookup: guardedLookup(allowedNetworks, resolve) }),
    });
  }
}
