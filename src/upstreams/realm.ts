/**
 * Where a registry may send us for a token, as it could name any host. Credentials go to its own origin, to its own host or registrable
 * domain where both it and the token service speak TLS, and to configured pairs. Without credentials, the party is enough.
 */
import { createRequire } from 'node:module';
import { OutboundError } from '../outbound/outbound-error.ts';

export interface RealmRules {
  /** The registry's token service, with or without a port, wherever that is. */
  readonly tokenHost: string | undefined;
  /** Pairs as "registry host=token host", each with or without a port. */
  readonly tokenHosts: readonly string[];
  /** Whether credentials are sent there. */
  readonly isConfidential: boolean;
}

const require = createRequire(import.meta.url);

/** Loaded with the first realm on another host: its list of domains takes more than 1 MiB, which most servers never need. */
function load(): typeof import('tldts') {
  return require('tldts');
}

/**
 * @param realm may be relative to the registry. Without https on a registry's own host it means that TLS ends in front of both.
 * @param registry its `/v2/`
 * @throws OutboundError 'invalid' saying what to configure.
 */
export function parseRealm(
  realm: string | undefined,
  registry: URL,
  { tokenHost, tokenHosts, isConfidential }: RealmRules,
): URL {
  const url = realm ? URL.parse(realm, registry) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new OutboundError('invalid', 'asks for a token but names no usable token service');
  if (url.protocol === 'http:' && registry.protocol === 'https:' && url.hostname === registry.hostname) {
    if (url.port === '') url.port = registry.port;
    url.protocol = 'https:';
  }
  if (url.protocol === 'http:' && registry.protocol === 'https:')
    throw new OutboundError(
      'invalid',
      `has its token service at ${url.host} without https, which is refused`,
    );
  const isKnown =
    url.origin === registry.origin ||
    isHostOf(url, tokenHost) ||
    tokenHosts.some((pair) => isPair(pair, url, registry));
  if (!isKnown && !isSameParty(url, registry)) throw refusal('on another domain', url, registry);
  if (!isKnown && isConfidential && registry.protocol !== 'https:')
    throw refusal('where credentials are not sent unless both have https', url, registry);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function refusal(why: string, realm: URL, registry: URL): OutboundError {
  const [host, pair] = [realm.host, `${registry.host}=${realm.host}`];
  return new OutboundError(
    'invalid',
    `has its token service at ${host}, ${why}; if that is right, give the upstream the token_host ${host}, or add ${pair} to upstreams.token_hosts`,
  );
}

function isSameParty(realm: URL, registry: URL): boolean {
  if (realm.hostname === registry.hostname) return true;
  // Private suffixes such as github.io count: their customers are strangers to each other.
  const { getDomain } = load();
  const [ours, theirs] = [registry, realm].map((url) =>
    getDomain(url.hostname, { allowPrivateDomains: true }),
  );
  return ours != null && ours === theirs;
}

function isPair(pair: string, realm: URL, registry: URL): boolean {
  const [from, to] = pair.split('=');
  return isHostOf(registry, from) && isHostOf(realm, to);
}

/** As URLs write hosts: in lower case, in Punycode, without the scheme's own port. Without a port, any is meant. */
function isHostOf({ protocol, host, hostname }: URL, text: string | undefined): boolean {
  if (text === undefined) return false;
  const named = URL.parse(`${protocol}//${text.trim()}`);
  if (named === null) return false;
  return named.host === host || (named.hostname === hostname && !/:\d+\s*$/.test(text));
}
