/** What is configured of upstreams, as those who speak to them take it. */

import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { createResolve } from '../outbound/address-guard.ts';

export function upstreamOptions({ upstreams }: Config) {
  return {
    userAgent: `entrepot/${version}`,
    ...upstreams,
    minBytesPerSecond: upstreams.minBytesPerSecond ?? 0,
    resolve: createResolve(),
  };
}
