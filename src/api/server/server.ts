/** A listening address: HTTP or HTTPS, and an end that lets transfers finish. */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Log } from '../../observe/log.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { Doorkeeper, type Patience } from './doorkeeper.ts';
import { maxHeaderBytes } from './refused-connection.ts';
import { readKeyPair, type TlsFiles, watchKeyPair } from './tls-files.ts';

export interface ListenerOptions {
  /** It is host:port: all addresses where the host is empty, any free port where the port is 0. */
  readonly address: string;
  /** Undefined: plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** What koa's `callback()` gives. */
  readonly handler: RequestListener;
  /** How long transfers may go on after {@link Listener.close}, in milliseconds. */
  readonly shutdownMs: number;
  readonly log: Log;
  /** How often certificates are looked at, in milliseconds. */
  readonly tlsIntervalMs?: number;
  /** Whether no other worker is given its connections; as a rule all listen together. */
  readonly isOwn?: boolean;
  /** Limits of connections; undefined: as many as come. */
  readonly connections?: ConnectionLimits | undefined;
  /** Tests replace {@link patience}. */
  readonly patience?: Partial<Patience>;
}

const patience: Patience = { headerMs: 20_000, restMs: 10_000, idleMs: 120_000, keepAliveMs: 75_000 };

const unlimited: ConnectionLimits = {
  max: Number.POSITIVE_INFINITY,
  maxPerAddress: Number.POSITIVE_INFINITY,
  isProxy: () => false,
};
const defaultTlsIntervalMs = 5000;
/** How often connections whose transfer ended are looked for while closing. */
const sweepMs = 50;
/** How long a connection that was just made may take to ask for something after {@link Listener.close}. */
const firstRequestMs = 500;
/** How often headers that are late are looked for, at most. */
const maxLatenessMs = 2000;

export class Listener {
  /** Its scheme://host:port, with the port that the system gave. */
  readonly url: string;
  readonly #server: Server | TlsServer;
  readonly #shutdownMs: number;
  readonly #door: Doorkeeper;
  readonly #unwatch: (() => void) | undefined;

  private constructor(
    url: string,
    server: Server | TlsServer,
    options: ListenerOptions,
    door: Doorkeeper,
    unwatch?: () => void,
  ) {
    this.url = url;
    this.#server = server;
    this.#shutdownMs = options.shutdownMs;
    this.#door = door;
    this.#unwatch = unwatch;
  }

  /** @throws Error where the address cannot be listened on, or the certificate cannot be used */
  static async open(options: ListenerOptions): Promise<Listener> {
    const { tls, log, handler, tlsIntervalMs = defaultTlsIntervalMs, isOwn = false } = options;
    const place = { ...parseAddress(options.address), exclusive: isOwn };
    const allowed = { ...patience, ...options.patience };
    const connections = new Connections(options.connections ?? unlimited);
    const settings = settingsOf(allowed);
    const doorOf = (server: Server | TlsServer) =>
      new Doorkeeper(server, { connections, handler, log, patience: allowed, isTls: tls !== undefined });
    if (!tls) {
      const server = createServer(settings);
      const door = doorOf(server);
      return new Listener(await listen(server, place, 'http', log), server, options, door);
    }
    const server = createTlsServer({
      ...settings,
      handshakeTimeout: allowed.headerMs,
      ...(await readKeyPair(tls)),
    });
    const door = doorOf(server);
    const url = await listen(server, place, 'https', log);
    const unwatch = watchKeyPair(tls, tlsIntervalMs, (pair) => server.setSecureContext(pair), log);
    return new Listener(url, server, options, door, unwatch);
  }

  /** Accepts nothing more, lets transfers end up to the limit, and cuts those that have not. */
  async close(): Promise<void> {
    this.#unwatch?.();
    this.#door.isClosing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const deadline = setTimeout(() => this.#door.destroyAll(), this.#shutdownMs);
    const startedAt = performance.now();
    const look = () => this.#sweep(performance.now() - startedAt >= firstRequestMs);
    const sweep = setInterval(look, sweepMs);
    look();
    await closed;
    clearTimeout(deadline);
    clearInterval(sweep);
  }

  /** Closes what is left without work: connections that ask for nothing, some of which Node does not count as idle. */
  #sweep(hasWaited: boolean): void {
    if (!this.#door.isIdle) this.#server.closeIdleConnections();
    else if (hasWaited) this.#door.destroyAll();
    else this.#door.destroyHeard();
  }
}

function settingsOf({ headerMs, keepAliveMs }: Patience): ServerOptions {
  return {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headerMs,
    // Bodies have their limits where they are read.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(maxLatenessMs, headerMs),
    keepAliveTimeout: keepAliveMs,
    // We refuse such requests ourselves, with a body.
    requireHostHeader: false,
  };
}

function listen(
  server: Server | TlsServer,
  { host, port, exclusive }: { readonly host: string; readonly port: number; readonly exclusive: boolean },
  scheme: string,
  log: Log,
): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, exclusive, ...(host !== '' && { host }) }, () => {
      server.off('error', reject);
      // There may be too many open files, say: the next connection may do better.
      server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
      resolve(urlOf(scheme, host, server.address(), port));
    });
  });
}

function urlOf(scheme: string, host: string, bound: AddressInfo | string | null, port: number): string {
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  const name = host === '' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${name}:${boundPort}`;
}

/** Parses `host:port`, `[::1]:port` or `:port`, which the configuration has checked. */
function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(address.slice(colon + 1)) };
}
