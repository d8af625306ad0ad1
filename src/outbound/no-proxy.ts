/**
 * Hosts that are asked without a proxy, as `NO_PROXY` has them and Go reads it: `*` is all; `corp.example` is the host and what is
 * below it, `.corp.example` and `*.corp.example` only the latter; addresses and networks in CIDR notation are those of URLs that have an
 * address, as no name is looked up. `:port` behind a host or an address narrows it to that port.
 */
import { isIP } from 'node:net';
import { isWithinNetwork, withoutBrackets } from './address-guard.ts';

type Matches = (host: string) => boolean;

/** What cannot be read is nobody's host. */
export function createNoProxy(entries: readonly string[]): (url: URL) => boolean {
  const rules = entries.flatMap((entry) => entry.split(/[\s,]/)).map(parseEntry);
  return (url) => {
    const host = plainHost(url.hostname);
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return rules.some((rule) => (rule.port === undefined || rule.port === port) && rule.matches(host));
  };
}

function parseEntry(entry: string): { readonly matches: Matches; readonly port: string | undefined } {
  const narrowed = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry);
  return { matches: matcherOf(narrowed?.[1] ?? entry), port: narrowed?.[2] };
}

function matcherOf(text: string): Matches {
  if (text === '*') return () => true;
  const network = withoutBrackets(text);
  if (isIP(network.replace(/\/.*/, '')) !== 0) return (host) => isWithinNetwork(host, network);
  const named = URL.parse(`http://${text.replace(/^\*?\./, '')}`);
  if (!named) return () => false;
  const domain = plainHost(named.hostname);
  const isBelowOnly = /^\*?\./.test(text);
  return (host) => (!isBelowOnly && host === domain) || host.endsWith(`.${domain}`);
}

/** IPv6 without brackets, and names without the dot that they may end with. */
function plainHost(hostname: string): string {
  return withoutBrackets(hostname).replace(/\.$/, '');
}
