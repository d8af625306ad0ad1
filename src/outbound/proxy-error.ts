import type { HttpProxy } from './proxies.ts';

/** A proxy does not let us through. The message names the proxy and what sets it, and nothing of its login. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** True where it was our time-out. */
  readonly timedOut: boolean;

  /** @param what the proxy did, and what to do about it */
  constructor(
    proxy: HttpProxy,
    what: string,
    options: { readonly timedOut?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`was not reached: the proxy ${proxy.url.host} (${proxy.setting}) ${what}`, {
      cause: options.cause,
    });
    this.timedOut = options.timedOut ?? false;
  }
}

/** What a status of the proxy itself says. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8 */
export function proxyRefusal(proxy: HttpProxy, status: number): ProxyError {
  // tinyproxy says 401 where the login is wrong.
  if (status !== 407 && status !== 401) {
    const advice = status === 403 ? '; allow it there, or name the host in NO_PROXY' : '';
    return new ProxyError(proxy, `would not connect to it (${status})${advice}`);
  }
  const what =
    proxy.url.username === ''
      ? `wants a login (${status}); give it as user:password@ before its host`
      : `refused its user or password (${status})`;
  return new ProxyError(proxy, what);
}
