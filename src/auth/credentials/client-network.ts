/** What counts as one client where attempts and requests are counted. */
import ipaddr from 'ipaddr.js';

const subscriberBits = 64;

/**
 * An IPv4 address, or the /64 of an IPv6 one: that is what a subscriber has, who could come from a new address each time.
 * Empty where there is no address, as for the command line.
 */
export function clientNetwork(address: string | undefined): string {
  if (address === undefined) return '';
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${subscriberBits}`)}/${subscriberBits}`;
}
