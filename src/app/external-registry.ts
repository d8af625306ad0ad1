/** Wires the registry that trusts our tokens and whose images are managed through us, where one is configured. */
import type { Config } from '../config/config.ts';
import type { Outbound } from './outbound.ts';
import type { Tracing } from './tracing/tracing.ts';
import { upstreamOptions } from './upstream-options.ts';

export interface ExternalRegistryParts {
  readonly config: Config;
  readonly outbound: Outbound;
  readonly tracing: Tracing | undefined;
  readonly now: () => number;
}

/** Undefined where none is configured: then nothing of it is loaded. */
export async function createExternalRegistry({ config, outbound, tracing, now }: ExternalRegistryParts) {
  const { apiUrl: url, service, host } = config.externalRegistry;
  if (url === undefined || service === undefined) return undefined;
  const { ExternalRegistry } = await import('../upstreams/external-registry.ts');
  const client = new ExternalRegistry({ ...upstreamOptions(config, outbound, tracing), url, now });
  return { client, service, host: host ?? new URL(url).host };
}
