/** The address of an HTTP proxy as people and other programs write it, such as `http://user:password@proxy.corp:3128`. */

export const expectedProxy =
  'expected http://host:port or https://host:port of an HTTP proxy, none of SOCKS; where it wants a login, with user:password@ before the host, in which an @ is %40, a # is %23 and a % is %25';

/** Without a scheme it is http, as curl and Go have it. Undefined for what is no address of an HTTP proxy, such as one of SOCKS. */
export function parseProxyUrl(text: string): URL | undefined {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const isPlace = url.pathname === '/' && url.search === '' && url.hash === '';
  return isPlace && isDecodable(url.username) && isDecodable(url.password) ? url : undefined;
}

/** With `%` only where it begins the number of a character. */
function isDecodable(text: string): boolean {
  try {
    return !/[\r\n]/.test(decodeURIComponent(text));
  } catch {
    return false;
  }
}
