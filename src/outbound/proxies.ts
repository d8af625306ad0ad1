/** Which proxy a request goes through, if any. */
import { createNoProxy } from './no-proxy.ts';

export interface HttpProxy {
  /** http or https, with the user and the password that it wants. */
  readonly url: URL;
  /** What names it, for whoever has to change it: "outbound.https_proxy". */
  readonly setting: string;
}

export type FindProxy = (url: URL) => HttpProxy | undefined;

/** One proxy for each scheme, and hosts that are asked without one, in the forms of {@link createNoProxy}. */
export interface ProxySettings {
  readonly https: HttpProxy | undefined;
  readonly http: HttpProxy | undefined;
  readonly noProxy: readonly string[];
}

export function createFindProxy({ https, http, noProxy }: ProxySettings): FindProxy {
  const isExempt = createNoProxy(noProxy);
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    return proxy === undefined || isExempt(url) ? undefined : proxy;
  };
}

/** Of its user and password, where it has any. https://www.rfc-editor.org/rfc/rfc9110#section-11.7.2 */
export function proxyHeaders({ url: { username, password } }: HttpProxy): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}
