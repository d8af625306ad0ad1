/** The way to and through a proxy. */
import { Socket } from 'node:net';
import { withoutBrackets } from './address-guard.ts';
import { toOutboundError } from './network-error.ts';
import { type HttpProxy, proxyHeaders } from './proxies.ts';
import { ProxyError, proxyRefusal } from './proxy-error.ts';
import { type buildConnector, Client } from './undici.ts';

export type Dial = (target: buildConnector.Options) => Promise<Socket>;

/** A connection to the proxy. @throws ProxyError */
export async function dialProxy(proxy: HttpProxy, dial: Dial): Promise<Socket> {
  const { protocol, host, hostname, port } = proxy.url;
  try {
    return await dial({ protocol, host, hostname: withoutBrackets(hostname), port });
  } catch (cause) {
    const { message, timedOut } = toOutboundError(cause);
    throw new ProxyError(proxy, message, { timedOut, cause });
  }
}

/**
 * A connection through the proxy to host:port, by CONNECT: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 * @param answerMs from having a connection to the proxy to its answer
 * @throws ProxyError
 */
export async function openTunnel(
  proxy: HttpProxy,
  authority: string,
  dial: Dial,
  answerMs: number,
): Promise<Socket> {
  const client = new Client(proxy.url.origin, {
    headersTimeout: answerMs,
    connect: (_target, callback) =>
      void dialProxy(proxy, dial).then(
        (socket) => callback(null, socket),
        (error) => callback(error, null),
      ),
  });
  try {
    const headers = { host: authority, ...proxyHeaders(proxy) };
    const { statusCode, socket } = await client.connect({ path: authority, headers });
    if (statusCode < 300 && socket instanceof Socket) return socket;
    socket.destroy();
    throw proxyRefusal(proxy, statusCode);
  } catch (cause) {
    if (cause instanceof ProxyError) throw cause;
    const { message, timedOut } = toOutboundError(cause, {
      UND_ERR_HEADERS_TIMEOUT: 'upstreams.connect_seconds',
    });
    throw new ProxyError(proxy, message, { timedOut, cause });
  } finally {
    void client.destroy();
  }
}
