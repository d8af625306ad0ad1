/**
 * Where a registry may send us for a token: credentials go there, and a registry could name any host.
 * Allowed are the registry's own host, its registrable domain, and the configured pairs; https unless the registry itself is http.
 */
import { getDomain } from 'tldts';
import { UpstreamError } from './errors.ts';

/**
 * @param tokenHosts pairs as "registry host=token host", each with or without a port.
 * @throws UpstreamError 'invalid' saying what to configure.
 */
export function parseRealm(realm: string | undefined, registry: URL, tokenHosts: readonly string[]): URL {
  const url = realm === undefined ? null : URL.parse(realm);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new UpstreamError('invalid', 'asks for a token but names no usable token service');
  if (url.protocol === 'http:' && registry.protocol === 'https:')
    throw new UpstreamError(
      'invalid',
      `has its token service at ${url.host} without https, which is refused`,
    );
  if (!isSameParty(url, registry) && !tokenHosts.some((pair) => isPair(pair, url, registry)))
    throw new UpstreamError(
      'invalid',
      `has its token service at ${url.host}, on another domain; if that is right, add ${registry.host}=${url.host} to upstreams.token_hosts`,
    );
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function isSameParty(realm: URL, registry: URL): boolean {
  if (realm.hostname === registry.hostname) return true;
  // Private suffixes such as github.io count: their customers are strangers to each other.
  const [ours, theirs] = [registry, realm].map((url) =>
    getDomain(url.hostname, { allowPrivateDomains: true }),
  );
  return ours != null && ours === theirs;
}

function isPair(pair: string, realm: URL, registry: URL): boolean {
  const [from, to] = pair.split('=').map((host) => host.trim().toLowerCase());
  return isHostOf(registry, from) && isHostOf(realm, to);
}

function isHostOf(url: URL, host: string | undefined): boolean {
  return host === url.host || host === url.hostname;
}
