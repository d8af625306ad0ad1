/** Requests to allowed addresses only, directly or through a proxy, with time-outs for each part of an answer. */
import type { Dispatcher } from 'undici';
import { Dialer, type DialerOptions } from './dialer.ts';
import { proxyHeaders } from './proxies.ts';
import { proxyRefusal } from './proxy-error.ts';
import { Agent } from './undici.ts';

const keepAliveMs = 20_000;

export interface GuardedAgentOptions extends DialerOptions {
  readonly firstByteMs: number;
  /** How long a body may stand still. */
  readonly idleMs: number;
}

export type GuardedRequest = Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'headers'> & {
  readonly headers: Readonly<Record<string, string>>;
};

/** Whether the answer is the proxy's own: 407 always is, of others squid and tinyproxy say so, and who knows https://www.rfc-editor.org/rfc/rfc9209#section-2.3.1 */
function isOfProxy({ statusCode, headers }: Dispatcher.ResponseData): boolean {
  const isFault =
    headers['x-squid-error'] !== undefined ||
    /^tinyproxy\//.test(String(headers['server'])) ||
    /;\s*error=/.test(String(headers['proxy-status']));
  return statusCode === 407 || (statusCode >= 400 && isFault);
}

export class GuardedAgent {
  readonly #agent: Agent;
  readonly #findProxy: DialerOptions['findProxy'];

  /** @param connections per origin; undefined: as many as are asked for */
  constructor(options: GuardedAgentOptions, connections?: number) {
    const dialer = new Dialer(options);
    this.#findProxy = options.findProxy;
    this.#agent = new Agent({
      connections: connections ?? null,
      pipelining: 1,
      headersTimeout: options.firstByteMs,
      bodyTimeout: options.idleMs,
      keepAliveTimeout: keepAliveMs,
      connect: (target, callback) => {
        dialer.dial(target).then(
          (socket) => callback(null, socket),
          (error) => callback(error, null),
        );
      },
    });
  }

  /** A proxy is asked for http by the whole URL, and tunnels the rest: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 */
  async request(url: URL, options: GuardedRequest): Promise<Dispatcher.ResponseData> {
    const { origin, pathname, search } = url;
    const proxy = url.protocol === 'http:' ? this.#findProxy?.(url) : undefined;
    if (proxy === undefined) return this.#agent.request({ ...options, origin, path: pathname + search });
    const headers = { ...options.headers, ...proxyHeaders(proxy) };
    const path = origin + pathname + search;
    const data = await this.#agent.request({ ...options, origin, path, headers });
    if (!isOfProxy(data)) return data;
    data.body.on('error', () => {}).destroy();
    throw proxyRefusal(proxy, data.statusCode);
  }

  /** Ends everything under way. */
  async destroy(): Promise<void> {
    await this.#agent.destroy();
  }
}
