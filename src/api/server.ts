/** A listening address: HTTP or HTTPS, and an end that lets transfers finish. */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import { readKeyPair, type TlsFiles, watchKeyPair } from './tls-files.ts';

export interface ListenerOptions {
  /** host:port; all addresses where the host is empty, any free port where it is 0. */
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
}

/**
 * Longer than proxies and clients keep connections (60 s), so that they close first and no request meets a closing
 * socket. Headers must come soon; bodies may take as long as they take: transfers have no total time-out.
 */
const timeouts: ServerOptions = { keepAliveTimeout: 75_000, headersTimeout: 20_000, requestTimeout: 0 };
const defaultTlsIntervalMs = 5000;
/** How often connections whose transfer ended are looked for while closing. */
const sweepMs = 50;

export class Listener {
  /** scheme://host:port, with the port that was given. */
  readonly url: string;
  readonly #server: Server | TlsServer;
  readonly #shutdownMs: number;
  readonly #work: Work;
  readonly #unwatch: (() => void) | undefined;

  private constructor(
    url: string,
    server: Server | TlsServer,
    options: ListenerOptions,
    work: Work,
    unwatch?: () => void,
  ) {
    this.url = url;
    this.#server = server;
    this.#shutdownMs = options.shutdownMs;
    this.#work = work;
    this.#unwatch = unwatch;
  }

  /** @throws Error where the address cannot be listened on, or the certificate cannot be used */
  static async open(options: ListenerOptions): Promise<Listener> {
    const { tls, log, tlsIntervalMs = defaultTlsIntervalMs } = options;
    const { host, port } = parseAddress(options.address);
    const work = new Work();
    const handler: RequestListener = (request, response) => {
      work.begin();
      response.on('close', work.end);
      if (work.isClosing) response.setHeader('Connection', 'close');
      options.handler(request, response);
    };
    if (!tls) {
      const server = createServer(timeouts, handler);
      return new Listener(await listen(server, host, port, 'http', log), server, options, work);
    }
    const server = createTlsServer({ ...timeouts, ...(await readKeyPair(tls)) }, handler);
    const url = await listen(server, host, port, 'https', log);
    const unwatch = watchKeyPair(tls, tlsIntervalMs, (pair) => server.setSecureContext(pair), log);
    return new Listener(url, server, options, work, unwatch);
  }

  /** Accepts nothing more, lets transfers end up to the limit, and cuts those that have not. */
  async close(): Promise<void> {
    this.#unwatch?.();
    this.#work.isClosing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const deadline = setTimeout(() => this.#server.closeAllConnections(), this.#shutdownMs);
    const sweep = setInterval(() => this.#sweep(), sweepMs);
    this.#sweep();
    await closed;
    clearTimeout(deadline);
    clearInterval(sweep);
  }

  /** Without work, what is left are connections that ask for nothing, some of which Node does not count as idle. */
  #sweep(): void {
    if (this.#work.count === 0) this.#server.closeAllConnections();
    else this.#server.closeIdleConnections();
  }
}

/** Requests that are being answered. */
class Work {
  count = 0;
  isClosing = false;

  begin(): void {
    this.count += 1;
  }

  readonly end = (): void => {
    this.count -= 1;
  };
}

function listen(
  server: Server | TlsServer,
  host: string,
  port: number,
  scheme: string,
  log: Log,
): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.off('error', reject);
      // Such as too many open files: the next connection may do better.
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

/** `host:port`, `[::1]:port` or `:port`, as the configuration has checked it. */
function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(address.slice(colon + 1)) };
}
