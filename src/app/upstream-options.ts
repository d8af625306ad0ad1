/** What is configured of upstreams, as those who speak to them take it. */
import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { createResolve } from '../outbound/address-guard.ts';
import type { Outbound } from './outbound.ts';
import type { Tracing } from './tracing/tracing.ts';

export function upstreamOptions(
  { upstreams: { proxy: _proxy, ...upstreams } }: Config,
  outbound: Outbound,
  tracing?: Tracing,
) {
  return {
    userAgent: `entrepot/${version}`,
    ...upstreams,
    minBytesPerSecond: upstreams.minBytesPerSecond ?? 0,
    resolve: createResolve(),
    findProxy: outbound.findUpstreamProxy,
    trust: outbound.trust,
    traceHeaders: tracing?.headers,
  };
}
