/** What the set-up of clients takes from the configuration. */
import type { Config } from '../config/config.ts';
import type { SetupOptions } from '../management/setup/client-setups.ts';

export function setupOptions({ mirrors, http: { tls } }: Config): SetupOptions {
  return { mirrors, hasTls: tls.certificate !== undefined };
}

/** The address that clients know the server by, as far as the configuration knows. */
export function configuredUrl({ http: { externalUrl, address, tls } }: Config): string {
  return externalUrl ?? `http${tls.certificate === undefined ? '' : 's'}://${reachable(address)}`;
}

/** Of all addresses of a machine, the one that Docker trusts without TLS. @param address host:port */
export function reachable(address: string): string {
  return address.replace(/^(?:0\.0\.0\.0|\[::\])?(?=:\d+$)/, '127.0.0.1');
}
