/** What is configured of upstreams, as those who speak to them take it. */

import type { Config } from '../config/config.ts';
import { version } from '../config/version.ts';
import { createResolve } from '../outbound/address-guard.ts';

export function upstreamOptions({ upstreams }: Config) {
  return {
    userAgent: `entrepot/${version}`,
    maxConnections: upstreams.maxConnections,
    connectMs: upstreams.connectSeconds * 1000,
    firstByteMs: upstreams.firstByteSeconds * 1000,
    answerMs: upstreams.answerSeconds * 1000,
    listMs: upstreams.listSeconds * 1000,
    queueMs: upstreams.queueSeconds * 1000,
    minBytesPerSecond: upstreams.minBytesPerSecond ?? 0,
    probeMs: upstreams.probeSeconds * 1000,
    idleMs: upstreams.idleSeconds * 1000,
    breakerFailures: upstreams.breakerFailures,
    breakerMs: upstreams.breakerSeconds * 1000,
    allowedNetworks: upstreams.allowedNetworks,
    resolve: createResolve(),
    tokenHosts: upstreams.tokenHosts,
  };
}
